"""Live values over server-sent events."""

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query
from starlette.responses import Response

from services.api.dependencies import CurrentCatalogue, Scope, State, known_kpi, known_windows, needs, only
from services.api.event_stream import EventStream
from services.api.subscriptions import Selection

router = APIRouter(prefix="/v1", tags=["values"], dependencies=[needs(Scope.READ)])

_WHAT_COMES = """\
Events `value`, each a value with its revision: first the selected values, then what changes. An event `bye`
ends the stream; come again after the time in `retry`, with the last id."""

_MAX_POSITION_DIGITS = 18


@router.get(
    "/stream",
    status_code=200,
    response_class=EventStream,
    response_description=_WHAT_COMES,
    dependencies=[Depends(only("kpi", "window"))],
)
async def stream_values(
    state: State,
    catalogue: CurrentCatalogue,
    kpi: Annotated[list[str] | None, Query(description="Only these KPIs; may be given often")] = None,
    window: Annotated[list[str] | None, Query(description="Only these windows; may be given often")] = None,
    last_event_id: Annotated[
        str | None, Header(description="The id of the last event seen: only what changed since is told")
    ] = None,
) -> Response:
    """The current values and then every change, until the client, the service or an hour ends it."""
    slugs = frozenset(known_kpi(catalogue, slug).slug for slug in kpi or ())
    selection = Selection(slugs, known_windows(catalogue, window or ()))
    return EventStream(state.hub, selection, since=_position(last_event_id), pace=state.pace)


def _position(last_event_id: str | None) -> int | None:
    """The position in *last_event_id*; an id that is none of ours is as good as no id."""
    text = last_event_id or ""
    is_ours = text.isascii() and text.isdecimal() and len(text) <= _MAX_POSITION_DIGITS
    return (int(text) or None) if is_ours else None
