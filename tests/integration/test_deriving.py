"""Coarser panes made of finer ones on a real Postgres: what is there is as if written at once."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any, cast

import asyncpg
import pytest
import pytest_asyncio
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry
from sqlalchemy import text

from services.compute.batches import Addition
from services.compute.deriving import Deriver
from services.compute.flushing import write
from services.compute.metrics import Metrics
from services.compute.postgres_store import PostgresSession
from shared.contracts.events import CleanEvent, encode_clean
from shared.domain.calendars import instant_us
from shared.domain.definitions.kpi_files import kpis_of
from shared.domain.windows import DERIVED, LENGTH_US, PARTS, Marks, Rung, marks_at
from shared.storage import pane_marks, pane_repairs, panes, positions
from shared.storage.engine import close, connect, open_engine
from shared.storage.pane_marks import MarksMovedError, StaleMarksError
from shared.storage.pane_rows import PaneRows
from shared.storage.schema import downgrade, upgrade
from tests.integration.corrections_rig import MemoryLog, a_corrector
from tests.integration.counting_rig import Counting, counting, law
from tests.integration.cuts import Cut
from tests.integration.test_aggregate_laws import KPI_FILE as AGGREGATES
from tests.integration.test_aggregate_laws import logs as aggregate_logs
from tests.integration.test_counting_laws import counted, derivings
from tests.oracle import Oracle, Record
from tests.shop.judging import KPI_FILE, differences
from tests.unit.compute.builders import NOW, a_record, an_event, clean_log

FAR_US = 2**60
LATER = NOW + timedelta(days=400)
"""By then every pane is over."""

Pane = tuple[Any, ...]


@pytest_asyncio.fixture
async def mine(database_url: str) -> AsyncIterator[Counting]:
    """A process that owns partition 0 and counts the shop."""
    async with counting(database_url) as found:
        await found.take_over([0])
        yield found


async def set_marks(mine: Counting, until_us: int) -> None:
    """Move all marks by hand."""
    await mine.connection.execute("UPDATE pane_marks SET until_us = $1", until_us)


async def stored(mine: Counting, *, rung: Rung | None = None, finest: Rung | None = None) -> list[Pane]:
    """All panes that hold events, by what their series are called, shards merged.

    Args:
        mine: whose database is looked at.
        rung: only its panes.
        finest: only those of measures with that finest rung.
    """
    rows = await mine.connection.fetch(
        """
        SELECT m.fingerprint, s.dimensions, p.rung, p.start_us, sum(p.n), sum(p.sum), min(p.min), max(p.max),
               sum(p.squares)
        FROM panes p JOIN series s USING (series_id) JOIN measures m USING (measure_id)
        WHERE p.rung = coalesce($1, p.rung) AND m.finest = coalesce($2, m.finest)
        GROUP BY 1, 2, 3, 4 HAVING sum(p.n) <> 0 ORDER BY 1, 2, 3, 4
        """,
        rung,
        finest,
    )
    return [tuple(row) for row in rows]


def test_as_if_written_at_once(database_url: str) -> None:
    """When all panes are over, they are what they are where every rung is written at once."""
    with law(database_url, kpis_of(AGGREGATES.read_text(encoding="utf-8"))) as place:

        @settings(max_examples=25)
        @given(
            came=aggregate_logs,
            sizes=st.lists(st.integers(1, 9), min_size=1, max_size=3),
            derives=st.lists(derivings, min_size=1, max_size=4),
        )
        def holds(
            came: list[CleanEvent], sizes: list[int], derives: list[tuple[int, set[int]] | None]
        ) -> None:
            at_once = place.holds(_counted_at_once(place.counting, came, sizes))
            assert at_once == place.holds(_derived(place.counting, came, sizes, derives))

        holds()


async def _counted_at_once(mine: Counting, came: Sequence[CleanEvent], sizes: Sequence[int]) -> list[Pane]:
    await set_marks(mine, FAR_US)
    await counted(mine, came, partitions=3, sizes=sizes, restart=99)
    return await stored(mine)


async def _derived(
    mine: Counting,
    came: Sequence[CleanEvent],
    sizes: Sequence[int],
    derives: Sequence[tuple[int, set[int]] | None],
) -> list[Pane]:
    await counted(mine, came, partitions=3, sizes=sizes, restart=99, derives=derives)
    await mine.derive(until=LATER)
    return await stored(mine)


@pytest.mark.asyncio
async def test_young_panes_are_not_there(mine: Counting) -> None:
    """Of an event just counted only the finest rung and the day are written; the others follow."""
    came = [an_event(1, ago=timedelta(seconds=5))]
    await mine.count_events(came)
    young = {pane[2] for pane in await stored(mine, finest=Rung.S1)}
    assert await mine.differences(came, NOW, NOW + timedelta(minutes=4)) == []
    await mine.derive(until=NOW + timedelta(minutes=2))
    older = {pane[2] for pane in await stored(mine, finest=Rung.S1)}

    assert young == {Rung.S1, Rung.D1}
    assert older == {Rung.S1, Rung.S10, Rung.M1, Rung.D1}


@pytest.mark.asyncio
async def test_edges_of_a_stretch(mine: Counting) -> None:
    """A pane that begins where a stretch ends belongs to the next one, and only to that."""
    edge = NOW.replace(second=10, microsecond=0)
    came = [an_event(n, ago=NOW - edge + timedelta(seconds=1 - n)) for n in range(2)]
    await mine.count_events(came)
    found = []
    for ends in (edge, edge + timedelta(seconds=10)):
        await mine.derive(until=ends)
        rows = await stored(mine, rung=Rung.S10, finest=Rung.S1)
        found.append([(row[3], row[4]) for row in rows if row[1] == "[]"])
    length_us = LENGTH_US[Rung.S10]

    first, second = (instant_us(edge) - length_us, Decimal(1)), (instant_us(edge), Decimal(1))
    assert set(found[0]) == {first}
    assert set(found[1]) == {first, second}
    assert await mine.differences(came, NOW, edge, edge + timedelta(seconds=1)) == []


@dataclass(frozen=True, slots=True)
class Overtaken(PostgresSession):
    """A session whose rows are chosen just before coarser panes are derived, the first time."""

    mine: Counting | None = None

    async def rows(self, additions: Sequence[Addition]) -> PaneRows:
        """The rows, which then are out of date once."""
        found = await PostgresSession.rows(self, additions)
        before = await pane_marks.load(self.connection)
        if self.mine is not None and before.lowest()[Rung.M1] < instant_us(NOW):
            await self.mine.derive(until=NOW + timedelta(minutes=1))
        return found


@pytest.mark.asyncio
async def test_overtaken(mine: Counting) -> None:
    """Rows chosen before coarser panes were derived are not written but chosen again."""
    await mine.count_events([an_event(1, ago=timedelta(seconds=30))])
    second = an_event(2, ago=timedelta(seconds=25))
    work = mine.counted({0: [a_record(second, offset=1)]})
    session = Overtaken(mine.connection, mine.index, lambda: instant_us(NOW), mine)

    await write(session, work)

    total = [pane[4] for pane in await stored(mine, rung=Rung.M1) if pane[1] == "[]"]
    assert set(total) == {Decimal(2)}


@pytest.mark.asyncio
async def test_nothing_is_written_by_old_marks(mine: Counting) -> None:
    """Rows that were chosen by other marks than those in force are refused."""
    await mine.count_events([an_event(1)])
    rows = PaneRows((), Marks.alike([0] * len(DERIVED)))

    async with mine.connection.transaction():
        with pytest.raises(MarksMovedError):
            await panes.add(mine.connection, await panes.stage(mine.connection, rows), shard=0)


@pytest.mark.asyncio
async def test_stale_marks(mine: Counting) -> None:
    """Where nothing was derived for too long, a flush sees to it first, and undoing waits."""
    with pytest.raises(StaleMarksError):
        await pane_marks.load_fresh(mine.connection, now_us=instant_us(NOW))

    await mine.count_events([an_event(1)])

    found = await pane_marks.load_fresh(mine.connection, now_us=instant_us(NOW))
    assert found == Marks.alike(marks_at(instant_us(NOW), lag_us=pane_marks.LAG_US))


@pytest.mark.asyncio
async def test_after_a_long_pause(mine: Counting) -> None:
    """Events that come hours later, too old for the finest rungs, join those that were not derived yet."""
    await mine.count_events([an_event(1, ago=timedelta(seconds=5))])
    late = NOW + timedelta(hours=5)
    came = [
        an_event(1, ago=timedelta(seconds=5)),
        an_event(2, ago=timedelta(seconds=3)),
        an_event(3, ago=-timedelta(hours=2)),
    ]
    await mine.count_events(came[1:], now=late)

    records = [Record(encode_clean(event)) for event in came]
    oracle = Oracle(KPI_FILE.read_text(encoding="utf-8"), records, ingested_at=late)
    instants = [late, late - timedelta(hours=2), NOW + timedelta(minutes=4)]
    assert await differences(mine.engine, mine.catalogue, oracle, instants=instants, now=late) == []


async def rungs_to_repair(mine: Counting) -> set[int]:
    """The rungs of the panes that have to be made anew, of measures whose finest rung is a second."""
    rows = await mine.connection.fetch(
        "SELECT DISTINCT rung FROM pane_repairs"
        " JOIN series USING (series_id) JOIN measures USING (measure_id) WHERE finest = 0"
    )
    return {row["rung"] for row in rows}


@pytest.mark.asyncio
async def test_repairs_are_handed_on(mine: Counting) -> None:
    """A pane made of one that only the log can tell has to be made from the log itself."""
    paid = [an_event(n, ago=timedelta(seconds=5), data={"price": n}) for n in range(3)]
    came = [*paid, an_event(9, retracts="order-2")]
    await mine.count_events(paid)
    await mine.count_events(came[3:])
    log = MemoryLog(clean_log(came, partitions=1))
    jobs, never = await a_corrector(mine, log), asyncio.Event()
    await jobs.undo_near(mine.connection, never)
    before = await rungs_to_repair(mine)
    await mine.derive(until=NOW + timedelta(minutes=1))
    after = await rungs_to_repair(mine)
    while await pane_repairs.count(mine.connection):
        await jobs.repairer.repair_some(mine.connection, never)

    assert before == {Rung.S1, Rung.D1}
    assert after == {Rung.S1, Rung.S10, Rung.M1, Rung.D1}
    assert await mine.differences(came, NOW, NOW + timedelta(minutes=4)) == []


@pytest.mark.asyncio
async def test_nothing_expires_before_it_is_derived(mine: Counting) -> None:
    """Old panes that coarser ones are still to be made of are kept, however old they are."""
    await mine.count_events([an_event(1, ago=timedelta(seconds=5))])
    kept = await stored(mine, rung=Rung.S1)
    much_later_us = instant_us(NOW + timedelta(days=10))
    async with mine.connection.transaction():
        await panes.expire(mine.connection, shard=0, now_us=much_later_us)
    before = await stored(mine, rung=Rung.S1)
    await mine.derive(until=NOW + timedelta(days=1))
    async with mine.connection.transaction():
        await panes.expire(mine.connection, shard=0, now_us=much_later_us)

    assert before == kept != []
    assert await stored(mine, rung=Rung.S1) == []
    assert len(await stored(mine, rung=Rung.M15, finest=Rung.S1)) == len(kept)


@pytest.mark.asyncio
async def test_the_job(mine: Counting, monkeypatch: pytest.MonkeyPatch) -> None:
    """The job derives all parts, a few at a time where series are many, and then finds nothing to do."""
    await mine.count_events([an_event(n, ago=timedelta(seconds=5), data={"shop": f"{n}"}) for n in range(20)])
    now_us = instant_us(NOW + timedelta(hours=2))
    series = await mine.connection.fetchval("SELECT count(*) FROM series")
    monkeypatch.setattr(pane_marks, "AT_ONCE", series // PARTS * 3)
    parts = await pane_marks.due(mine.connection, now_us=now_us)
    job = Deriver(mine.url, Metrics.on(CollectorRegistry()), now_us=lambda: now_us)

    await job.derive(asyncio.Event())

    assert sorted(part for some in parts for part in some) == list(range(PARTS))
    assert len(parts) > 4
    assert await pane_marks.due(mine.connection, now_us=now_us) == []
    assert {pane[2] for pane in await stored(mine)} == {Rung.S1, *DERIVED, Rung.D1}


@pytest.mark.asyncio
async def test_killed_at_any_statement(mine: Counting) -> None:
    """Who derives and dies at a statement leaves everything as it was; the next one does it all."""
    came = [an_event(n, ago=timedelta(seconds=n)) for n in range(1, 9)]
    await mine.count_events(came)
    before, marks, after, was_cut = await stored(mine), await pane_marks.load(mine.connection), 0, True
    until_us = instant_us(NOW + timedelta(minutes=20)) + pane_marks.LAG_US
    while was_cut:
        after += 1
        connection = await connect(mine.url, application_name="tests")
        cut, was_cut = Cut(connection, after=after), False
        try:
            async with connection.transaction():
                await pane_marks.derive(cast("asyncpg.Connection", cut), range(PARTS), now_us=until_us)
        except (ConnectionResetError, asyncpg.InterfaceError):
            was_cut = True
            assert await stored(mine) == before
            assert await pane_marks.load(mine.connection) == marks
        finally:
            await close(connection)

    assert after > 10
    assert {pane[2] for pane in await stored(mine, finest=Rung.S1)} == {
        Rung.S1, Rung.S10, Rung.M1, Rung.M15, Rung.D1,
    }  # fmt: skip
    assert await mine.differences(came, NOW, NOW + timedelta(minutes=4)) == []


@pytest.mark.asyncio
async def test_waits_for_a_flush(mine: Counting) -> None:
    """Nothing is derived while a flush is in flight, and the flush that follows is chosen anew."""
    await mine.count_events([an_event(1, ago=timedelta(seconds=30))])
    other = await connect(mine.url, application_name="tests")
    try:
        async with other.transaction():
            await positions.hold_all(other)
            deriving = asyncio.create_task(mine.derive(until=NOW + timedelta(minutes=1)))
            await asyncio.sleep(0.2)
            assert not deriving.done()
        await deriving
    finally:
        await close(other)

    assert (await pane_marks.load(mine.connection)).lowest()[Rung.M1] >= instant_us(NOW)


@pytest.mark.asyncio
async def test_a_day_is_repaired_with_what_is_young(mine: Counting) -> None:
    """A day that is made of its hours has the events whose hours are not derived yet."""
    paid = [an_event(n, ago=timedelta(seconds=5), data={"price": n}) for n in range(3)]
    came = [*paid, an_event(9, retracts="order-2")]
    await mine.count_events(paid)
    await mine.count_events(came[3:])
    jobs, never = await a_corrector(mine, MemoryLog(clean_log(came, partitions=1))), asyncio.Event()
    await jobs.undo_near(mine.connection, never)
    while await pane_repairs.count(mine.connection):
        await jobs.repairer.repair_some(mine.connection, never)
    await mine.derive(until=LATER)

    hours, days = [await stored(mine, rung=rung, finest=Rung.S1) for rung in (Rung.H1, Rung.D1)]
    assert [(row[1], *row[4:]) for row in hours] == [(row[1], *row[4:]) for row in days]
    assert await mine.differences(came, NOW, *(NOW + timedelta(days=n) for n in (1, 2, 3))) == []


@pytest.mark.asyncio
async def test_a_partition_that_comes_meanwhile(mine: Counting) -> None:
    """A partition that is registered while panes are derived is counted after that, by the new marks."""
    await mine.count_events([an_event(1, ago=timedelta(seconds=30))])
    other = await connect(mine.url, application_name="tests")

    async def newcomer() -> None:
        await mine.take_over([1])
        await mine.count({1: [a_record(an_event(2, ago=timedelta(seconds=25)), offset=0)]})

    try:
        async with other.transaction():
            now_us = instant_us(NOW + timedelta(minutes=1)) + pane_marks.LAG_US
            await pane_marks.derive(other, range(PARTS), now_us=now_us)
            counting_it = asyncio.create_task(newcomer())
            await asyncio.wait([counting_it], timeout=0.5)
        await counting_it
    finally:
        await close(other)

    found = [
        sum(row[4] for row in await stored(mine, rung=rung, finest=Rung.S1) if row[1] == "[]")
        for rung in (Rung.S1, Rung.M1)
    ]
    assert found[0] == found[1]


@pytest.mark.asyncio
async def test_a_backfill_does_not_hold_up_counting(mine: Counting) -> None:
    """Who derives waits for the batch of a backfill before it takes hold of the positions."""
    await mine.count_events([an_event(1, ago=timedelta(seconds=30))])
    other = await connect(mine.url, application_name="tests")
    try:
        async with other.transaction():
            # As the batch of a backfill that is being written.
            await other.execute("LOCK TABLE backfill_cursors IN ROW EXCLUSIVE MODE")
            deriving = asyncio.create_task(derive_elsewhere(mine))
            await asyncio.sleep(0.2)
            async with asyncio.timeout(1.5):
                await mine.count_events([an_event(2, ago=timedelta(seconds=1))])
            assert not deriving.done()
        await deriving
    finally:
        await close(other)


async def derive_elsewhere(mine: Counting) -> None:
    """Derive on a connection of its own."""
    connection = await connect(mine.url, application_name="tests")
    try:
        async with connection.transaction():
            now_us = instant_us(NOW + timedelta(minutes=1)) + pane_marks.LAG_US
            await pane_marks.derive(connection, range(PARTS), now_us=now_us)
    finally:
        await close(connection)


@pytest.mark.asyncio
async def test_migrations(mine: Counting) -> None:
    """What an earlier release has written is whole; for one that is gone back to it is made so."""
    engine = open_engine(mine.url, application_name="tests")
    await mine.count_events([an_event(1, ago=timedelta(seconds=5))])
    await downgrade(engine, "0007")
    written = {pane[2] for pane in await stored(mine)}
    async with engine.begin() as connection:
        now_s = float((await connection.execute(text("SELECT extract(epoch FROM now())"))).scalar_one())
    await upgrade(engine)
    await engine.dispose()
    lowest = (await pane_marks.load(mine.connection)).lowest()

    assert written == set(Rung)
    assert set(lowest) == set(DERIVED)
    assert all(until_us >= (now_s + 86_000) * 1_000_000 for until_us in lowest.values())
    assert all(until_us % LENGTH_US[Rung.H1] == 0 for until_us in lowest.values())
