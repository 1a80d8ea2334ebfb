"""What is remembered of a partition, and how it is let go of; taking over is tried on a real database."""

import asyncio
from datetime import timedelta
from typing import cast

import pytest

from services.compute import ownership
from services.compute.ownership import Owned, Ownership, OwnershipPolicy, remembered, renew_generation
from services.compute.stores import CountingStore
from shared.contracts.topics import EVENTS
from shared.domain.seen import Memory, SeenIds, ids_from_bytes
from shared.messaging.records import TopicPartition
from shared.storage.flushes import SeenIn

HORIZON = timedelta(hours=24)
HOUR_US = 3_600_000_000


def ids(*numbers: int) -> bytes:
    """Digests, one for each number."""
    return b"".join((number + 2**70).to_bytes(16, "big") for number in numbers)


def knows(seen: SeenIds, *numbers: int) -> list[bool]:
    """Which of *numbers* are remembered."""
    return [not fresh for fresh in seen.fresh(ids_from_bytes(ids(*numbers)))]


FLUSHES = [SeenIn(ids(1, 2), True, 50), SeenIn(ids(3), True, 60), SeenIn(ids(4), False, 2**33)]


def test_remembered() -> None:
    """The ids of every earlier flush are known again after a take-over."""
    seen = remembered(FLUSHES, b"", limit=1000).seen

    assert knows(seen, 1, 2, 3, 4, 5) == [True, True, True, True, False]


def test_places_are_remembered() -> None:
    """So is in which flush they came, at an offset no later than their own."""
    seen = remembered(FLUSHES[:2], b"", limit=1000).seen
    late = remembered(FLUSHES[2:], b"", limit=1000).seen

    assert seen.places(ids_from_bytes(ids(1, 2, 3)), below=70).tolist() == [50, 51, 60]
    assert late.places(ids_from_bytes(ids(4)), below=2**33 + 5).tolist() == [2**33]


def test_retractions_are_remembered() -> None:
    """What was retracted is known again, apart from what was seen."""
    memory = remembered(FLUSHES, ids(7, 8), limit=1000)

    assert knows(memory.retracted, 1, 7, 8) == [False, True, True]
    assert knows(memory.seen, 7, 8) == [False, False]


@pytest.mark.parametrize("flushes", [[], FLUSHES[:1], FLUSHES[2:]])
def test_remembering_goes_on(flushes: list[SeenIn]) -> None:
    """Whatever was remembered before, new ids are added to it."""
    seen = remembered(flushes, b"", limit=1000).seen

    seen.add(ids_from_bytes(ids(7)))

    assert knows(seen, 7) == [True]


def test_the_horizon() -> None:
    """An id is known for at least the horizon and forgotten by twice of it, without looking at any id."""
    owned = Owned(0, 1, 0, Memory.of(1000), generation_from_us=0)
    owned.memory.seen.add(ids_from_bytes(ids(1)))
    known = {}
    for hour in range(0, 49, 6):
        renew_generation(owned, now_us=hour * HOUR_US, horizon=HORIZON)
        known[hour] = knows(owned.memory.seen, 1) == [True]

    assert all(known[hour] for hour in range(0, 25, 6))
    assert not known[48]


async def let_go(*, flush_ends: bool, monkeypatch: pytest.MonkeyPatch) -> Ownership:
    """An ownership of partitions 0 and 1 that lost partition 1 while a flush was in flight."""
    monkeypatch.setattr(ownership, "DRAIN_S", 3600 if flush_ends else 0.001)
    mine = Ownership(cast("CountingStore", None), OwnershipPolicy("me", "log", HORIZON, 1000), lambda: 0)
    mine.owned = {partition: Owned(partition, 1, 0, Memory.of(10), 0) for partition in (0, 1)}
    revoking = asyncio.create_task(mine.revoked({TopicPartition(EVENTS, 1)}))
    await asyncio.sleep(0)
    assert (mine.generation, set(mine.owned)) == (1, {0, 1})
    if flush_ends:
        mine.idle.set()
    async with asyncio.timeout(5):
        await revoking
    return mine


@pytest.mark.asyncio
async def test_revoked(monkeypatch: pytest.MonkeyPatch) -> None:
    """A partition is let go of when the flush in flight has ended; batches read before are marked old."""
    mine = await let_go(flush_ends=True, monkeypatch=monkeypatch)

    assert set(mine.owned) == {0}


@pytest.mark.asyncio
async def test_revoked_during_a_long_flush(monkeypatch: pytest.MonkeyPatch) -> None:
    """A rebalance does not wait for ever: the flush left behind is the database's to refuse."""
    mine = await let_go(flush_ends=False, monkeypatch=monkeypatch)

    assert set(mine.owned) == {0}
