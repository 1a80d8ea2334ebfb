"""What a request may weigh before anybody looks at it; it knows no route."""

from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.api.http.problem_kinds import BODY_TOO_LARGE, BY_STATUS, URL_TOO_LONG
from services.api.http.problems import problem

MAX_URL_BYTES = 2048
"""Path and query together; longer ones are no honest question to this API."""

MAX_BODY_BYTES = 1024 * 1024
"""A body that is longer, announced or not, is refused."""


class Limits:
    """Refuses URLs and bodies that are too long, and names that nothing has; plain ASGI."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer it with 414, 404 or 413."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif _url_bytes(scope) > MAX_URL_BYTES:
            detail = f"Path and query may have {MAX_URL_BYTES} bytes together"
            await problem(URL_TOO_LONG, detail=detail, request=Request(scope))(scope, receive, send)
        elif "\0" in scope["path"]:
            detail = "Nothing has a name with a NUL, which no database would look for"
            await problem(BY_STATUS[404], detail=detail, request=Request(scope))(scope, receive, send)
        elif _body_bytes(scope) > MAX_BODY_BYTES:
            detail = f"A body may have {MAX_BODY_BYTES} bytes"
            await problem(BODY_TOO_LARGE, detail=detail, request=Request(scope))(scope, receive, send)
        else:
            await self._app(scope, _counted(receive), send)


def _counted(receive: Receive) -> Receive:
    """*receive*, which ends a body that grows longer than its sender has announced, or announced nothing."""
    received = 0

    async def limited() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > MAX_BODY_BYTES:
            raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        return message

    return limited


def _url_bytes(scope: Scope) -> int:
    return len(scope.get("raw_path") or scope["path"].encode()) + len(scope["query_string"])


def _body_bytes(scope: Scope) -> int:
    announced = Request(scope).headers.get("content-length", "0")
    return int(announced) if announced.isdecimal() else 0
