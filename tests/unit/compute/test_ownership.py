"""What is remembered of a partition, and how it is let go of; taking over is tried on a real database."""

import asyncio
from datetime import timedelta
from typing import cast

import pytest

from services.compute import ownership
from services.compute.ownership import Owned, Ownership, OwnershipPolicy, remembered, renew_generation
from services.compute.stores import CountingStore
from shared.contracts.topics import EVENTS
from shared.domain.seen import SeenIds, ids_from_bytes
from shared.messaging.records import TopicPartition

HORIZON = timedelta(hours=24)
HOUR_US = 3_600_000_000


def ids(*numbers: int) -> bytes:
    """Digests, one for each number."""
    return b"".join((number + 2**70).to_bytes(16, "big") for number in numbers)


def knows(seen: SeenIds, *numbers: int) -> list[bool]:
    """Which of *numbers* are remembered."""
    return [not fresh for fresh in seen.fresh(ids_from_bytes(ids(*numbers)))]


def test_remembered() -> None:
    """The ids of every earlier flush are known again after a take-over."""
    seen = remembered([(ids(1, 2), True), (ids(3), True), (ids(4), False)], limit=1000)

    assert knows(seen, 1, 2, 3, 4, 5) == [True, True, True, True, False]


@pytest.mark.parametrize("blobs", [[], [(ids(1), True)], [(ids(1), False)]])
def test_remembering_goes_on(blobs: list[tuple[bytes, bool]]) -> None:
    """Whatever was remembered before, new ids are added to it."""
    seen = remembered(blobs, limit=1000)

    seen.add(ids_from_bytes(ids(7)))

    assert knows(seen, 7) == [True]


def test_the_horizon() -> None:
    """An id is known for at least the horizon and forgotten by twice of it, without looking at any id."""
    owned = Owned(0, 1, 0, SeenIds(1000), generation_from_us=0)
    owned.seen.add(ids_from_bytes(ids(1)))
    known = {}
    for hour in range(0, 49, 6):
        renew_generation(owned, now_us=hour * HOUR_US, horizon=HORIZON)
        known[hour] = knows(owned.seen, 1) == [True]

    assert all(known[hour] for hour in range(0, 25, 6))
    assert not known[48]


async def let_go(*, flush_ends: bool, monkeypatch: pytest.MonkeyPatch) -> Ownership:
    """An ownership of partitions 0 and 1 that lost partition 1 while a flush was in flight."""
    monkeypatch.setattr(ownership, "DRAIN_S", 3600 if flush_ends else 0.001)
    mine = Ownership(cast("CountingStore", None), OwnershipPolicy("me", "log", HORIZON, 1000), lambda: 0)
    mine.owned = {partition: Owned(partition, 1, 0, SeenIds(10), 0) for partition in (0, 1)}
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
