"""Panes of every kind on a real Postgres: added in parts and shards, taken away from, asked by windows."""

from collections.abc import AsyncIterator

import asyncpg
import numpy as np
import numpy.typing as npt
import pytest
import pytest_asyncio

from shared.domain.aggregates import NO_EVENTS, Distinct, Kind, Numbers, Partial
from shared.domain.calendars import Calendar, as_datetime
from shared.domain.fold import Rows, fold, totals
from shared.domain.readings import Question
from shared.domain.windows import Rung, parse_window
from shared.storage import panes
from shared.storage.engine import close, connect, open_engine, reading
from shared.storage.pane_answers import SeriesQuestion, answers
from shared.storage.pane_rows import rows_by_kind

pytestmark = pytest.mark.asyncio

NOW_US = 1_760_000_040_000_000
WINDOWS = ("1m", "5m", "1h", "24h", "30d", "400d")
SERIES = 3

kinds = pytest.mark.parametrize("kind", Kind)


@pytest_asyncio.fixture
async def connection(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection that is ready to add panes."""
    opened = await connect(database_url, application_name="tests")
    await panes.prepare(opened)
    # Every rung is done: what is added here is in all of them, as it is where events are late.
    await opened.execute("UPDATE pane_marks SET until_us = $1", 2 * NOW_US)
    yield opened
    await close(opened)


def some_rows(seed: int, count: int, *, values: int = 2000) -> Rows:
    """Random rows in a few series, most of them young, some at one instant."""
    random = np.random.default_rng(seed)
    ages = np.where(
        random.random(count) < 0.5, random.integers(0, 300, count), random.integers(0, 10**7, count)
    )
    return Rows(
        random.integers(0, SERIES, count),
        NOW_US - ages.astype(np.int64) * 1_000_000,
        random.integers(-values, values, count),
        random.integers(0, 2**64, (count, 2), dtype=np.uint64),
    )


def taken(rows: Rows, which: slice | npt.NDArray[np.bool_]) -> Rows:
    """The rows at *which* places."""
    return Rows(rows.group[which], rows.time_us[which], rows.value[which], rows.key[which])


async def add(
    connection: asyncpg.Connection, rows: Rows, kind: Kind, *, shard: int, sign: int = 1
) -> list[panes.PaneKey]:
    """Add *rows* in a transaction of their own, the number of a series being its group and one."""
    deltas = fold(rows, finest=Rung.S1, now_us=NOW_US, calendar=Calendar("UTC"), kind=kind, sign=sign)
    found = rows_by_kind([(deltas.group + 1, deltas)], may_meet=False)
    async with connection.transaction():
        return await panes.add(connection, await panes.stage(connection, found), shard=shard)


async def asked(
    connection: asyncpg.Connection, url: str, kind: Kind
) -> dict[tuple[str, int], tuple[Partial, int | None, tuple[int, int]]]:
    """What every window says of every series: the partial, its first pane, and the interval."""
    await connection.execute(
        "INSERT INTO measures (measure_id, fingerprint, event_type, scale, zone, breakdown, finest, kind,"
        " created_at) OVERRIDING SYSTEM VALUE VALUES (1, 'f', 'e', 0, 'UTC', '[]', 0, $1, now())"
        " ON CONFLICT DO NOTHING",
        kind.value,
    )
    await connection.execute(
        "INSERT INTO series (series_id, measure_id, dimensions, created_at) OVERRIDING SYSTEM VALUE"
        " SELECT g + 1, 1, g::text, now() FROM generate_series(0, $1) g ON CONFLICT DO NOTHING",
        SERIES,
    )
    keys = {
        (name, group): SeriesQuestion(Question(parse_window(name), NOW_US, Rung.S1, "UTC"), 1, str(group))
        for name in WINDOWS
        for group in range(SERIES + 1)
    }
    engine = open_engine(url, application_name="tests")
    async with reading(engine) as conn:
        found = await answers(conn, list(keys.values()), now=as_datetime(NOW_US))
    await engine.dispose()
    return {
        place: (answer.partial, answer.first_us, (planned.whole.start_us, planned.whole.end_us))
        for place, key in keys.items()
        for planned, answer in [found[key]]
    }


def expected(rows: Rows, kind: Kind, group: int, within: tuple[int, int]) -> Partial:
    """What the rows of a series within an interval come to, without any panes."""
    chosen = (rows.group == group) & (rows.time_us >= within[0]) & (rows.time_us < within[1])
    return totals(taken(rows, chosen), kind).get(group, NO_EVENTS[kind])


@kinds
async def test_parts_and_shards(connection: asyncpg.Connection, database_url: str, kind: Kind) -> None:
    """However the events come into flushes and shards, every window is what all of its events come to."""
    rows = some_rows(3, 3000)
    for part in range(6):
        await add(connection, taken(rows, slice(part, None, 6)), kind, shard=part % 4)

    for (_, group), (partial, first_us, within) in (await asked(connection, database_url, kind)).items():
        whole = expected(rows, kind, group, within)
        assert partial == whole or (partial.n, whole.n) == (0, 0)
        assert (first_us is None) == (whole.n == 0)


async def test_ties(connection: asyncpg.Connection, database_url: str) -> None:
    """Of events at one instant the key decides, whichever flush brings which of them."""
    random = np.random.default_rng(8)
    keys = random.integers(0, 2**64, (60, 2), dtype=np.uint64)
    rows = Rows(np.zeros(60, np.int64), np.full(60, NOW_US - 5), np.arange(60), keys)
    for part in range(30):
        await add(connection, taken(rows, slice(part, None, 30)), Kind.ENDS, shard=part % 2)

    partial, _, within = (await asked(connection, database_url, Kind.ENDS))["5m", 0]

    assert partial == expected(rows, Kind.ENDS, 0, within)


async def test_registers_of_shards_and_panes(connection: asyncpg.Connection, database_url: str) -> None:
    """Panes that are estimates by themselves are put together with those that are not as if they were one."""
    hashes = np.arange(6000, dtype=np.int64) * 1_234_567_891_011
    times = NOW_US - np.repeat([5, 3_600_000_000], 3000)
    rows = Rows(np.zeros(6000, np.int64), times, hashes)
    for part, shard in ((slice(0, 2000), 0), (slice(2000, 3200), 1), (slice(3200, 6000), 0)):
        await add(connection, taken_values(rows, part), Kind.DISTINCT, shard=shard)

    partial, _, _ = (await asked(connection, database_url, Kind.DISTINCT))["24h", 0]

    assert partial == Distinct.of(hashes)


@pytest.mark.parametrize("kind", [Kind.SQUARES, Kind.QUANTILES])
async def test_taking_away(connection: asyncpg.Connection, database_url: str, kind: Kind) -> None:
    """Sums and buckets are as if what is taken away had never come, whichever shard it is taken from."""
    rows = some_rows(4, 1500)
    gone, left = taken(rows, slice(0, None, 3)), np.arange(1500) % 3 != 0
    await add(connection, rows, kind, shard=0)
    assert await add(connection, gone, kind, shard=1, sign=-1) == []

    for (_, group), (partial, _, within) in (await asked(connection, database_url, kind)).items():
        whole = expected(taken(rows, left), kind, group, within)
        assert partial == whole or (partial.n, whole.n) == (0, 0)


@kinds
async def test_nothing_left(connection: asyncpg.Connection, database_url: str, kind: Kind) -> None:
    """Panes that everything was taken away from in their own rows are as good as none."""
    rows = some_rows(5, 400)
    await add(connection, rows, kind, shard=0)
    await add(connection, rows, kind, shard=0, sign=-1)

    found = await asked(connection, database_url, kind)

    assert {(partial.n, first_us) for partial, first_us, _ in found.values()} == {(0, None)}


async def test_unsettled(connection: asyncpg.Connection, database_url: str) -> None:
    """Taking a value away from a row that holds it is exact; where it does not, the pane is named."""
    rows = some_rows(6, 2000, values=300)
    gone = taken(rows, slice(0, 40))
    await add(connection, rows, Kind.DISTINCT, shard=0)

    settled = await add(connection, gone, Kind.DISTINCT, shard=0, sign=-1)
    unsettled = await add(connection, gone, Kind.DISTINCT, shard=1, sign=-1)
    deltas = fold(gone, finest=Rung.S1, now_us=NOW_US, calendar=Calendar("UTC"), kind=Kind.DISTINCT)

    keys = zip((deltas.group + 1).tolist(), deltas.rung.tolist(), deltas.start_us.tolist(), strict=True)
    assert (settled, set(unsettled)) == ([], set(keys))


async def test_registers_do_not_let_go(connection: asyncpg.Connection) -> None:
    """A pane of more than 1024 values is named whenever something is taken away from it."""
    rows = Rows(np.zeros(3000, np.int64), np.full(3000, NOW_US - 1), np.arange(3000) * 7919)
    await add(connection, rows, Kind.DISTINCT, shard=0)

    unsettled = await add(connection, taken_values(rows, slice(0, 1)), Kind.DISTINCT, shard=0, sign=-1)

    assert len(unsettled) == len(Rung)


def taken_values(rows: Rows, which: slice) -> Rows:
    """The rows at *which* places, without keys."""
    return Rows(rows.group[which], rows.time_us[which], rows.value[which])


async def test_the_switch_between_shards(connection: asyncpg.Connection, database_url: str) -> None:
    """Two shards that count exactly by themselves are estimated together as soon as their union is large."""
    hashes = np.arange(1800, dtype=np.int64) * 1_234_567_891_011
    rows = Rows(np.zeros(1800, np.int64), np.full(1800, NOW_US - 5), hashes)
    await add(connection, taken_values(rows, slice(0, 900)), Kind.DISTINCT, shard=0)
    await add(connection, taken_values(rows, slice(900, 1800)), Kind.DISTINCT, shard=1)

    answered = await asked(connection, database_url, Kind.DISTINCT)
    found = {partial for (_, group), (partial, _, _) in answered.items() if group == 0}

    assert found == {Distinct.of(hashes)}


async def test_sums_beyond_64_bits(connection: asyncpg.Connection, database_url: str) -> None:
    """Batches that 64 bits hold one by one are put together exactly."""
    large = 4 * 10**18
    rows = Rows(np.zeros(1, np.int64), np.full(1, NOW_US - 5), np.full(1, large))
    deltas = fold(rows, finest=Rung.S1, now_us=NOW_US, calendar=Calendar("UTC"))
    together = rows_by_kind([(deltas.group + 1, deltas)] * 5, may_meet=True)
    async with connection.transaction():
        await panes.add(connection, await panes.stage(connection, together), shard=0)

    partial, _, _ = (await asked(connection, database_url, Kind.NUMBERS))["5m", 0]

    assert partial == Numbers(5, 5 * large, large, large)


@pytest.mark.parametrize("kind", [Kind.ENDS, Kind.DISTINCT])
async def test_expiry(connection: asyncpg.Connection, kind: Kind) -> None:
    """Panes of every kind go when they are past their time, of the swept shard only."""
    for shard in (0, 1):
        await add(connection, some_rows(7, 300), kind, shard=shard)
    table = "pane_sketches" if kind is Kind.DISTINCT else "panes"

    deleted = await panes.expire(connection, shard=0, now_us=NOW_US + 10 * 86_400_000_000)

    query = f"SELECT shard, rung FROM {table}"
    left = {(row["shard"], row["rung"]) for row in await connection.fetch(query)}
    assert deleted > 0
    assert left == {(0, rung) for rung in Rung if rung >= Rung.M1} | {(1, rung) for rung in Rung}
