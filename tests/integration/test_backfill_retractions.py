"""Events retracted before, while and after a backfill comes to them have never been, whoever counted them."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

import pytest
import pytest_asyncio

from shared.contracts.events import CleanEvent, clean_key
from shared.domain.events import partition_of
from shared.storage.engine import close, connect
from tests.integration.backfill_rig import (
    EVENTS,
    FIRST,
    LATER,
    LOG,
    REST,
    ALog,
    Hooked,
    a_backfiller,
    ordered,
    worked,
)
from tests.integration.corrections_rig import MemoryLog, a_corrector, corrected
from tests.integration.counting_rig import Counting, counting
from tests.unit.compute.builders import ARecord, a_record, an_event

pytestmark = pytest.mark.asyncio


@dataclass(slots=True)
class Retracting:
    """Retracts events of the shop, each at most once.

    Attributes:
        gone: the events that were retracted.
    """

    counting: Counting
    records: dict[int, list[ARecord]] = field(
        default_factory=lambda: {p: [*found] for p, found in LOG.items()}
    )
    gone: list[CleanEvent] = field(default_factory=list)

    async def retract(self, events: Sequence[CleanEvent]) -> None:
        """Let retractions of *events* come and be settled."""
        batch: dict[int, list[ARecord]] = {}
        for event in events:
            retraction = an_event(9000 + len(self.gone), retracts=event.id, type=event.type)
            partition = partition_of(clean_key(retraction), len(LOG))
            record = a_record(retraction, offset=len(self.records[partition]))
            self.records[partition].append(record)
            batch.setdefault(partition, []).append(record)
            self.gone.append(event)
        await self.counting.count(batch)
        jobs, never = await a_corrector(self.counting, MemoryLog(self.records)), asyncio.Event()
        connection = await connect(self.counting.url, application_name="tests")
        try:
            await jobs.undo_near(connection, never)
            await jobs.undo_anywhere(connection, never)
        finally:
            await close(connection)

    async def judged(self) -> list[str]:
        """What is wrong when nothing more is filled and what only the log can tell is made anew."""
        await self.counting.reload()
        await corrected(self.counting, MemoryLog(self.records))
        return await self.counting.differences(self.left(), *LATER)

    def left(self) -> list[CleanEvent]:
        """The events that are as good as ever."""
        return [event for event in EVENTS if event not in self.gone]


@pytest_asyncio.fixture
async def mine(database_url: str) -> AsyncIterator[Counting]:
    """A process that has counted a log, which a backfill of everything is about to count again."""
    async with counting(database_url) as opened:
        await opened.take_over([0, 1])
        await opened.count(FIRST)
        await ordered(opened, rebuild=opened.catalogue.kpis)
        await opened.count(REST)
        yield opened


def some(number: int) -> list[CleanEvent]:
    """Events from all over the log, other ones for each *number*."""
    return EVENTS[number::60]


async def test_before_a_backfill(mine: Counting) -> None:
    """What was undone before a backfill begins is left out by it."""
    retracting = Retracting(mine)
    await retracting.retract(some(1))
    await worked(mine, ALog(LOG))

    assert await retracting.judged() == []


async def test_after_a_backfill(mine: Counting) -> None:
    """What a backfill has counted and handed over is undone like anything else."""
    retracting = Retracting(mine)
    await worked(mine, ALog(LOG))
    await mine.reload()
    await retracting.retract(some(2))

    assert await retracting.judged() == []


@pytest.mark.parametrize("batch", [0, 2, 5], ids=lambda number: f"batch {number}")
async def test_between_counting_and_writing(mine: Counting, batch: int) -> None:
    """Whatever is undone while a batch is under way, each event is taken back by one side only."""
    retracting = Retracting(mine)
    hooked = Hooked(mine, lambda: retracting.retract([*some(3), *batch_events(batch)]), at=batch)
    job = await a_backfiller(mine, ALog(LOG), store=hooked)
    await job.work(asyncio.Event())

    assert await retracting.judged() == []


def batch_events(batch: int) -> list[CleanEvent]:
    """Events in the batch of that number, of 14 records of the first partition."""
    keys = {record.key for record in FIRST[0][14 * batch : 14 * batch + 14]}
    return [event for event in EVENTS if clean_key(event) in keys and event not in some(3)][:3]
