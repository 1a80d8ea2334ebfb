"""Names that lead a webhook where it should not go, and the address it is tied to."""

import asyncio
from collections.abc import Sequence

import pytest

from services.api.channels.outcomes import Delivered, Failed
from services.api.channels.signature import secret_bytes
from services.api.channels.webhook import open_webhook
from tests.integration.alert_receiver import SECRET, a_message, posting_to, receiving


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
async def test_name_in_tls() -> None:
    """Though the connection goes to an address, TLS asks for, and so verifies, the name in the URL."""
    hellos: asyncio.Queue[bytes] = asyncio.Queue()

    async def listener(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        hellos.put_nowait(await reader.read(4096))
        writer.close()

    async with await asyncio.start_server(listener, "127.0.0.1", 0) as server:
        url = f"https://hooks.example:{server.sockets[0].getsockname()[1]}/"
        async with posting_to(url) as (channel, _):
            outcome = await channel.send(a_message())

    assert isinstance(outcome, Failed)
    assert b"hooks.example" in hellos.get_nowait()


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
