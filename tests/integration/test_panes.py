"""Panes on a real Postgres: both ways of adding come to the same, and add up."""

from collections.abc import AsyncIterator

import asyncpg
import numpy as np
import pytest
import pytest_asyncio

from shared.domain.aggregates import Numbers
from shared.domain.calendars import Calendar
from shared.domain.fold import Deltas, Rows, fold, pane_partials
from shared.domain.windows import Rung
from shared.storage import pane_numbers, panes
from shared.storage.engine import close, connect

pytestmark = pytest.mark.asyncio

NOW_US = 1_760_000_000_000_000


@pytest_asyncio.fixture
async def connection(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection that is ready to add panes."""
    opened = await connect(database_url, application_name="tests")
    await panes.prepare(opened)
    # Every rung is done: what is added here is in all of them, as it is where events are late.
    await opened.execute("UPDATE pane_marks SET until_us = $1", 2 * NOW_US)
    yield opened
    await close(opened)


def some_deltas(seed: int, rows: int) -> Deltas:
    """Deltas of random rows in four series."""
    random = np.random.default_rng(seed)
    times = NOW_US - random.integers(0, 200 * 86_400, rows) * 1_000_000
    made = Rows(random.integers(0, 4, rows), times, random.integers(-1000, 1000, rows))
    return fold(made, finest=Rung.S1, now_us=NOW_US, calendar=Calendar("UTC"))


async def add(connection: asyncpg.Connection, rows: panes.PaneRows, *, shard: int) -> None:
    """Add *rows* in a transaction of their own."""
    async with connection.transaction():
        await panes.add(connection, await panes.stage(connection, rows), shard=shard)


async def stored(connection: asyncpg.Connection) -> list[tuple[int, ...]]:
    """All panes, shards merged."""
    rows = await connection.fetch(
        "SELECT series_id, rung, start_us, sum(n)::bigint, sum(sum)::bigint, min(min), max(max)"
        " FROM panes GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
    )
    return [tuple(row) for row in rows]


async def test_copy_equals_arrays(connection: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    """A large flush by COPY leaves the same panes as small ones by arrays, whatever the shard."""
    deltas = some_deltas(1, 400)
    rows = panes.pane_rows(deltas.group + 10, deltas)

    found = []
    for shard, threshold in ((0, 1), (1, 10**9)):
        monkeypatch.setattr(pane_numbers, "COPY_FROM_ROWS", threshold)
        await add(connection, rows, shard=shard)
        found.append(await connection.fetch("SELECT * FROM panes WHERE shard = $1 ORDER BY 1, 2, 3", shard))

    assert [tuple(r)[:3] + tuple(r)[4:] for r in found[0]] == [tuple(r)[:3] + tuple(r)[4:] for r in found[1]]
    assert len(rows) == len(found[0])


@pytest.mark.parametrize("parts", [1, 3])
async def test_adding_adds_up(connection: asyncpg.Connection, parts: int) -> None:
    """Any split of the events into flushes and shards leaves the same merged panes."""
    random = np.random.default_rng(5)
    group, value = random.integers(0, 3, 600), random.integers(-50, 50, 600)
    times = NOW_US - random.integers(0, 86_400, 600) * 1_000_000
    for part in range(parts):
        own = slice(part, None, parts)
        deltas = fold(
            Rows(group[own], times[own], value[own]), finest=Rung.M1, now_us=NOW_US, calendar=Calendar("UTC")
        )
        await add(connection, panes.pane_rows(deltas.group, deltas), shard=part % 2)
    whole = fold(Rows(group, times, value), finest=Rung.M1, now_us=NOW_US, calendar=Calendar("UTC"))

    partials = pane_partials(panes.pane_rows(whole.group, whole).parts[0].deltas)
    expected = [
        (*key, one.n, one.total, one.low, one.high)
        for key, one in sorted(partials.items())
        if isinstance(one, Numbers)
    ]
    assert expected == await stored(connection)


async def test_sums_beyond_64_bits(connection: asyncpg.Connection) -> None:
    """A sum that no 64-bit integer holds is kept exactly."""
    large = 2**62
    deltas = fold(
        Rows(np.zeros(6, np.int64), np.full(6, NOW_US), np.full(6, large)),
        finest=Rung.D1, now_us=NOW_US, calendar=Calendar("UTC"),
    )  # fmt: skip
    await add(connection, panes.pane_rows(deltas.group, deltas), shard=0)

    assert 6 * large == int(await connection.fetchval("SELECT sum FROM panes"))


async def test_expiry_takes_the_old_only(connection: asyncpg.Connection) -> None:
    """What is past twice the time it is written goes, of the swept shard only."""
    deltas = some_deltas(2, 300)
    rows = panes.pane_rows(deltas.group, deltas)
    await add(connection, rows, shard=0)
    await add(connection, rows, shard=1)
    later_us = NOW_US + 10 * 86_400 * 1_000_000

    deleted = await panes.expire(connection, shard=0, now_us=later_us)

    left = {r["rung"] for r in await connection.fetch("SELECT DISTINCT rung FROM panes WHERE shard = 0")}
    assert deleted > 0
    assert not left & {Rung.S1, Rung.S10}
    assert {Rung.M1, Rung.M15, Rung.H1, Rung.D1} <= left
    assert len(rows) == await connection.fetchval("SELECT count(*) FROM panes WHERE shard = 1")
