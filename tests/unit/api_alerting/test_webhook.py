"""One attempt at a webhook: what is sent, and what its answers mean."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta

import httpx2
import pytest

from services.api.channels.addresses import ForbiddenAddressError
from services.api.channels.outcomes import Delivered, Failed, Message, Outcome, Refused
from services.api.channels.webhook import BODY_BYTES, WebhookChannel

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
MESSAGE = Message(notice_id="notice_1", alert_id="a1", body=b'{"type":"alert.firing"}')

Receiver = Callable[[httpx2.Request], httpx2.Response]


async def sent(receiver: Receiver, *, deadline_s: float = 5.0) -> Outcome:
    """What comes of sending a message to *receiver*."""
    async with httpx2.AsyncClient(transport=httpx2.MockTransport(receiver)) as client:
        channel = WebhookChannel(
            client, url="https://hooks.example/a", key=b"k" * 32, now=lambda: NOW, deadline_s=deadline_s
        )
        return await channel.send(MESSAGE)


def an_answer(status: int, body: bytes = b"", **headers: str) -> httpx2.Response:
    """An answer that arrives as a stream, as from a network."""

    async def stream() -> AsyncIterator[bytes]:
        yield body

    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx2.Response(status, headers=named, content=stream())


@pytest.mark.asyncio
async def test_request() -> None:
    """The body goes out as it is, signed for the notice and the moment."""
    seen: list[httpx2.Request] = []

    def receiver(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        return an_answer(204)

    outcome = await sent(receiver)

    assert outcome == Delivered()
    assert (seen[0].method, seen[0].content) == ("POST", MESSAGE.body)
    assert seen[0].headers["webhook-id"] == "notice_1"
    assert seen[0].headers["webhook-timestamp"] == "1772366400"
    assert seen[0].headers["content-type"] == "application/json"
    assert json.loads(seen[0].content) == {"type": "alert.firing"}


@pytest.mark.asyncio
@pytest.mark.parametrize("status", [301, 302, 304, 307, 308, 400, 401, 404, 409, 429, 500, 502, 504])
async def test_failures(status: int) -> None:
    """Whatever is neither 2xx nor 410 is a failure to be tried again, a redirect among it."""
    outcome = await sent(lambda _: an_answer(status, location="https://elsewhere.example"))

    assert outcome == Failed(f"HTTP {status}")


@pytest.mark.asyncio
async def test_gone() -> None:
    """A receiver that says 410 is not asked again."""
    assert await sent(lambda _: an_answer(410, b"moved out")) == Refused("HTTP 410 moved out")


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("retry_after", "wait_s"),
    [
        ("120", 120),
        ("0", 0),
        ("-5", 0),
        ("soon", 0),
        ("99999999999999999999", 36_000),
        ("Sun, 01 Mar 2026 12:02:00 GMT", 120),
        ("Sun, 01 Mar 2026 11:00:00 GMT", 0),
        ("Sun, 01 Mar 9999 11:00:00 GMT", 36_000),
    ],
)
async def test_retry_after(retry_after: str, wait_s: int) -> None:
    """A receiver may ask to be left alone for a while, in seconds or as a date, ten hours at most."""
    outcome = await sent(lambda _: an_answer(429, retry_after=retry_after))

    assert outcome == Failed("HTTP 429", wait=timedelta(seconds=wait_s))


@pytest.mark.asyncio
async def test_excerpt_is_harmless() -> None:
    """What a receiver says is kept short and without anything but plain characters."""
    outcome = await sent(lambda _: an_answer(500, b"\x1b[31mno\r\nX: y\x00\xff" + b"z" * 5000))

    assert isinstance(outcome, Failed)
    assert outcome.detail.startswith("HTTP 500  [31mno  X: y  zzz")
    assert len(outcome.detail) == len("HTTP 500 ") + 200


@pytest.mark.asyncio
async def test_endless_body() -> None:
    """An answer without an end is read for 64 KiB and no further."""
    read = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal read
        while True:
            read += 1024
            yield b"x" * 1024

    outcome = await sent(lambda _: httpx2.Response(200, content=endless()))

    assert outcome == Delivered()
    assert read == BODY_BYTES


@pytest.mark.asyncio
async def test_trickling_body() -> None:
    """An answer that comes a byte at a time is given up when the time for the whole attempt is over."""

    async def trickle() -> AsyncIterator[bytes]:
        yield b"x"
        await asyncio.Event().wait()

    outcome = await sent(lambda _: httpx2.Response(200, content=trickle()), deadline_s=0.02)

    assert outcome == Failed("no whole answer within 0.02 s")


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "error", [httpx2.ConnectError("refused"), httpx2.ReadError("cut"), ForbiddenAddressError("inside")]
)
async def test_errors(error: Exception) -> None:
    """Whatever goes wrong on the way is a failure with its reason, and never an exception."""

    def receiver(_: httpx2.Request) -> httpx2.Response:
        raise error

    assert await sent(receiver) == Failed(f"{type(error).__name__}: {error}")
