"""Backfills on a real Postgres: what is counted again is what was counted, and nobody sees it before."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from shared.contracts.events import clean_key
from shared.domain.errors import StoreUnavailableError
from shared.storage.backfill_ends import settle
from shared.storage.backfills import BackfillState
from tests.integration.backfill_rig import (
    EVENTS,
    FIRST,
    LATER,
    LOG,
    REST,
    ALog,
    Hooked,
    Log,
    a_backfiller,
    another,
    answered,
    cut_after,
    in_force,
    ordered,
    other_versions,
    reported,
    worked,
)
from tests.integration.counting_rig import Counting, counting
from tests.shop.judging import shop_kpis
from tests.unit.compute.builders import NOW, clean_log

pytestmark = pytest.mark.asyncio


@pytest_asyncio.fixture
async def mine(database_url: str) -> AsyncIterator[Counting]:
    """A process that owns two partitions and has counted a part of them by the shop's KPIs."""
    async with counting(database_url) as opened:
        await opened.take_over([0, 1])
        await opened.count(FIRST)
        yield opened


async def test_a_rebuild_is_identical(mine: Counting) -> None:
    """What is counted again from the log, while counting goes on, comes to what was counted live."""
    number = await ordered(mine, rebuild=mine.catalogue.kpis)
    await mine.count(REST)
    live = await answered(mine)
    numbers = set(mine.catalogue.measure_ids.values())
    await worked(mine, ALog(LOG))
    await mine.reload()

    assert (await reported(mine, number)).state is BackfillState.DONE
    assert numbers.isdisjoint(mine.catalogue.measure_ids.values())
    assert await answered(mine) == live
    assert await mine.differences(EVENTS, *LATER) == []


async def test_new_versions_over_history(database_url: str) -> None:
    """A new version, filled from the log, has the values it would have had from the start."""
    async with counting(database_url, other_versions()) as mine:
        await mine.take_over([0, 1])
        await mine.count(FIRST)
        await ordered(mine, shop_kpis())
        await mine.count(REST)
        await worked(mine, ALog(LOG))
        await mine.reload()

        assert mine.catalogue.versions["orders"] == 2
        assert await mine.differences(EVENTS, *LATER) == []
        # From the beginning of the log on: nothing keeps a value from being complete.
        assert {row["from_offset"] for row in await in_force(mine)} == {0}


async def test_unseen_until_it_is_ready(mine: Counting) -> None:
    """While a backfill goes on, every answer is the old version's, and a new KPI is not there."""
    extra = another(shop_kpis()[0], slug="extra", where="data.price > 3")
    number = await ordered(mine, [*other_versions(), extra])
    await mine.count(REST)
    live = await answered(mine)
    # One partition is filled to its end, the other not at all.
    job = await a_backfiller(mine, ALog(LOG), owned=[0])
    await job.work(asyncio.Event())
    report = await reported(mine, number)
    await mine.reload()

    assert (report.state, report.handed_over, report.passed) == (BackfillState.RUNNING, 1, len(FIRST[0]))
    assert "extra" not in mine.catalogue.kpis
    assert await answered(mine) == live
    assert await mine.differences(EVENTS, *LATER) == []


async def test_a_crash_anywhere(mine: Counting) -> None:
    """Whatever statement a worker dies after, the next goes on, and nothing is counted twice or left out."""
    number = await ordered(mine, rebuild=["orders", "revenue"])
    await mine.count(REST)
    crashes = 0
    while await dies(mine, after=crashes + 1):
        crashes += 1
    await mine.reload()
    report = await reported(mine, number)

    assert crashes > 20
    assert (report.state, report.counted) == (BackfillState.DONE, await counted_before(mine))
    assert await mine.differences(EVENTS, *LATER) == []


async def dies(counting: Counting, *, after: int) -> bool:
    """Whether a worker got as far as the statement of that number, after which its connection is cut."""
    job = await a_backfiller(counting, ALog(LOG, at_once=20), store=cut_after(counting, after))
    try:
        await job.work(asyncio.Event())
    except StoreUnavailableError:
        return True
    return False


async def counted_before(counting: Counting) -> int:
    """How many records of the first part of the log count."""
    rows = await counting.connection.fetch(
        "SELECT first_offset, next_offset, skipped FROM flushes ORDER BY 2"
    )
    firsts = [row for row in rows if row["first_offset"] == 0]
    return sum(row["next_offset"] - len(row["skipped"] or ()) for row in firsts)


async def test_a_crash_at_the_end(mine: Counting) -> None:
    """If the last transaction is not committed, nothing has changed, and it can be done again."""
    number = await ordered(mine, other_versions())
    await mine.count(REST)
    job = await a_backfiller(mine, ALog(LOG), owned=[0])
    await job.work(asyncio.Event())
    job = await a_backfiller(mine, ALog(LOG), owned=[1])
    job.engine = None  # type: ignore[assignment]  # the process is gone when it would end the backfill
    with pytest.raises(AttributeError):
        await job.work(asyncio.Event())
    async with mine.engine.connect() as conn:
        assert await settle(conn, number, NOW) is BackfillState.DONE
        await conn.rollback()
    await mine.reload()
    before = (await reported(mine, number)).state, mine.catalogue.versions["orders"]
    await worked(mine, ALog(LOG))
    await mine.reload()

    assert before == (BackfillState.RUNNING, 1)
    assert (await reported(mine, number)).state is BackfillState.DONE
    assert mine.catalogue.versions["orders"] == 2


async def test_undone_while_it_is_counted(mine: Counting) -> None:
    """An event that is undone between the counting of a batch and its commit is left out by the batch."""
    await ordered(mine, rebuild=mine.catalogue.kpis)
    await mine.count(REST)
    gone = LOG[0][3]
    hooked = Hooked(mine, lambda: undo(mine, partition=0, offset=3))
    job = await a_backfiller(mine, ALog(LOG), store=hooked)
    await job.work(asyncio.Event())
    await mine.reload()

    left = [event for event in EVENTS if clean_key(event) != gone.key]
    assert len(left) == len(EVENTS) - 1
    assert hooked.calls == len(list(batches_of(FIRST))) + 1
    assert await mine.differences(left, *LATER) == []


def batches_of(log: Log) -> list[int]:
    """The offsets at which batches of 14 records begin, which are two reads of the log."""
    return [start for records in log.values() for start in range(0, len(records), 14)]


async def undo(counting: Counting, *, partition: int, offset: int) -> None:
    """Note that an event was undone, as far as a backfill cares: where its cursor has not come yet."""
    await counting.connection.execute(
        "INSERT INTO retractions"
        ' (partition, key, "offset", retracted_at, state, undone_offset, settled_at)'
        " VALUES ($1, $2, 999, now(), 'undone', $3, now())",
        partition, b"0123456789abcdef", offset,
    )  # fmt: skip


async def test_two_workers(mine: Counting) -> None:
    """Two processes that both take a partition for theirs count it once between them."""
    await ordered(mine, rebuild=["orders", "revenue"])
    await mine.count(REST)
    for _ in range(3):
        await asyncio.gather(*(worked(mine, ALog(LOG)) for _ in range(2)), return_exceptions=True)
    await mine.reload()

    assert mine.shadows == ()
    assert await mine.differences(EVENTS, *LATER) == []


@pytest.mark.parametrize("shift", [-1, 0, 1])
async def test_handed_over_by_offset(database_url: str, shift: int) -> None:
    """Every event is on one side of the hand-over, and on one only: one offset off, and values are wrong."""
    paid = [event for event in EVENTS if event.type == "order.paid"]
    (records,) = clean_log(paid, partitions=1).values()
    async with counting(database_url) as mine:
        await mine.take_over([0])
        await mine.count({0: records[:100]})
        await ordered(mine, rebuild=["orders"])
        await mine.count({0: records[100:]})
        await mine.connection.execute(
            "UPDATE activations SET from_offset = from_offset + $1 WHERE from_offset > 0", shift
        )
        await worked(mine, ALog({0: records}))
        await mine.reload()
        wrong = await mine.differences(paid, *LATER)

    assert bool(wrong) == bool(shift)
