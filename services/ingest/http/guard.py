"""Who may send events: nobody without a key that has the scope for it; before any body is read."""

from collections.abc import Mapping

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Send
from starlette.types import Scope as Asgi

from services.ingest.http import problems
from shared.access.doors import Door
from shared.domain.access import Scope
from shared.domain.access.errors import MissingScopeError, RefusedError
from shared.domain.errors import TryAgainError

EVENTS_PATH = "/v1/events"

OPEN = frozenset({"/healthz", "/readyz", "/metrics"})
"""What tells nothing of the business: how the process is, and what it counts of itself."""

DECLARED: Mapping[str, Scope] = {EVENTS_PATH: Scope.INGEST}
"""What each other path asks for. One that is not here is there for nobody."""


class Guard:
    """Lets requests through to the routes they may use; plain ASGI."""

    def __init__(self, app: ASGIApp, *, door: Door) -> None:
        self._app = app
        self._door = door

    async def __call__(self, scope: Asgi, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer it with 401, 403, 404 or 503."""
        if scope["type"] != "http" or scope["path"] in OPEN:
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        try:
            await self._admit(request)
        except RefusedError as error:
            await problems.refusal(request, error)(scope, receive, send)
        except TryAgainError as error:
            await problems.no_keys(request, error)(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _admit(self, request: Request) -> None:
        admission = await self._door.admitted(request.headers.getlist("authorization"))
        wanted = DECLARED.get(request.scope["path"])
        if wanted is not None and wanted not in admission.principal.scopes:
            raise MissingScopeError([wanted])
