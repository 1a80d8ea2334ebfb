"""Live changes over real connections, from a real Postgres."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from sqlalchemy import text

from services.api.http import stalled
from services.api.streaming.event_stream import Pace
from services.value_commands import Place, value_events
from shared.runtime.clock import utc_now
from shared.storage.engine import transaction
from tests.integration.api_rig import Api, serving_api

pytestmark = pytest.mark.asyncio

A_MINUTE_AGO = timedelta(minutes=1)


@pytest_asyncio.fixture
async def api(database_url: str) -> AsyncIterator[Api]:
    """An API whose database is empty but for the definition."""
    async with serving_api(database_url) as running:
        yield running


class Stream:
    """The `value` events of a stream, as they come."""

    def __init__(self, answer: httpx2.Response) -> None:
        self._lines = answer.aiter_lines()
        self.place = Place()

    async def event(self) -> Any:
        """The next event's data."""
        lines: list[str] = []
        async with asyncio.timeout(5):
            async for line in self._lines:
                lines.append(line)
                if not line and (found := list(value_events(iter(lines), self.place))):
                    return json.loads(found[0])
        raise EOFError("the stream has ended")

    async def news(self, told: Any) -> Any:
        """The next event that is not *told* already: an open transaction of anybody makes rows come again."""
        found = await self.event()
        return found if found["revision"] != told["revision"] else await self.news(told)


async def test_stream(api: Api) -> None:
    """A stream tells how things stand, then what is stored, and goes on from where it was left."""
    await api.refresh()
    async with api.client() as client:
        async with client.stream("GET", "/v1/stream?kpi=departures") as answer:
            stream = Stream(answer)
            first = await stream.event()
            await api.count(["AA"], at=utc_now() - A_MINUTE_AGO)
            await api.refresh()
            second = await stream.event()
        await api.count(["AA"], at=utc_now() - A_MINUTE_AGO)
        await api.refresh()
        headers = {"Last-Event-ID": str(stream.place.last_id)}
        async with client.stream("GET", "/v1/stream?kpi=departures", headers=headers) as answer:
            third = await Stream(answer).event()

    assert [each["value"] for each in (first, second, third)] == [0, 1, 2]
    assert first["revision"] < second["revision"] < third["revision"]


_TOUCH = text("""
UPDATE kpi_current SET value = value + 1, revision = nextval('kpi_current_revision'),
    changed_in = pg_current_xact_id()::text::bigint
WHERE dimensions = CAST(:dimensions AS jsonb)
""")


async def test_late_commit(api: Api) -> None:
    """A change that commits after a later one has been told is told too."""
    await api.refresh()
    await api.refresh({"carrier": "AA"})
    async with api.client() as client, client.stream("GET", "/v1/stream") as answer:
        stream, told = Stream(answer), dict[str, int]()
        while len(told) < 2:
            await news(stream, told)
        async with transaction(api.engine) as slow:
            await slow.execute(_TOUCH, {"dimensions": "{}"})
            async with transaction(api.engine) as fast:
                await fast.execute(_TOUCH, {"dimensions": '{"carrier": "AA"}'})
            first = await news(stream, told)
        second = await news(stream, told)

    assert [first["dimensions"], second["dimensions"]] == [{"carrier": "AA"}, {}]
    assert first["revision"] > second["revision"]


async def news(stream: Stream, told: dict[str, int]) -> Any:
    """The next event that does not repeat what was *told*: a row may be sent twice, under its revision."""
    while True:
        event = await stream.event()
        series, revision = str(event["dimensions"]), event["revision"]
        if revision > told.get(series, 0):
            told[series] = revision
            return event


_MANY = text("""
INSERT INTO kpi_current
SELECT 'departures', '5m', jsonb_build_object('carrier', i::text), 1, 1, 1, now(), now(), now(), false, NULL,
    now(), i, 0
FROM generate_series(1, 20000) AS i
""")


async def test_stalled_client(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that does not read loses its stream, and the kernel lets go of its connection."""
    monkeypatch.setattr(stalled, "STALLED_AFTER_MS", 1000)
    async with serving_api(database_url, pace=Pace(send_timeout_s=0.5)) as api:
        async with transaction(api.engine) as connection:
            await connection.execute(_MANY)
        with socket.socket() as client:
            client.setblocking(False)
            loop = asyncio.get_running_loop()
            await loop.sock_connect(client, ("127.0.0.1", api.port))
            await loop.sock_sendall(client, b"GET /v1/stream HTTP/1.1\r\nHost: api\r\n\r\n")
            await _until(lambda: _open_streams(api) == 1)
            await _until(lambda: _open_streams(api) == 0)
            await _until(lambda: not api.server.server_state.connections)


def _open_streams(api: Api) -> float | None:
    return api.state.registry.get_sample_value("tidemark_http_streams")


async def _until(is_true: Callable[[], bool]) -> None:
    """Wait for what the kernel tells nobody of, at most half a minute."""
    for _ in range(1500):
        if is_true():
            return
        await asyncio.sleep(0.02)
    raise TimeoutError
