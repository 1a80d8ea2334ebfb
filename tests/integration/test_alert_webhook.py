"""The webhook against a real HTTP receiver that behaves badly."""

import asyncio
import contextlib

import pytest
from standardwebhooks.webhooks import Webhook

from services.api.channels.outcomes import Delivered, Failed, Refused
from shared.contracts.alerts import decode_notice
from tests.integration.alert_receiver import SECRET, a_message, posting_to, receiving


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

        async with asyncio.timeout(2):
            outcome = await channel.send(a_message())

        assert outcome == Failed("no whole answer within 0.2 s")


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
