"""One client's event stream over ASGI: frames out, at the client's pace but not below it for long."""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass

import structlog
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from services.api.http.selections import Selection
from services.api.streaming.streams import Hub
from services.api.streaming.subscriptions import Batch, Change, Subscription
from shared.runtime.clock import monotonic_s

log = structlog.get_logger(__name__)

_CHUNK_BYTES = 32 * 1024
"""Frames are sent in pieces of about this size, so that the time allowed for one means progress."""


_RESET = b'id: 0\nevent: reset\ndata: {"reason":"too_old"}\n\n'
"""What a client is told whose place is not remembered: it has to forget all it holds, everything follows."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How long things may take on a stream, in seconds.

    Attributes:
        keep_alive_s: silence after which a comment is sent, so that proxies and clients see it is alive.
        send_timeout_s: how long a client may take for one piece before it is cut off.
        lifetime_s: when the client is asked to come again, so that streams spread over instances.
    """

    keep_alive_s: float = 15.0
    send_timeout_s: float = 10.0
    lifetime_s: float = 3600.0


class EventStream(Response):
    """Server-sent events: a snapshot, then changes, at the end a goodbye."""

    media_type = "text/event-stream"

    def __init__(
        self, hub: Hub, selection: Selection, *, since: int | None, is_resumed: bool, pace: Pace
    ) -> None:
        super().__init__(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._hub = hub
        self._selection = selection
        self._since = since
        self._is_resumed = is_resumed
        self._pace = pace

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's
        """Serve the stream until somebody ends it.

        Raises:
            TryAgainError: there is no stream or no snapshot to be had; nothing has been sent then.
        """
        with self._hub.subscribed(self._selection) as subscription:
            snapshot = await self._hub.snapshot(self._selection, since=self._since)
            subscription.forget(snapshot.changes)
            async with _watching(receive, subscription):
                try:
                    await self._serve(subscription, snapshot, send)
                except TimeoutError:
                    log.info("stream_cut", reason="slow_client")

    async def _serve(self, subscription: Subscription, snapshot: Batch, send: Send) -> None:
        ends_s = monotonic_s() + self._pace.lifetime_s
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        await self._send(send, f"retry: {_retry_ms()}\n\n".encode())
        if snapshot.is_whole and self._is_resumed:
            await self._send(send, _RESET)
        position = await self._send_batch(send, snapshot, before=0 if snapshot.is_whole else self._since or 0)
        while subscription.farewell is None:
            left_s = ends_s - monotonic_s()
            if left_s <= 0:
                subscription.end("lifetime")
            elif await subscription.wait(min(left_s, self._pace.keep_alive_s)):
                position = await self._send_batch(send, subscription.taken(), before=position)
            else:
                position = max(position, subscription.position)
                await self._send(send, b": still here\nid: %d\n\n" % position)
        bye = f'event: bye\ndata: {{"reason":"{subscription.farewell}"}}\n\n'.encode()
        await self._send(send, bye, more=False)

    async def _send_batch(self, send: Send, batch: Batch, *, before: int) -> int:
        """Send *batch*; return the position the client is complete up to, *before* when it was empty."""
        for piece in _pieces(_frames(batch, before=before)):
            await self._send(send, piece)
        return batch.position if batch.changes else before

    async def _send(self, send: Send, body: bytes, *, more: bool = True) -> None:
        async with asyncio.timeout(self._pace.send_timeout_s):
            await send({"type": "http.response.body", "body": body, "more_body": more})


def _frames(batch: Batch, *, before: int) -> Iterator[bytes]:
    """One event for each change; only with the last is the client complete up to the new position."""
    last = len(batch.changes) - 1
    for place, change in enumerate(batch.changes):
        yield _frame(change, position=batch.position if place == last else before)


def _frame(change: Change, *, position: int) -> bytes:
    return b"id: %d\nevent: %b\ndata: %b\n\n" % (position, change.event, change.data)


def _pieces(frames: Iterable[bytes]) -> Iterator[bytes]:
    piece = bytearray()
    for frame in frames:
        piece += frame
        if len(piece) >= _CHUNK_BYTES:
            yield bytes(piece)
            piece.clear()
    if piece:
        yield bytes(piece)


def _retry_ms() -> int:
    """When to come again after a break, spread so that not all clients of a process come at once."""
    return 1000 + secrets.randbelow(4000)


@contextlib.asynccontextmanager
async def _watching(receive: Receive, subscription: Subscription) -> AsyncIterator[None]:
    """End *subscription* when the client hangs up, for as long as the block lasts."""
    watcher = asyncio.create_task(_hung_up(receive, subscription), name="stream_watcher")
    try:
        yield
    finally:
        watcher.cancel()
        await asyncio.wait([watcher])


async def _hung_up(receive: Receive, subscription: Subscription) -> None:
    message: Message = {"type": ""}
    while message["type"] != "http.disconnect":
        message = await receive()
    subscription.end("disconnected")
