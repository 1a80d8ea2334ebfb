"""Connections that end: the client is told in its own words, and everything is closed whatever has died."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.conn import AIOKafkaConnection
from aiokafka.errors import KafkaConnectionError

from shared.messaging.connections import cut_connections, mend_connections
from shared.messaging.group_client import close_client

pytestmark = pytest.mark.asyncio


class Ended:
    """A writer of uvloop's whose connection has just ended."""

    def __init__(self) -> None:
        self.closed = 0

    def write(self, _: bytes) -> None:
        """Fail as uvloop does."""
        raise RuntimeError("unable to perform operation on <TCPTransport closed=True>; the handler is closed")

    def close(self) -> None:
        """Count."""
        self.closed += 1


class Question:
    """A request, as far as a connection looks at it."""

    def prepare(self, _: object) -> "Question":
        """In the version asked for."""
        return self

    def build_request_header(self, **_: object) -> "Question":
        """Its own header."""
        return self

    def encode(self) -> bytes:
        """Bytes."""
        return b"question"


async def test_an_ended_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """Writing to a connection that has ended closes it, and is told as a lost connection."""
    monkeypatch.setattr(AIOKafkaConnection, "send", AIOKafkaConnection.send)
    mend_connections()
    connection, writer = AIOKafkaConnection("broker", 9092), Ended()
    connection._reader, connection._writer = object(), writer
    connection._read_task = asyncio.create_task(asyncio.sleep(0))

    with pytest.raises(KafkaConnectionError, match="the handler is closed"):
        connection.send(Question())

    assert writer.closed == 1
    await asyncio.gather(connection._read_task or asyncio.sleep(0), return_exceptions=True)


class Client:
    """A client whose own end fails, because one of its tasks has died."""

    def __init__(self) -> None:
        self.connection = Ended()
        self._conns = {0: self.connection}
        self._client: Any = self

    async def close(self) -> None:
        """Fail."""
        raise RuntimeError("the handler is closed")

    stop = close


async def test_everything_is_cut() -> None:
    """Connections are closed although the client's own way of doing so fails."""
    client = Client()

    await cut_connections(client)

    assert client.connection.closed == 1


async def test_closing_never_raises() -> None:
    """A member that cannot leave politely leaves all the same: whoever closes it goes on."""
    client = Client()

    await close_client(client)

    assert client.connection.closed == 1


async def test_a_polite_end() -> None:
    """A client that stops by itself is left alone."""
    ended = asyncio.Event()

    async def stop() -> None:
        ended.set()

    await close_client(SimpleNamespace(stop=stop))

    assert ended.is_set()
