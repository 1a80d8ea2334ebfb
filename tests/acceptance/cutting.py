"""A way to Postgres that passes everything on, and now and then loses the answer to a COMMIT."""

import asyncio
import contextlib
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from sqlalchemy import make_url

COUNTING = b"application_name\0tidemark-compute\0"
"""In the first message of the connection that counts; others are left alone."""

RECORD = b"-- record:"
"""Stands in the first transaction of a connection that counts anything."""

_COMMIT = b"Q\x00\x00\x00\x0cCOMMIT;\0"
"""The message by which the driver ends a transaction."""

_SSL_REQUEST = (8).to_bytes(4, "big") + (80877103).to_bytes(4, "big")


@dataclass(slots=True)
class Cutter:
    """Cuts connections right after a COMMIT: every other time when Postgres has answered, else at once.

    Attributes:
        plan: for each connection in turn, which of its counting transactions ends without an answer.
        cuts: how many were cut.
    """

    host: str
    port: int
    plan: list[int]
    cuts: int = 0

    async def serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        """Pass on what one client and Postgres say to each other, until one of them ends or is cut off."""
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            up, down = await asyncio.open_connection(self.host, self.port)
            try:
                hello = await _greeted(reader, writer, up, down)
                left = self.plan.pop(0) if COUNTING in hello and self.plan else None
                await self._passed(_Line(reader, down), _Line(up, writer), _Watch(left))
            finally:
                await _closed(down)
        await _closed(writer)

    async def _passed(self, asked: "_Line", answered: "_Line", watch: "_Watch") -> None:
        answering = asyncio.create_task(answered.passed(), name="answers")
        asking = asyncio.create_task(self._asked(asked, answered, watch), name="questions")
        await asyncio.wait({answering, asking}, return_when=asyncio.FIRST_COMPLETED)
        for task in (answering, asking):
            task.cancel()
        await asyncio.gather(answering, asking, return_exceptions=True)

    async def _asked(self, asked: "_Line", answered: "_Line", watch: "_Watch") -> None:
        while data := await asked.reader.read(65536):
            is_fatal = watch.read(data)
            answered.is_mute = is_fatal
            await asked.say(data)
            if is_fatal:
                self.cuts += 1
                if self.cuts % 2:
                    await answered.lost.wait()
                return


@dataclass(slots=True)
class _Line:
    """One direction: what is read here is said there, unless the line is mute."""

    reader: StreamReader
    writer: StreamWriter
    is_mute: bool = False
    lost: asyncio.Event = field(default_factory=asyncio.Event)

    async def say(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def passed(self) -> None:
        while data := await self.reader.read(65536):
            if self.is_mute:
                self.lost.set()
            else:
                await self.say(data)


@dataclass(slots=True)
class _Watch:
    """Reads along what a client says, message by message, and finds the commit whose answer is to be lost."""

    left: int | None
    _counts: bool = False
    _unread: bytes = b""

    def read(self, data: bytes) -> bool:
        """Whether *data* holds the fatal commit."""
        self._unread += data
        is_fatal = False
        while (message := self._message()) is not None:
            self._counts = self._counts or RECORD in message
            if self._counts and message == _COMMIT and self.left is not None:
                self.left -= 1
                is_fatal = is_fatal or self.left == 0
        return is_fatal

    def _message(self) -> bytes | None:
        """The next whole message: its letter, its length, which counts itself, and its content."""
        size = 1 + int.from_bytes(self._unread[1:5], "big")
        if len(self._unread) < max(size, 5):
            return None
        message, self._unread = self._unread[:size], self._unread[size:]
        return message


async def _greeted(reader: StreamReader, writer: StreamWriter, up: StreamReader, down: StreamWriter) -> bytes:
    """The first message of a client, passed on, after its question for encryption, which is denied."""
    head = await reader.readexactly(8)
    if head == _SSL_REQUEST:
        writer.write(b"N")
        head = await reader.readexactly(8)
    hello = head + await reader.readexactly(int.from_bytes(head[:4], "big") - 8)
    down.write(hello)
    return hello


async def _closed(writer: StreamWriter) -> None:
    writer.transport.abort()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


@contextlib.asynccontextmanager
async def cutting(database_url: str, plan: list[int]) -> AsyncIterator[tuple[Cutter, str]]:
    """A cutter before the server of *database_url*, and the address that leads through it."""
    url = make_url(database_url)
    cutter = Cutter(str(url.host), url.port or 5432, plan)
    server = await asyncio.start_server(cutter.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        yield cutter, url.set(host="127.0.0.1", port=port).render_as_string(hide_password=False)
