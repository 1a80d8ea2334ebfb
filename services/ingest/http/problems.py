"""What goes wrong with a request, as RFC 9457 problems; the only place of ingest that knows HTTP statuses."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import msgspec
import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from shared.domain.access.errors import NothingSentError, RefusedError, UnauthenticatedError
from shared.domain.errors import BrokerUnavailableError, StoreUnavailableError, TryAgainError

log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"

RETRY_AFTER_S = 5
"""What a sender is asked to wait when Kafka does not answer: about as long as a new leader takes."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One sort of problem; its slug and title never change, its detail tells the case."""

    slug: str
    title: str
    status: HTTPStatus


MALFORMED = Kind("malformed-body", "The body cannot be read", HTTPStatus.BAD_REQUEST)
REJECTED = Kind("rejected-events", "No event can be accepted", HTTPStatus.UNPROCESSABLE_ENTITY)
TOO_LARGE = Kind("body-too-large", "The body is too large", HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
TOO_SLOW = Kind("body-too-slow", "The body did not arrive in time", HTTPStatus.REQUEST_TIMEOUT)
UNSUPPORTED = Kind("unsupported-media-type", "The content type is unknown", HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
UNAVAILABLE = Kind("kafka-unavailable", "Kafka does not answer", HTTPStatus.SERVICE_UNAVAILABLE)
UNAUTHENTICATED = Kind("unauthenticated", "Nobody is known by this", HTTPStatus.UNAUTHORIZED)
MISSING_SCOPE = Kind("missing-scope", "The caller may not do this", HTTPStatus.FORBIDDEN)
NO_KEYS = Kind("store-unavailable", "Keys cannot be looked up", HTTPStatus.SERVICE_UNAVAILABLE)
NO_ISSUER = Kind("try-again", "The issuer of tokens does not answer", HTTPStatus.SERVICE_UNAVAILABLE)
INTERNAL = Kind("internal", "Something went wrong on our side", HTTPStatus.INTERNAL_SERVER_ERROR)

_BY_STATUS = {
    404: Kind("not-found", "There is nothing here", HTTPStatus.NOT_FOUND),
    405: Kind("method-not-allowed", "The method is not allowed here", HTTPStatus.METHOD_NOT_ALLOWED),
}


class RequestProblemError(Exception):
    """A request cannot be answered as its sender wished."""

    def __init__(self, kind: Kind, detail: str, **members: Any) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
        self.members = members


def refusal(request: Request, error: RefusedError) -> Response:
    """The answer to somebody who may not send events."""
    match error:
        case NothingSentError():
            headers = {"WWW-Authenticate": 'Bearer realm="tidemark"'}
        case UnauthenticatedError():
            headers = {"WWW-Authenticate": 'Bearer realm="tidemark", error="invalid_token"'}
        case _:
            return _answer(request, MISSING_SCOPE, str(error))
    return _answer(request, UNAUTHENTICATED, str(error), headers=headers)


def no_keys(request: Request, error: TryAgainError) -> Response:
    """The answer where nobody can be told apart: the database or the issuer of tokens does not answer."""
    log.warning("keys_not_read", reason=str(error))
    kind = NO_KEYS if isinstance(error, StoreUnavailableError) else NO_ISSUER
    return _answer(request, kind, kind.title, headers={"Retry-After": str(RETRY_AFTER_S)})


def install(app: Starlette) -> None:
    """Let *app* answer everything that goes wrong in its routes with a problem."""
    app.add_exception_handler(RequestProblemError, _on_problem)
    app.add_exception_handler(BrokerUnavailableError, _on_unavailable)
    app.add_exception_handler(HTTPException, _on_status)
    app.add_exception_handler(Exception, _on_unexpected)


async def _on_problem(request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestProblemError):
        raise error
    return _answer(request, error.kind, error.detail, members=error.members)


async def _on_unavailable(request: Request, error: Exception) -> Response:
    log.warning("events_not_acknowledged", reason=str(error))
    detail = "Kafka has not acknowledged the events; they may or may not be stored. Send them again."
    return _answer(request, UNAVAILABLE, detail, headers={"Retry-After": str(RETRY_AFTER_S)})


async def _on_status(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    status = HTTPStatus(error.status_code)
    kind = _BY_STATUS.get(status.value, Kind(f"http-{status.value}", status.phrase, status))
    detail = f"{request.method} {request.url.path}: {status.description or status.phrase}"
    return _answer(request, kind, detail, headers=error.headers or {})


async def _on_unexpected(request: Request, error: Exception) -> Response:
    log.error("request_failed", path=request.url.path, exc_info=error)
    return _answer(request, INTERNAL, "The request could not be answered; the service's log has the reason.")


def _answer(
    request: Request,
    kind: Kind,
    detail: str,
    *,
    members: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    body = {
        "type": f"urn:tidemark:problem:{kind.slug}",
        "title": kind.title,
        "status": kind.status.value,
        "detail": detail,
        "instance": request.url.path,
        **(members or {}),
    }
    return Response(msgspec.json.encode(body), kind.status.value, {**(headers or {})}, media_type=MEDIA_TYPE)
