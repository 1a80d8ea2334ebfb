"""Nobody passes unknown: the first thing behind the edge, for every path but those open to all."""

import asyncio

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.api.http import problems
from services.api.security.security import Security
from shared.access.doors import Admission
from shared.domain.access import Principal
from shared.domain.access import Scope as Right
from shared.domain.errors import TidemarkError

OPEN = frozenset({"/healthz", "/readyz", "/openapi.json"})
"""What tells nothing of the business: how the process is, and what it could be asked."""

METRICS = "/metrics"

_NOBODY = Principal("nobody", frozenset())

_SCRAPER = Principal("scraper", frozenset({Right.METRICS}))

HOLDS_EVERY_S = 1.0
"""How often a caller who is being served for long is looked at again."""


class Guard:
    """Finds out who asks, and tells the routes; plain ASGI."""

    def __init__(self, app: ASGIApp, *, security: Security) -> None:
        self._app = app
        self._security = security
        self._unasked = dict.fromkeys(OPEN, _NOBODY)
        if security.metrics_open:
            self._unasked[METRICS] = _SCRAPER

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with its principal, or answer it with 401, 429 or 503."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        state = scope.setdefault("state", {})
        if scope["path"] in self._unasked:
            state["principal"] = self._unasked[scope["path"]]
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        try:
            admission = await self._security.door.admitted(request.headers.getlist("authorization"))
            if self._security.rates is not None:
                self._security.rates.take(admission.principal.name)
        except TidemarkError as error:
            await problems.told(request, error)(scope, receive, send)
            return
        state["principal"] = admission.principal
        is_read = scope["method"] in {"GET", "HEAD"}
        await self._app(scope, _while_held(receive, admission) if is_read else receive, send)


def _while_held(receive: Receive, admission: Admission) -> Receive:
    """*receive*, which also reports a hang-up once the caller would no longer be let in.

    Streams wait for the client to hang up; so a revoked key ends them, whatever serves them.
    """

    async def held() -> Message:
        waiting = asyncio.ensure_future(receive())
        try:
            while not (await asyncio.wait({waiting}, timeout=HOLDS_EVERY_S))[0]:
                if not admission.holds():
                    return {"type": "http.disconnect"}
            return waiting.result()
        finally:
            waiting.cancel()

    return held
