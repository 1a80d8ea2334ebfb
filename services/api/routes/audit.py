"""The audit log over HTTP: who changed what, and up to where it goes."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from services.api.dependencies import Scope, State, needs, only
from services.api.http.answers import answer, weak_etag
from services.api.http.parameters import NOT_OURS, InvalidParameterError, encoded_cursor, instant
from services.api.routes.pages import Cursor, Limit, position_of
from services.api.schemas.audits import AuditBody, audit_body
from shared.storage.audit import Filters

router = APIRouter(prefix="/v1/audit", tags=["keys"], dependencies=[needs(Scope.ADMIN)])

_Exactly = Annotated[str | None, Query(max_length=300, description="Only entries with exactly this")]

_PARAMETERS = ("actor", "action", "subject", "from", "to", "limit", "cursor")


async def _wanted(
    *,
    actor: _Exactly = None,
    action: _Exactly = None,
    subject: _Exactly = None,
    start: Annotated[
        str | None, Query(alias="from", description="RFC 3339 with its offset: not before it")
    ] = None,
    end: Annotated[str | None, Query(alias="to", description="Like from: before it")] = None,
) -> Filters:
    for name, text in (("actor", actor), ("action", action), ("subject", subject)):
        if text is not None and "\0" in text:
            raise InvalidParameterError(name, "has a character that no entry has")
    return Filters(
        actor=actor,
        action=action,
        subject=subject,
        since=None if start is None else instant("from", start),
        until=None if end is None else instant("to", end),
    )


@router.get("", response_model=AuditBody, dependencies=[Depends(only(*_PARAMETERS))])
async def list_audit(
    request: Request,
    *,
    state: State,
    wanted: Annotated[Filters, Depends(_wanted)],
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Response:
    """Who changed what, the newest first; `tidemark audit verify` checks that it is as it was written."""
    before = None if cursor is None else _position(cursor)
    found, head = await state.security.keys.audit(wanted, before=before, limit=limit + 1)
    page = list(found[:limit])
    next_cursor = encoded_cursor((str(page[-1].seq),)) if len(found) > limit else None
    body = audit_body(page, head, next_cursor=next_cursor)
    return answer(request, body, etag=weak_etag(body))


def _position(cursor: str) -> int:
    match position_of(cursor):
        case (seq,) if seq.isascii() and seq.isdecimal() and len(seq) < 19:
            return int(seq)
        case _:
            raise InvalidParameterError("cursor", NOT_OURS)
