"""A client of the stream that is cut off again and again ends with what the table holds."""

import asyncio
import json
import random
from dataclasses import dataclass, field
from typing import Any

import httpx2
import pytest
from sqlalchemy import text

from shared.storage import current, gone
from shared.storage.engine import transaction
from tests.integration.api_rig import Api, serving_api
from tests.integration.value_writers import CARRIERS, OUTDATE, PUT, stored_rows, write_side_by_side

pytestmark = pytest.mark.asyncio


@dataclass(slots=True)
class Follower:
    """A client that keeps what the stream tells, by the rules that the documentation gives it.

    Attributes:
        told: value and revision by carrier.
        resets: how often it had to begin anew.
    """

    api: Api
    lot: random.Random
    told: dict[str, tuple[int, int]] = field(default_factory=dict)
    removed: dict[str, int] = field(default_factory=dict)
    last_id: str | None = None
    connections: int = 0
    resets: int = 0

    async def follow(self, *, done: asyncio.Event) -> None:
        """Read, be cut off after some lines and come back with the last id, until nothing more is to come."""
        while not done.is_set():
            await self._connect(lines=self.lot.randint(1, 60), timeout_s=5)
        await self._connect(lines=1_000_000, timeout_s=1)

    async def _connect(self, *, lines: int, timeout_s: float) -> None:
        headers = {} if self.last_id is None else {"Last-Event-ID": self.last_id}
        self.connections += 1
        async with self.api.client() as client:
            try:
                async with (
                    asyncio.timeout(timeout_s),
                    client.stream("GET", "/v1/stream?kpi=departures&window=5m", headers=headers) as answer,
                ):
                    await self._read(answer, lines)
            except TimeoutError:
                pass

    async def _read(self, answer: httpx2.Response, lines: int) -> None:
        fields: dict[str, str] = {}
        async for line in answer.aiter_lines():
            if not line:
                self._take(fields)
                fields = {}
            elif not line.startswith(":"):
                name, _, value = line.partition(": ")
                fields[name] = value
            lines -= 1
            if not lines:
                return

    def _take(self, fields: dict[str, str]) -> None:
        self.last_id = fields.get("id", self.last_id)
        body: Any = json.loads(fields.get("data", "null"))
        match fields.get("event"):
            case "reset":
                self.told, self.removed = {}, {}
                self.resets += 1
            case "value" if body["revision"] > self.removed.get(body["dimensions"]["carrier"], 0):
                carrier = body["dimensions"]["carrier"]
                if body["revision"] >= self.told.get(carrier, (0, 0))[1]:
                    self.told[carrier] = body["value"], body["revision"]
            case "gone":
                carrier = body["dimensions"]["carrier"]
                self.removed[carrier] = body["revision"]
                if self.told.get(carrier, (0, 0))[1] < body["revision"]:
                    self.told.pop(carrier, None)


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_cut_at_random(database_url: str, seed: int) -> None:
    """Whoever is cut off at any line and comes back with the last id has, in the end, just what there is."""
    lot = random.Random(seed)  # noqa: S311 - a test's dice
    async with serving_api(database_url) as api:
        follower, done = Follower(api, lot), asyncio.Event()
        following = asyncio.create_task(follower.follow(done=done), name="follower")
        await write_side_by_side(api.engine, seed)
        done.set()
        await following
        expected = await stored_rows(api.engine)

    assert follower.told == expected
    assert follower.connections > 10


async def test_too_late(database_url: str) -> None:
    """Who comes back after what went has been forgotten begins anew and ends with what there is."""
    async with serving_api(database_url) as api:
        follower, done = Follower(api, random.Random(1)), asyncio.Event()  # noqa: S311 - a test's dice
        async with transaction(api.engine) as connection:
            for carrier in CARRIERS:
                await connection.execute(PUT, {"carrier": carrier, "value": 1})
        await follower._connect(lines=1_000_000, timeout_s=1)
        async with transaction(api.engine) as connection:
            await connection.execute(OUTDATE, {"carriers": CARRIERS[:3]})
            await current.prune(connection, {"departures": 1})
            await connection.execute(text("UPDATE kpi_gone SET gone_at = now() - interval '8 days'"))
            await gone.forget(connection)
        done.set()
        await follower.follow(done=done)

    assert sorted(follower.told) == sorted(CARRIERS[3:])
    assert follower.resets == 1
