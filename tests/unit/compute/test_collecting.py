"""When a batch is due: by time while Postgres keeps up, else by size; and what is dropped."""

import asyncio
from datetime import timedelta
from typing import cast

import pytest

from services.compute import collecting
from services.compute.collecting import Collector, is_history
from services.compute.ownership import Ownership, OwnershipPolicy
from services.compute.parts import Tally
from services.compute.stores import CountingStore
from tests.unit.compute.builders import AClock, AConsumer, ARecord, a_record

pytestmark = pytest.mark.asyncio

INTERVAL_S = 0.1


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> AClock:
    """The clock that the collector reads."""
    clock = AClock()
    monkeypatch.setattr(collecting, "monotonic_s", clock)
    return clock


def an_ownership() -> Ownership:
    """Somebody who owns nothing and has no flush in flight."""
    ownership = Ownership(
        cast("CountingStore", None), OwnershipPolicy("me", "log", timedelta(hours=1), 1000), lambda: 0
    )
    ownership.idle.set()
    return ownership


def a_collector(consumer: AConsumer, ownership: Ownership | None = None, *, most: int = 100) -> Collector:
    """A collector whose first batch is due an interval from now."""
    collector = Collector(consumer, ownership or an_ownership(), INTERVAL_S, most)
    collector._due_s = consumer.clock() + INTERVAL_S
    return collector


def records(*offsets: int) -> list[ARecord]:
    """Records at *offsets*."""
    return [a_record(offset=offset) for offset in offsets]


async def test_due_by_time(clock: AClock) -> None:
    """What came in until the interval has passed makes one batch, partition by partition, in order."""
    consumer = AConsumer(clock, [{0: records(5)}, {1: records(7), 0: records(6)}])
    began_s = clock()

    batch = await a_collector(consumer).next_batch(asyncio.Event())

    assert {p: [r.offset for r in found] for p, found in batch.items()} == {0: [5, 6], 1: [7]}
    assert clock() - began_s == pytest.approx(INTERVAL_S, abs=0.01)


async def test_due_by_size(clock: AClock) -> None:
    """A batch that has grown to its limit is due at once, and never asks for more than there is room."""
    consumer = AConsumer(clock, [{0: records(0, 1)}, {0: records(2)}, {0: records(3)}])

    batch = await a_collector(consumer, most=3).next_batch(asyncio.Event())

    assert [r.offset for r in batch[0]] == [0, 1, 2]
    assert consumer.asked == [3, 1]


@pytest.mark.parametrize("catching_up", [False, True], ids=["news", "history"])
async def test_waits_for_the_flush(clock: AClock, *, catching_up: bool) -> None:
    """While a flush is in flight that is to last, a batch goes on growing, until the flush has ended."""
    consumer, ownership = AConsumer(clock, [{0: records(n)} for n in range(5)]), an_ownership()
    consumer.meanwhile[2] = ownership.idle.set
    collector = a_flushing_collector(consumer, ownership, flushing_s=3600)
    collector.is_catching_up = catching_up

    batch = await collector.next_batch(asyncio.Event())

    assert [r.offset for r in batch[0]] == [0, 1, 2]


async def test_closed_before_the_flush_ends(clock: AClock) -> None:
    """A batch is closed in time to be counted when the flush in flight is expected to end."""
    consumer, began_s = AConsumer(clock, [{0: records(0)}]), clock()
    collector = a_flushing_collector(consumer, an_ownership(), flushing_s=1)
    collector.rhythm.counting_s = 0.25

    batch = await collector.next_batch(asyncio.Event())

    assert [r.offset for r in batch[0]] == [0]
    assert clock() - began_s == pytest.approx(0.75, abs=collecting.WHILE_BUSY_S)


async def test_history_is_not_counted_ahead(clock: AClock) -> None:
    """While history is counted, batches grow until the flush in flight has ended."""
    consumer, ownership = AConsumer(clock, [{0: records(n)} for n in range(5)]), an_ownership()
    consumer.meanwhile[4] = ownership.idle.set
    collector = a_flushing_collector(consumer, ownership, flushing_s=0)
    collector.is_catching_up = True

    batch = await collector.next_batch(asyncio.Event())

    assert [r.offset for r in batch[0]] == [0, 1, 2, 3, 4]


def a_flushing_collector(consumer: AConsumer, ownership: Ownership, *, flushing_s: float) -> Collector:
    """A collector with a flush in flight that is expected to take so long, whose next batch is due."""
    ownership.idle.clear()
    collector = a_collector(consumer, ownership)
    collector._due_s = consumer.clock()
    collector.rhythm.flush_began(consumer.clock())
    collector.rhythm.flushing_s = flushing_s
    return collector


async def test_idle(clock: AClock) -> None:
    """Where nothing comes, an empty batch is handed out soon, so that quiet partitions are noted."""
    began_s = clock()

    batch = await a_collector(AConsumer(clock)).next_batch(asyncio.Event())

    assert batch == {}
    assert clock() - began_s == pytest.approx(collecting.IDLE_S)


async def test_a_rebalance_drops(clock: AClock) -> None:
    """What was gathered before partitions came or went is dropped: its owner reads it again."""
    consumer, ownership = AConsumer(clock, [{0: records(5)}, {0: records(2)}]), an_ownership()
    consumer.meanwhile[1] = lambda: setattr(ownership, "generation", 1)

    batch = await a_collector(consumer, ownership).next_batch(asyncio.Event())

    assert [r.offset for r in batch[0]] == [2]


async def test_stopping(clock: AClock) -> None:
    """A collector that is told to stop reads no further."""
    consumer, stopping = AConsumer(clock, [{0: records(0)}]), asyncio.Event()
    stopping.set()

    assert await a_collector(consumer).next_batch(stopping) == {}
    assert consumer.asked == []


async def test_history_waits_longer(clock: AClock) -> None:
    """While history is counted, batches are larger: nobody waits for the tenth of a second."""
    consumer = AConsumer(clock, [{0: records(5)}, {0: records(6)}])
    collector = a_collector(consumer)
    collector.is_catching_up = True
    await collector.next_batch(asyncio.Event())
    began_s = clock()

    await collector.next_batch(asyncio.Event())

    assert clock() - began_s == pytest.approx(collecting.CATCHING_UP_S, abs=0.02)


@pytest.mark.parametrize(
    ("consumed", "age_s", "expected"),
    [(5, 60, True), (4, 60, False), (5, 9, False), (100, 11, True)],
    ids=["much and old", "old and little", "news", "a full batch"],
)
async def test_what_history_is(consumed: int, age_s: int, *, expected: bool) -> None:
    """History is a twentieth of a full batch at least, with no event of the last ten seconds."""
    now_us = 10**15
    oldest = a_tally(consumed=consumed, last_us=now_us - 3_600_000_000)
    newest = a_tally(consumed=0, last_us=now_us - age_s * 1_000_000)

    found = is_history([oldest, newest], full=100, now_us=now_us)

    assert found is expected


def a_tally(*, consumed: int, last_us: int) -> Tally:
    """What became of *consumed* records, the newest of which happened at *last_us*."""
    return Tally(0, 1, consumed, consumed, 0, 0, b"", last_us, last_us, 0)
