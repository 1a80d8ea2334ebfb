"""What every request gets at the edge: an id, its line in the log, its time, and safe headers; plain ASGI."""

import re
from typing import Any
from uuid import uuid4

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.api.metrics import ApiMetrics
from shared.runtime.clock import monotonic_s

log = structlog.get_logger(__name__)

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")

_QUIET = frozenset({"/healthz", "/readyz", "/metrics"})
"""Routes that machines ask all day; their lines are for debugging only."""

_SAFE_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class RequestIds:
    """Gives each request an id, the caller's own where it is a plain word, and tells it in the answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with its id bound to every log line."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(Headers(scope=scope))
        scope.setdefault("state", {})["request_id"] = request_id

        async def told(message: Message) -> None:
            _set_headers(message, {"X-Request-ID": request_id})
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            await self._app(scope, receive, told)


def _request_id(headers: Headers) -> str:
    theirs = headers.get("x-request-id", "")
    return theirs if _REQUEST_ID.fullmatch(theirs) else uuid4().hex


class SafeHeaders:
    """Adds the headers that keep a browser from doing anything clever with an answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; every answer, a problem too, gets the headers."""

        async def guarded(message: Message) -> None:
            _set_headers(message, _SAFE_HEADERS)
            await send(message)

        await self._app(scope, receive, guarded)


def _set_headers(message: Message, values: dict[str, str]) -> None:
    if message["type"] == "http.response.start":
        MutableHeaders(scope=message).update(values)


class Measured:
    """Times each request to the start of its answer, and writes one line when it has ended."""

    def __init__(self, app: ASGIApp, *, metrics: ApiMetrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; the route's template, never the path, names it in the metrics."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began_s = monotonic_s()
        status = 0

        async def timed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                self._metrics.observe(
                    route=_template(scope),
                    method=scope["method"],
                    status=status,
                    took_s=monotonic_s() - began_s,
                )
            await send(message)

        try:
            await self._app(scope, receive, timed)
        finally:
            _write_line(scope, status=status, took_s=monotonic_s() - began_s)


def _template(scope: Scope) -> str:
    route: Any = scope.get("route")
    if route is None and scope["path"] in _QUIET:
        return str(scope["path"])  # plain routes of Starlette, which leave no trace of themselves
    return getattr(route, "path", "unmatched")


def _write_line(scope: Scope, *, status: int, took_s: float) -> None:
    route = _template(scope)
    write = log.debug if route in _QUIET else log.info
    write("request_answered", method=scope["method"], route=route, status=status, took_s=round(took_s, 4))
