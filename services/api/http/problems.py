"""What goes wrong, as RFC 9457 problems."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Annotated

import msgspec
import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.routing import iter_route_contexts
from pydantic import Field
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.api.http.parameters import InvalidFieldError, InvalidParameterError
from services.api.http.problem_kinds import BY_ERROR, BY_STATUS, INTERNAL, INVALID_PARAMETER, Kind
from shared.domain.access.errors import (
    NothingSentError,
    RefusedError,
    UnauthenticatedError,
)
from shared.domain.access.keys import InvalidKeyError
from shared.domain.access.rates import TooManyRequestsError
from shared.domain.definitions import DefinitionError
from shared.domain.definitions import Problem as DefinitionProblem
from shared.domain.errors import (
    BadInputError,
    LogLostError,
    StoreUnavailableError,
    TidemarkError,
    TryAgainError,
)

log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"

RETRY_AFTER_S = 2
"""What a caller is asked to wait: about as long as a restart of Postgres or a fail-over takes at best."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with a request."""

    parameter: Annotated[str | None, Field(description="The query or path parameter at fault")]
    pointer: Annotated[str | None, Field(description="JSON pointer to the part of the body at fault")]
    detail: Annotated[str, Field(description="What is wrong with it")]
    line: Annotated[
        int | None,
        Field(description="From 1: in the body, if that is a text; in the text of the field, if it is JSON"),
    ] = None
    column: Annotated[int | None, Field(description="From 1, in that line")] = None


@dataclass(frozen=True, slots=True)
class Problem:
    """RFC 9457 problem details."""

    type: Annotated[str, Field(description="urn:tidemark:problem:<slug>; what programs should look at")]
    title: Annotated[str, Field(description="What sort of problem it is; the same for every case")]
    status: Annotated[int, Field(description="The HTTP status")]
    detail: Annotated[str, Field(description="What happened in this case, for people")]
    instance: Annotated[str, Field(description="The path that was asked for")]
    request_id: Annotated[str, Field(description="As in the X-Request-ID header and the service's log")]
    errors: Annotated[list[Fault], Field(description="Everything found wrong; empty when nothing is named")]


RESPONSES: dict[int | str, dict[str, object]] = {
    code: {"description": text, "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}}
    for code, text in (
        ("4XX", "What was asked cannot be answered; the problem says why"),
        ("5XX", "It cannot be answered now; a 503 says in Retry-After when to try again"),
    )
}
"""What every operation may answer besides its own, for the OpenAPI document."""


def problem(
    kind: Kind,
    *,
    detail: str,
    request: Request,
    errors: Sequence[Fault] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    """The answer that tells of a problem of *kind*."""
    body = Problem(
        type=kind.urn,
        title=kind.title,
        status=kind.status.value,
        detail=_readable(detail),
        instance=_readable(request.scope["path"]),
        request_id=getattr(request.state, "request_id", ""),
        errors=[_told_of(each) for each in errors],
    )
    return Response(
        msgspec.json.encode(body),
        status_code=kind.status.value,
        media_type=MEDIA_TYPE,
        headers={"Cache-Control": "no-store", **(headers or {})},
    )


def _readable(text: str) -> str:
    """*text* as UTF-8 can carry it: JSON may escape halves of characters, which a problem then quotes."""
    return text.encode(errors="backslashreplace").decode()


def _told_of(fault: Fault) -> Fault:
    pointer = None if fault.pointer is None else _readable(fault.pointer)
    return replace(fault, pointer=pointer, detail=_readable(fault.detail))


def install(app: FastAPI) -> None:
    """Let *app* answer everything that goes wrong in its routes with a problem."""
    app.add_exception_handler(TidemarkError, _on_known)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_status)


def known_kind(error: BadInputError | LogLostError | TryAgainError | RefusedError) -> Kind:
    """What sort of problem *error* is."""
    return next(BY_ERROR[family] for family in type(error).__mro__ if family in BY_ERROR)


async def _on_known(request: Request, error: Exception) -> Response:
    return told(request, error)


def told(request: Request, error: Exception) -> Response:
    """The answer that tells of *error*: what it says if we have a name for it, or else nothing."""
    if not isinstance(error, (BadInputError, LogLostError, TryAgainError, RefusedError)):
        return _unexpected(request, error)
    kind = known_kind(error)
    headers = _headers(error)
    detail = kind.title if isinstance(error, StoreUnavailableError) else str(error)
    return problem(kind, detail=detail, request=request, errors=_faults(error), headers=headers)


def _headers(error: Exception) -> Mapping[str, str]:
    match error:
        case TooManyRequestsError():
            return {"Retry-After": str(error.wait_s)}
        case TryAgainError():
            return {"Retry-After": str(RETRY_AFTER_S)}
        case NothingSentError():
            return {"WWW-Authenticate": 'Bearer realm="tidemark"'}
        case UnauthenticatedError():
            return {"WWW-Authenticate": 'Bearer realm="tidemark", error="invalid_token"'}
        case _:
            return {}


def _faults(error: Exception) -> list[Fault]:
    if isinstance(error, InvalidKeyError):
        return [Fault(parameter=None, pointer=f"/{error.field}", detail=error.reason)]
    if isinstance(error, InvalidParameterError):
        return [Fault(parameter=error.parameter, pointer=None, detail=error.reason)]
    if isinstance(error, DefinitionError):
        return [_defined(each) for each in error.problems]
    if isinstance(error, InvalidFieldError):
        return [Fault(parameter=None, pointer=error.pointer, detail=error.reason)]
    return []


def _defined(problem: DefinitionProblem) -> Fault:
    place = problem.place
    line, column = problem.within or (None, None) if place is None else (place.line, place.column)
    pointer = "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in problem.path)
    return Fault(parameter=None, pointer=pointer, detail=problem.message, line=line, column=column)


async def _on_invalid(request: Request, error: Exception) -> Response:
    found = error.errors() if isinstance(error, RequestValidationError) else []
    faults = [_fault(where=list(each["loc"]), detail=each["msg"]) for each in found]
    detail = "; ".join(f"{fault.parameter or fault.pointer}: {fault.detail}" for fault in faults)
    return problem(INVALID_PARAMETER, detail=detail, request=request, errors=faults)


def _fault(*, where: list[object], detail: str) -> Fault:
    place, path = where[0], where[1:]
    if place == "body":
        return Fault(parameter=None, pointer="".join(f"/{part}" for part in path), detail=detail)
    return Fault(parameter=".".join(map(str, path)), pointer=None, detail=detail)


async def _on_status(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        return _unexpected(request, error)
    status = HTTPStatus(error.status_code)
    kind = BY_STATUS.get(error.status_code, Kind(f"http-{status.value}", status.phrase, status))
    detail = f"{request.method} {request.scope['path']}: {status.description or status.phrase}"
    headers = dict(error.headers or {})
    if status is HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = ", ".join(_allowed(request))
    return problem(kind, detail=detail, request=request, headers=headers)


def _allowed(request: Request) -> list[str]:
    """The methods of every route of the path that was found; the framework names those of the first only."""
    routes = list(iter_route_contexts(request.app.routes))
    path = next((r.path for r in routes if r.matches(request.scope)[0] is not Match.NONE), None)
    return sorted({method for route in routes if route.path == path for method in route.methods or ()})


def _unexpected(request: Request, error: Exception) -> Response:
    log.error("request_failed", path=request.scope["path"], exc_info=error)
    detail = "The request could not be answered; the service's log has the reason under the request id"
    return problem(INTERNAL, detail=detail, request=request)


class Unexpected:
    """Turns what nobody expected into a problem that says nothing of our insides, and logs it once.

    Plain ASGI, and inside the other middleware: the framework's own catch-all stands outside of them and
    would answer without their headers.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, whatever happens; an answer that has begun can only be broken off."""
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception as error:
            if started or scope["type"] != "http":
                raise
            await _unexpected(Request(scope), error)(scope, receive, send)
