"""Undoing and repairing on a real Postgres, whatever comes between: crashes, zombies, flushes, backfills."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from services.compute.corrections.finding import Found, near
from services.compute.corrections.jobs import Corrector
from services.compute.corrections.repairing import UndoneMeanwhileError
from services.compute.corrections.taking import Counted
from services.compute.corrections.undoing import CatalogueMovedError, SettledBeforeError, Settlement, settle
from shared.contracts.events import CleanEvent
from shared.domain.errors import FencedError, StoreUnavailableError
from shared.messaging.records import Record
from shared.storage import retractions
from shared.storage.definitions import apply_changes, load_catalogue
from shared.storage.engine import close, connect, reading, transaction
from shared.storage.series import SeriesLimits
from tests.integration.corrections_rig import MemoryLog, a_corrector, corrected
from tests.integration.counting_rig import Counting, counting
from tests.integration.cuts import Cut
from tests.integration.test_corrections import EVENTS, an_order, counted, undone
from tests.unit.compute.builders import NOW, ARecord, clean_log
from tests.unit.domain.kpi_builders import a_kpi

pytestmark = pytest.mark.asyncio

CAME = [*EVENTS, undone(1), undone(8)]
TABLES = ("positions", "flushes", "retractions", "panes", "pane_repairs")


@pytest_asyncio.fixture
async def mine(database_url: str) -> AsyncIterator[Counting]:
    """A process that owns two partitions."""
    async with counting(database_url) as opened:
        await opened.take_over([0, 1])
        yield opened


@pytest_asyncio.fixture
async def other(mine: Counting) -> AsyncIterator[asyncpg.Connection]:
    """A connection of somebody who corrects."""
    connection = await connect(mine.url, application_name="tests")
    yield connection
    await close(connection)


async def contents(counting: Counting) -> Mapping[str, list[tuple[Any, ...]]]:
    """Everything that a correction may write, as it stands."""
    found = {
        table: await counting.connection.fetch(f"SELECT * FROM {table} ORDER BY 1, 2, 3, 4")
        for table in TABLES
    }
    return {table: [tuple(row) for row in rows] for table, rows in found.items()}


Work = Callable[[asyncpg.Connection, asyncio.Event], Awaitable[None]]


async def cut_off(counting: Counting, work: Work, *, after: int) -> bool:
    """Whether *work* died with its connection, which is cut after that many statements."""
    connection = await connect(counting.url, application_name="tests")
    try:
        await work(Cut(connection, after=after), asyncio.Event())
    except StoreUnavailableError:
        return True
    finally:
        await close(connection)
    return False


async def test_a_crash_leaves_nothing(mine: Counting) -> None:
    """Whichever statement an undoing process dies after, nothing of it is there, and it can be done again."""
    log = await counted(mine, CAME, size=2)
    jobs = await a_corrector(mine, log)
    before, crashes = await contents(mine), 0
    while await cut_off(mine, jobs.undo_near, after=crashes + 1):
        crashes += 1
        if (await contents(mine))["retractions"] != before["retractions"]:
            break
        assert await contents(mine) == before
    await corrected(mine, log)

    assert crashes > 8
    assert await mine.differences(CAME, NOW) == []


async def test_a_crash_of_a_repair(mine: Counting, other: asyncpg.Connection) -> None:
    """A process that makes panes anew may die anywhere: those of a rung are all marked still, or none is."""
    log = await counted(mine, CAME, size=2)
    jobs = await a_corrector(mine, log)
    await jobs.undo_near(other, asyncio.Event())
    before, crashes = await contents(mine), 0
    assert before["pane_repairs"]
    while await cut_off(mine, jobs.repairer.repair_some, after=crashes + 1):
        crashes += 1
        after = await contents(mine)
        assert after == before or len(after["pane_repairs"]) < len(before["pane_repairs"])
        before = after
    await corrected(mine, log)

    assert crashes > 5
    assert await mine.differences(CAME, NOW) == []


async def test_an_answer_that_is_lost(mine: Counting, other: asyncpg.Connection) -> None:
    """A process that does not know that its undoing was committed does not take anything away again."""
    log = await counted(mine, CAME, size=2)
    jobs = await a_corrector(mine, log)
    for _ in range(3):
        await jobs.undo_near(other, asyncio.Event())
    await corrected(mine, log)

    assert await mine.differences(CAME, NOW) == []


async def found_of(counting: Counting, log: MemoryLog) -> Sequence[Found]:
    """What is to be undone in some partition."""
    for partition in log.records:
        sought = await retractions.sought(counting.connection, [partition], is_placed=True, most=10)
        if sought:
            return await near(counting.connection, log, sought)
    raise AssertionError


async def settled(jobs: Corrector, counting: Counting, found: Sequence[Found], *, epoch: int = 0) -> None:
    """Undo *found*, as the owner of the partition or as somebody with another epoch."""
    partition = found[0].sought.partition
    part = Settlement(partition, epoch or counting.standings[partition].epoch, found)
    await settle(
        counting.connection,
        part,
        Counted.of(jobs.watch.catalogue.revision, jobs.watch.numbered()),
        now_us=jobs.now_us(),
    )


async def test_somebody_else_was_first(mine: Counting) -> None:
    """What was settled between looking and writing is not undone again, and nothing beside it is."""
    log = await counted(mine, CAME, size=2)
    jobs, found = await a_corrector(mine, log), await found_of(mine, log)
    await settled(jobs, mine, found[:1])
    before = await contents(mine)
    with pytest.raises(SettledBeforeError):
        await settled(jobs, mine, found)

    assert await contents(mine) == before


async def test_a_zombie(mine: Counting) -> None:
    """Who has lost the partition undoes nothing there."""
    log = await counted(mine, CAME, size=2)
    jobs, found = await a_corrector(mine, log), await found_of(mine, log)
    before = await contents(mine)
    with pytest.raises(FencedError):
        await settled(jobs, mine, found, epoch=77)

    assert await contents(mine) == before


async def test_the_definitions_move(mine: Counting) -> None:
    """Who does not know the newest definitions undoes nothing: a measure may be missing in what they know."""
    log = await counted(mine, CAME, size=2)
    jobs, found = await a_corrector(mine, log), await found_of(mine, log)
    async with transaction(mine.engine) as conn:
        await apply_changes(conn, [a_kpi("late_comer")], NOW)
    with pytest.raises(CatalogueMovedError):
        await settled(jobs, mine, found)


async def test_a_measure_that_began_later(mine: Counting) -> None:
    """Nothing is taken from a measure that had not counted the event: it began after it."""
    log = clean_log([*EVENTS, an_order(50, price=2), undone(3)], partitions=2)
    await mine.count({p: [r for r in records if r.offset < 3] for p, records in log.items()})
    async with transaction(mine.engine) as conn:
        await apply_changes(conn, [a_kpi("late_comer", value="data.price", aggregate="sum", scale=5)], NOW)
    async with reading(mine.engine) as conn:
        mine.catalogue = await load_catalogue(conn)
    mine.activated.clear()
    rest = {p: [r for r in records if r.offset >= 3] for p, records in log.items()}
    await mine.count(rest)
    await corrected(mine, MemoryLog(log))

    late = [r for records in rest.values() for r in records if b"retracts" not in (r.value or b"")]
    summed = await mine.connection.fetchval(
        "SELECT sum(n) FROM panes JOIN series USING (series_id) JOIN measures USING (measure_id)"
        " WHERE scale = 5 AND rung = 5"
    )
    assert summed == len(late)


_CURSOR = """
INSERT INTO backfill_cursors (backfill_id, partition, first_offset, next_offset, until_offset, updated_at)
SELECT max(backfill_id), $1, 0, $2, 1000, now() FROM backfills
"""


@pytest.mark.parametrize("is_past", [True, False], ids=["filled", "to be filled"])
async def test_a_backfill_meanwhile(mine: Counting, *, is_past: bool) -> None:
    """Of what a backfill has added already the event is taken back; what it has not come to it leaves out."""
    log = await counted(mine, CAME, size=2)
    jobs, found = await a_corrector(mine, log), await found_of(mine, log)
    partition, offset = found[0].sought.partition, found[0].offset
    measure_id = await mine.connection.fetchval("SELECT min(measure_id) FROM activations")
    next_offset = offset + 1 if is_past else offset
    await mine.connection.execute("UPDATE activations SET from_offset = 1000")
    for statement, *arguments in (
        ("INSERT INTO backfills (wanted, state, created_at) VALUES ('{}', 'running', now())",),
        ("INSERT INTO backfill_measures SELECT max(backfill_id), $1, '' FROM backfills", measure_id),
        (_CURSOR, partition, next_offset),
    ):
        await mine.connection.execute(statement, *arguments)
    before = await counted_days(mine, measure_id)
    await settled(jobs, mine, found[:1])

    assert before - await counted_days(mine, measure_id) == (1 if is_past else 0)


async def counted_days(counting: Counting, measure_id: int) -> int:
    """How many events the day panes of a measure hold, all series together."""
    found: int = await counting.connection.fetchval(
        "SELECT sum(n) FROM panes JOIN series USING (series_id) WHERE measure_id = $1 AND rung = 5",
        measure_id,
    )
    return found


async def test_the_overflow(database_url: str) -> None:
    """Every event is taken from the series that it was counted into, be it the overflow."""
    came = [an_order(n, data={"price": n, "shop": f"shop {n}"}) for n in range(1, 9)]
    async with counting(database_url, limits=SeriesLimits(3, 100)) as mine:
        await mine.take_over([0, 1])
        whole, parts = in_parts(came, [undone(n) for n in range(1, 9)])
        for part in parts:
            await mine.count(part)
        before = await mine.connection.fetch(_BY_SERIES)
        jobs = await a_corrector(mine, MemoryLog(whole))
        await jobs.undo_near(mine.connection, asyncio.Event())

        assert sorted(row["n"] for row in before) == [1, 1, 1, 5]
        assert {row["n"] for row in await mine.connection.fetch(_BY_SERIES)} == {0}


_BY_SERIES = """
SELECT dimensions, sum(n)::int AS n FROM panes JOIN series USING (series_id) JOIN measures USING (measure_id)
WHERE rung = 5 AND filter IS NULL AND value IS NULL AND event_type = 'order.paid' AND breakdown = '["shop"]'
GROUP BY 1
"""


@dataclass(slots=True)
class Meddling(MemoryLog):
    """A log during whose reading something else happens, once."""

    meanwhile: Callable[[], Awaitable[None]] | None = None

    async def read(self, partition: int, first_offset: int, until_offset: int) -> AsyncIterator[list[Record]]:
        """The records, and something else."""
        async for records in MemoryLog.read(self, partition, first_offset, until_offset):
            yield records
        if self.meanwhile is not None:
            what, self.meanwhile = self.meanwhile, None
            await what()


Log = dict[int, list[ARecord]]


def in_parts(*groups: Sequence[CleanEvent]) -> tuple[Log, list[Log]]:
    """The log of all *groups*, and what each of them adds to it."""
    parts, before = list[Log](), clean_log([], partitions=2)
    for number in range(len(groups)):
        so_far = clean_log([event for group in groups[: number + 1] for event in group], partitions=2)
        parts.append({p: records[len(before[p]) :] for p, records in so_far.items()})
        before = so_far
    return before, parts


TWINS = [an_order(n, price=n, ago=timedelta(minutes=8, seconds=1)) for n in range(60, 70)]
"""Orders of one second, in both partitions."""


async def test_events_come_meanwhile(mine: Counting, other: asyncpg.Connection) -> None:
    """Events that are added to a pane while it is made anew are in it, whichever partition they come by."""
    whole, (first, retraction, rest) = in_parts(TWINS[:5], [undone(64)], TWINS[5:])
    log = Meddling(whole)
    jobs = await a_corrector(mine, log)
    await mine.count(first)
    await mine.count(retraction)
    await jobs.undo_near(other, asyncio.Event())

    async def more() -> None:
        await mine.count(rest)

    log.meanwhile = more
    await jobs.repairer.repair_some(other, asyncio.Event())
    await corrected(mine, log)

    assert log.meanwhile is None
    assert await mine.differences([*TWINS, undone(64)], NOW) == []


async def test_an_event_is_undone_meanwhile(mine: Counting, other: asyncpg.Connection) -> None:
    """A pane that was made anew with an event undone in the meantime is not written, but made once more."""
    later = [undone(n) for n in range(60, 69)]
    whole, (first, retraction, rest) = in_parts(TWINS, [undone(69)], later)
    log = Meddling(whole)
    jobs = await a_corrector(mine, log)
    await mine.count(first)
    await mine.count(retraction)
    await jobs.undo_near(other, asyncio.Event())

    async def more() -> None:
        await mine.count(rest)
        await jobs.undo_near(mine.connection, asyncio.Event())

    log.meanwhile = more
    with pytest.raises(UndoneMeanwhileError):
        await jobs.repairer.repair_some(other, asyncio.Event())
    await corrected(mine, log)

    assert await mine.differences([*TWINS, undone(69), *later], NOW) == []


async def test_marks_of_nothing(mine: Counting, other: asyncpg.Connection) -> None:
    """Marks of series that are gone, and of panes older than anyone reads, are forgotten."""
    log = await counted(mine, EVENTS, size=2)
    jobs = await a_corrector(mine, log)
    series_id = await other.fetchval("SELECT max(series_id) FROM series")
    await other.execute(
        "INSERT INTO pane_repairs SELECT s, 0, 0, now() FROM unnest($1::bigint[]) AS s", [series_id, 10**6]
    )
    before = await contents(mine)
    await jobs.repairer.repair_some(other, asyncio.Event())

    assert await contents(mine) == {**before, "pane_repairs": []}
    assert log.reads == []
