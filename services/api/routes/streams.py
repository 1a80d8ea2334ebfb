"""Live values over server-sent events."""

from typing import Annotated

from fastapi import APIRouter, Depends, Header
from starlette.responses import Response

from services.api.dependencies import Scope, State, needs
from services.api.http.selections import Selection
from services.api.routes.selections import DIMENSION_FILTERS, selection_of
from services.api.streaming.event_stream import EventStream

router = APIRouter(prefix="/v1", tags=["values"], dependencies=[needs(Scope.READ)])

_WHAT_COMES = """\
Events `value`, each a value with its revision: first the selected values, then what changes; `gone` tells of
a series that is no more. An event `bye` ends the stream; come again after the time in `retry`, with the last
id. If that is no longer remembered, `reset` comes first: forget everything, all of it follows."""

_MAX_POSITION_DIGITS = 18


@router.get(
    "/stream",
    status_code=200,
    response_class=EventStream,
    response_description=_WHAT_COMES,
    openapi_extra=DIMENSION_FILTERS,
)
async def stream_values(
    state: State,
    selection: Annotated[Selection, Depends(selection_of)],
    last_event_id: Annotated[
        str | None, Header(description="The id of the last event seen: only what changed since is told")
    ] = None,
) -> Response:
    """The current values and then every change, until the client, the service or an hour ends it."""
    return EventStream(
        state.hub,
        selection,
        since=_position(last_event_id),
        is_resumed=bool(last_event_id),
        pace=state.pace,
    )


def _position(last_event_id: str | None) -> int | None:
    """The position in *last_event_id*; an id that is none of ours is as good as no id."""
    text = last_event_id or ""
    is_ours = text.isascii() and text.isdecimal() and len(text) <= _MAX_POSITION_DIGITS
    return (int(text) or None) if is_ours else None
