"""Backfills over HTTP: how they stand, and an end before they are done."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request
from starlette.responses import Response

from services.api.dependencies import Caller, Scope, State, needs, only
from services.api.http.answers import ENCODER, answer, weak_etag
from services.api.http.parameters import NOT_OURS, InvalidParameterError, encoded_cursor
from services.api.routes.pages import Cursor, Limit, position_of
from services.api.schemas.backfills import BackfillBody, BackfillsBody, backfill_body, backfills_body

router = APIRouter(prefix="/v1/backfills", tags=["definitions"])

_READ = needs(Scope.READ)
_MOST = 2**63 - 1

Number = Annotated[int, Path(ge=1, le=_MOST, description="As the change that ordered it was answered")]


@router.get("", response_model=BackfillsBody, dependencies=[_READ, Depends(only("limit", "cursor"))])
async def list_backfills(
    request: Request, *, state: State, caller: Caller, limit: Limit = 100, cursor: Cursor = None
) -> Response:
    """Every backfill there was, the newest first: what is filled, and how far that has come."""
    before = None if cursor is None else _position(cursor)
    found = await state.backfills.newest(caller.limits, before=before, most=limit + 1)
    has_more = len(found) > limit
    next_cursor = encoded_cursor((str(found[limit - 1].backfill_id),)) if has_more else None
    body = backfills_body(found[:limit], next_cursor)
    return answer(request, body, etag=weak_etag(body))


def _position(cursor: str) -> int:
    match position_of(cursor):
        case (number,) if number.isascii() and number.isdecimal() and len(number) < len(str(_MOST)):
            return int(number)
        case _:
            raise InvalidParameterError("cursor", NOT_OURS)


@router.get("/{backfill}", response_model=BackfillBody, dependencies=[_READ, Depends(only())])
async def show_backfill(request: Request, backfill: Number, *, state: State, caller: Caller) -> Response:
    """How one backfill stands."""
    body = backfill_body(await state.backfills.one(backfill, caller.limits))
    return answer(request, body, etag=weak_etag(body))


@router.post(
    "/{backfill}/cancel", response_model=BackfillBody, dependencies=[needs(Scope.WRITE), Depends(only())]
)
async def cancel_backfill(backfill: Number, *, state: State, caller: Caller) -> Response:
    """Call a backfill off: what is in force stays as it is, and what it has counted is deleted."""
    cancelled = await state.backfills.cancel(backfill, caller.limits, actor=caller.name)
    await state.catalogue.renewed()
    headers = {"Cache-Control": "no-store"}
    content = ENCODER.encode(backfill_body(cancelled))
    return Response(content, media_type="application/json", headers=headers)
