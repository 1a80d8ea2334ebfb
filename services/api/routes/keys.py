"""Keys over HTTP, for those who administer them."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Request
from starlette.responses import Response

from services.api.dependencies import Caller, Scope, State, needs, only
from services.api.http.answers import ENCODER, answer, weak_etag
from services.api.http.parameters import NOT_OURS, InvalidParameterError, encoded_cursor
from services.api.routes.pages import Cursor, Limit, position_of
from services.api.schemas.keys import (
    KeyBody,
    KeysBody,
    MadeBody,
    NewKeyBody,
    RotationBody,
    key_body,
    key_wish,
    made_body,
)
from shared.domain.access.keys import Key
from shared.storage.keys import Made

router = APIRouter(prefix="/v1/keys", tags=["keys"], dependencies=[needs(Scope.ADMIN)])

_NEVER_KEPT = {"Cache-Control": "no-store"}
"""Answers with a secret in them are nobody's to keep."""


@router.get("", response_model=KeysBody, dependencies=[Depends(only("limit", "cursor"))])
async def list_keys(request: Request, *, state: State, limit: Limit = 100, cursor: Cursor = None) -> Response:
    """Every key, in the order they were made, revoked and expired ones too."""
    after = None if cursor is None else _position(cursor)
    found = await state.security.keys.keys(after=after, limit=limit + 1)
    next_cursor = encoded_cursor(_place(found[limit - 1])) if len(found) > limit else None
    now = state.clock()
    body = KeysBody([key_body(each, now=now) for each in found[:limit]], next_cursor)
    return answer(request, body, etag=weak_etag(body.items, next_cursor))


def _place(key: Key) -> tuple[str, str]:
    return key.created_at.isoformat(), key.key_id


def _position(cursor: str) -> tuple[datetime, str]:
    match position_of(cursor):
        case (created_at, key_id):
            try:
                return datetime.fromisoformat(created_at).astimezone(UTC), key_id
            except (ValueError, OverflowError) as error:
                raise InvalidParameterError("cursor", NOT_OURS) from error
        case _:
            raise InvalidParameterError("cursor", NOT_OURS)


@router.post("", status_code=201, response_model=MadeBody, dependencies=[Depends(only())])
async def create_key(
    body: NewKeyBody,
    *,
    state: State,
    caller: Caller,
    idempotency_key: Annotated[
        str | None,
        Header(
            min_length=1,
            max_length=200,
            description="Anything that is new with each new wish: a repetition with it makes no second key",
        ),
    ] = None,
) -> Response:
    """Make a key. Its text is told in this answer and never again."""
    made = await state.security.keys.make(key_wish(body), by=caller.name, request=idempotency_key)
    return _told(made, state.clock(), status=201 if made.token is not None else 200)


@router.get("/{key_id}", response_model=KeyBody, dependencies=[Depends(only())])
async def show_key(request: Request, key_id: str, state: State) -> Response:
    """One key."""
    body = key_body(await state.security.keys.key(_clean(key_id)), now=state.clock())
    return answer(request, body, etag=weak_etag(body))


@router.post("/{key_id}/rotate", response_model=MadeBody, dependencies=[Depends(only())])
async def rotate_key(
    key_id: str, *, state: State, caller: Caller, body: RotationBody | None = None
) -> Response:
    """Give a key a new secret; the old one is accepted for the overlap, any older one no more."""
    overlap = timedelta(seconds=(body or RotationBody()).overlap_s)
    made = await state.security.keys.rotate(_clean(key_id), overlap=overlap, by=caller.name)
    return _told(made, state.clock(), status=200)


@router.post("/{key_id}/revoke", response_model=KeyBody, dependencies=[Depends(only())])
async def revoke_key(key_id: str, *, state: State, caller: Caller) -> Response:
    """End a key for good: within 5 s it is accepted nowhere, and its streams have ended."""
    revoked = await state.security.keys.revoke(_clean(key_id), by=caller.name)
    return Response(ENCODER.encode(key_body(revoked, now=state.clock())), media_type="application/json")


def _clean(key_id: str) -> str:
    """*key_id* as the database can be asked for it; ids of ours have no such characters."""
    return key_id.replace("\0", "\ufffd")


def _told(made: Made, now: datetime, *, status: int) -> Response:
    content = ENCODER.encode(made_body(made, now=now))
    return Response(content, status, _NEVER_KEPT, media_type="application/json")
