"""A client of one response that reads at its own pace, over ASGI without a server."""

import asyncio
from typing import Any, Self

from starlette.types import ASGIApp, Message, Scope

SCOPE: Scope = {
    "type": "http",
    "asgi": {"version": "3.0"},
    "http_version": "1.1",
    "method": "GET",
    "scheme": "http",
    "server": ("api", 80),
    "path": "/v1/stream",
    "raw_path": b"/v1/stream",
    "query_string": b"",
    "headers": [],
}


class Listener:
    """Reads events as they are sent, and hangs up when told to.

    Attributes:
        status: of the answer; None before it has begun.
        is_reading: whether it takes what is sent; while it does not, sending blocks.
    """

    def __init__(self, app: ASGIApp, *, query: str = "", last_event_id: str | None = None) -> None:
        headers = [] if last_event_id is None else [(b"last-event-id", last_event_id.encode())]
        self._scope = {**SCOPE, "query_string": query.encode(), "headers": headers}
        self._app = app
        self._text = ""
        self._news = asyncio.Condition()
        self._gone = asyncio.Event()
        self.reading = asyncio.Event()
        self.reading.set()
        self.status: int | None = None
        self.task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self.task = asyncio.create_task(self._run(), name="listener")
        return self

    async def __aexit__(self, *_: object) -> None:
        self._gone.set()
        self.reading.set()
        await self.ended()

    async def ended(self) -> None:
        """Wait until the application has finished."""
        assert self.task is not None
        async with asyncio.timeout(5):
            await self.task

    async def events(self, count: int) -> list[dict[str, str]]:
        """The first *count* events, as soon as they are there."""
        async with asyncio.timeout(5), self._news:
            await self._news.wait_for(lambda: len(self._events()) >= count)
        return self._events()[:count]

    async def said(self, text: str) -> None:
        """Wait until *text* has been sent."""
        async with asyncio.timeout(5), self._news:
            await self._news.wait_for(lambda: text in self._text)

    async def begun(self) -> None:
        """Wait until the answer has begun."""
        async with asyncio.timeout(5), self._news:
            await self._news.wait_for(lambda: self.status is not None)

    def _events(self) -> list[dict[str, str]]:
        blocks = self._text.split("\n\n")[:-1]
        parsed = [dict(line.split(": ", 1) for line in block.split("\n")) for block in blocks]
        return [event for event in parsed if "event" in event]

    async def _run(self) -> None:
        await self._app(self._scope, self._receive, self._send)

    async def _receive(self) -> Message:
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Any) -> None:
        await self.reading.wait()
        async with self._news:
            if message["type"] == "http.response.start":
                self.status = message["status"]
            else:
                self._text += message["body"].decode()
            self._news.notify_all()
