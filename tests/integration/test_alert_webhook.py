"""The webhook against a real HTTP receiver that behaves badly, and names that lead where they should not."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from standardwebhooks.webhooks import Webhook
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from services.api.channels.addresses import parse_networks
from services.api.channels.outcomes import Delivered, Failed, Message, Refused
from services.api.channels.signature import secret_bytes
from services.api.channels.webhook import WebhookChannel, open_webhook
from shared.contracts.alerts import decode_notice, encode_notice
from shared.domain.alert_changes import Change, Reason, advanced, unseen
from shared.runtime.ops import serving
from tests.unit.domain.alert_builders import NOON, a_reading, a_rule

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
LOOPBACK = parse_networks("127.0.0.0/8")


def a_message() -> Message:
    """The notice of an alert that fires."""
    rule = a_rule(held_for=timedelta(0))
    before = unseen(rule, {}, NOON)
    reading = a_reading("11.10")
    change = Change(before, advanced(before, rule, reading.value, NOON), reading, Reason.VALUE)
    return Message(change.notice_id, change.after.alert_id, encode_notice(change).encode())


@dataclass(slots=True)
class Receiver:
    """A real receiver; paths are ways to behave."""

    port: int = 0
    seen: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    leaving: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self, request: Request) -> Response:
        """Behave as the path says."""
        way = request.path_params["way"]
        self.seen.append((way, dict(request.headers), await request.body()))
        match way:
            case "flaky":
                return PlainTextResponse("", 500 if len(self.seen) == 1 else 200)
            case "gone":
                return PlainTextResponse("never again", 410)
            case "hang":
                await self.leaving.wait()
            case "redirect":
                return RedirectResponse(f"http://127.0.0.1:{self.port}/canary", 307)
            case "trickle":
                return StreamingResponse(self.trickle())
        return PlainTextResponse("thanks")

    async def trickle(self) -> AsyncIterator[bytes]:
        """A byte, and then nothing for as long as the test lasts."""
        yield b"x"
        await self.leaving.wait()


@contextlib.asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    """A receiver on loopback."""
    receiver = Receiver()
    app = Starlette(routes=[Route("/{way}", receiver.answer, methods=["POST"])])
    async with serving(app, host="127.0.0.1", port=0, on_stop=receiver.leaving.set) as server:
        receiver.port = server.port
        yield receiver


@contextlib.asynccontextmanager
async def posting_to(
    url: str, *, answers: Sequence[str] = ("127.0.0.1",), allowed: str = "127.0.0.0/8"
) -> AsyncIterator[tuple[WebhookChannel, list[str]]]:
    """A webhook to *url*, with a resolver that gives *answers*, and the names it was asked for."""
    asked: list[str] = []

    async def resolver(host: str, _: int) -> Sequence[str]:
        asked.append(host)
        return answers

    networks = parse_networks(allowed)
    key = secret_bytes(SECRET)
    async with open_webhook(url=url, key=key, allowed=networks, resolver=resolver) as channel:
        yield channel, asked


@pytest.mark.asyncio
async def test_verifies() -> None:
    """What arrives verifies with the library that receivers use, and says that the alert is firing."""
    async with (
        receiving() as receiver,
        posting_to(f"http://hooks.example:{receiver.port}/ok") as (channel, _),
    ):
        outcome = await channel.send(a_message())
    [(_, headers, body)] = receiver.seen
    Webhook(SECRET).verify(body, headers)
    notice = decode_notice(body)

    assert outcome == Delivered()
    assert (notice.type, str(notice.data.value)) == ("alert.firing", "11.10")
    assert headers["host"] == f"hooks.example:{receiver.port}"


@pytest.mark.asyncio
async def test_same_again() -> None:
    """After a 500 the same id and the same bytes come again, and are taken."""
    async with (
        receiving() as receiver,
        posting_to(f"http://hooks.example:{receiver.port}/flaky") as (channel, _),
    ):
        outcomes = [await channel.send(a_message()) for _ in range(2)]
    first, second = receiver.seen

    assert outcomes == [Failed("HTTP 500"), Delivered()]
    assert (first[1]["webhook-id"], first[2]) == (second[1]["webhook-id"], second[2])


@pytest.mark.asyncio
async def test_gone() -> None:
    """A 410 is a refusal."""
    async with (
        receiving() as receiver,
        posting_to(f"http://hooks.example:{receiver.port}/gone") as (channel, _),
    ):
        assert await channel.send(a_message()) == Refused("HTTP 410 never again")


@pytest.mark.asyncio
async def test_redirect() -> None:
    """A redirect is a failure, and nobody goes where it points."""
    async with (
        receiving() as receiver,
        posting_to(f"http://hooks.example:{receiver.port}/redirect") as (channel, _),
    ):
        assert await channel.send(a_message()) == Failed("HTTP 307")

    assert [way for way, *_ in receiver.seen] == ["redirect"]


@pytest.mark.asyncio
@pytest.mark.parametrize("way", ["hang", "trickle"])
async def test_hang(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer that does not come, or does not end, is given up after the deadline for the whole attempt."""
    async with (
        receiving() as receiver,
        posting_to(f"http://hooks.example:{receiver.port}/{way}") as (channel, _),
    ):
        monkeypatch.setattr(channel, "_deadline_s", 0.2)

        assert await channel.send(a_message()) == Failed("no whole answer within 0.2 s")


@pytest.mark.asyncio
async def test_ten_megabytes_and_more() -> None:
    """An answer without an end is cut off after its beginning, and taken for what its status says."""
    sent_bytes = 0

    async def endless(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent_bytes
        writer.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            while True:
                writer.write(b"x" * 65_536)
                await writer.drain()
                sent_bytes += 65_536

    async with await asyncio.start_server(endless, "127.0.0.1", 0) as server:
        url = f"http://hooks.example:{server.sockets[0].getsockname()[1]}/"
        async with posting_to(url) as (channel, _):
            assert await channel.send(a_message()) == Delivered()

    # What the kernel's buffers took in before the end, which is far from what fifteen seconds would have.
    assert sent_bytes < 20 * 1024 * 1024


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("answers", "allowed", "scheme", "reason"),
    [
        (["127.0.0.1"], "", "https", "not an address of the public internet"),
        (["8.8.8.8", "127.0.0.1"], "", "https", "127.0.0.1 is not"),
        (["127.0.0.1", "8.8.8.8"], "127.0.0.0/8", "http", "plain http"),
        (["8.8.8.8"], "", "http", "plain http"),
        (["::ffff:127.0.0.1"], "", "https", "not an address"),
        (["2002:7f00:1::"], "127.0.0.0/8", "https", "not an address"),
    ],
)
async def test_never_connects(answers: Sequence[str], allowed: str, scheme: str, reason: str) -> None:
    """A name that leads inside, by itself or among other answers, is not connected to at all."""
    connections = 0

    async def canary(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        writer.close()

    async with await asyncio.start_server(canary, "127.0.0.1", 0) as server:
        url = f"{scheme}://hooks.example:{server.sockets[0].getsockname()[1]}/"
        async with posting_to(url, answers=answers, allowed=allowed) as (channel, _):
            outcome = await channel.send(a_message())

    assert isinstance(outcome, Failed)
    assert reason in outcome.detail
    assert connections == 0


@pytest.mark.asyncio
@pytest.mark.parametrize("host", ["2130706433", "0x7f.1", "127.1", "localhost", "[::1]"])
async def test_odd_spellings(host: str) -> None:
    """Other ways to write a loopback address are seen for what they are."""
    async with open_webhook(url=f"https://{host}:9/", key=secret_bytes(SECRET), allowed=()) as channel:
        outcome = await channel.send(a_message())

    assert isinstance(outcome, Failed)
    assert "not an address of the public internet" in outcome.detail


@pytest.mark.asyncio
async def test_resolved_once() -> None:
    """A name is asked for once an attempt, so that no second answer can lead elsewhere."""
    async with (
        receiving() as receiver,
        posting_to(f"http://hooks.example:{receiver.port}/ok") as (channel, asked),
    ):
        await channel.send(a_message())
        await channel.send(a_message())

    assert asked == ["hooks.example"] * 2


@pytest.mark.asyncio
async def test_next_address() -> None:
    """When the first address does not answer, the next judged one is tried."""
    async with receiving() as receiver:
        url = f"http://hooks.example:{receiver.port}/ok"
        async with posting_to(url, answers=["127.0.0.2", "127.0.0.1"]) as (channel, _):
            assert await channel.send(a_message()) == Delivered()


@pytest.mark.asyncio
async def test_no_such_name() -> None:
    """A name that cannot be resolved is a failure to be tried again."""

    async def resolver(_: str, __: int) -> Sequence[str]:
        raise OSError("no such name")

    async with open_webhook(
        url="https://hooks.example/", key=secret_bytes(SECRET), allowed=(), resolver=resolver
    ) as channel:
        outcome = await channel.send(a_message())

    assert outcome == Failed("ConnectError: the name cannot be resolved: no such name")
