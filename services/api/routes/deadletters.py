"""Events that were refused: looked at, mended and sent again."""

from collections import Counter
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request
from starlette.responses import Response

from services.api.dead_letters import Again
from services.api.dependencies import Caller, Scope, State, needs, only
from services.api.http.answers import ENCODER, answer, weak_etag
from services.api.http.parameters import NOT_OURS, InvalidParameterError, decoded_cursor, encoded_cursor
from services.api.routes.pages import Cursor, Limit
from services.api.schemas.dead_letters import (
    DeadLettersBody,
    RetriedBody,
    RetryBody,
    WholeDeadLetterBody,
    page_body,
    whole_body,
)
from shared.replay.letters import Choice

router = APIRouter(prefix="/v1", tags=["dead letters"], dependencies=[needs(Scope.ADMIN)])

_MOST_OFFSET = 2**63 - 1

_Place = Annotated[int, Path(ge=0, le=_MOST_OFFSET)]

_BEFORE = dict[int, int]


@router.get(
    "/deadletters",
    response_model=DeadLettersBody,
    dependencies=[Depends(only("reason", "topic", "limit", "cursor"))],
)
async def list_dead_letters(
    request: Request,
    *,
    state: State,
    reason: Annotated[list[str] | None, Query(description="Only those with one of these reasons")] = None,
    topic: Annotated[list[str] | None, Query(description="Only those from one of these topics")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """What was refused and why, newest first.

    With a filter a page may end before it is full: after 20,000 records that were looked through. While there
    is a `next_cursor` there may be more.
    """
    before = {} if cursor is None else _before(cursor)
    choice = Choice(reasons=reason or (), topics=topic or ())
    page = await state.dead_letters.newest(choice, before=before, limit=limit)
    body = page_body(page, encoded_cursor(dict(page.before)) if page.before else None)
    return answer(request, body, etag=weak_etag(body))


@router.get("/deadletters/{partition}/{offset}", response_model=WholeDeadLetterBody)
async def get_dead_letter(request: Request, partition: _Place, offset: _Place, *, state: State) -> Response:
    """One of them with every byte, its headers and its key."""
    body = whole_body(await state.dead_letters.one(partition, offset))
    return answer(request, body, etag=weak_etag(body))


@router.post("/deadletters/retry", response_model=RetriedBody)
async def retry_dead_letters(wanted: RetryBody, *, state: State, caller: Caller) -> Response:
    """Send dead letters again, as they arrived or mended; the dead letters themselves stay.

    Either all of them are sent or, when one is not there or not whole, none. An event that was counted
    meanwhile is recognised by its identity and counts once.
    """
    letters = [Again((each.partition, each.offset), each.mended) for each in wanted.letters]
    sent = await state.dead_letters.send_again(letters, topic=wanted.topic, actor=caller.name)
    topics = Counter(wanted.topic or stored.letter.topic for stored in sent)
    body = RetriedBody(sent=len(sent), topics=topics)
    return Response(ENCODER.encode(body), media_type="application/json")


def _before(cursor: str) -> _BEFORE:
    before = decoded_cursor(cursor, _BEFORE)
    if any(part < 0 or offset < 0 for part, offset in before.items()):
        raise InvalidParameterError("cursor", NOT_OURS)
    return before
