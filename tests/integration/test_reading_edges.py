"""What a reading takes of the panes: both edges of its window, every shard, and one moment of the tables."""

import asyncio
from datetime import datetime, timedelta

import pytest

from shared.storage.engine import reading
from shared.storage.readings import value
from tests.integration.counting_rig import Counting, counting
from tests.unit.compute.builders import NOW, ARecord, a_record, an_event
from tests.unit.domain.kpi_builders import a_kpi

pytestmark = pytest.mark.asyncio

ORDERS = [a_kpi("orders", windows=["5m"])]
FIVE = timedelta(minutes=5)


async def orders(mine: Counting, at: datetime = NOW) -> int:
    """How many orders there are in the five minutes to *at*."""
    async with reading(mine.engine) as connection:
        return (await value(connection, mine.catalogue, "orders", "5m", dimensions={}, at=at, now=NOW)).n


async def test_half_open(database_url: str) -> None:
    """An event at the start of a window belongs to it, one at its end to the next.

    | 05:01:07 [-----5m-----) 05:06:07 |   events at both edges, and a microsecond before each
    """
    early = timedelta(microseconds=1)
    async with counting(database_url, ORDERS) as mine:
        await mine.take_over([0])
        await mine.count_events(
            an_event(n, ago=ago) for n, ago in enumerate((FIVE + early, FIVE, early, timedelta(0)))
        )

        assert await orders(mine) == 2


async def test_every_shard(database_url: str) -> None:
    """Events of one pane count alike, whichever partition's owner wrote them."""
    async with counting(database_url, ORDERS) as mine:
        await mine.take_over([0, 1, 2])
        for partition in range(3):
            await mine.count({partition: [a_record(an_event(partition))]})

        assert await orders(mine) == 3


async def test_no_offset_without_its_panes(database_url: str) -> None:
    """While others write, no snapshot holds a position without its panes, or panes without their position."""
    log = [a_record(an_event(number), offset=number) for number in range(60)]
    async with counting(database_url, ORDERS) as mine:
        await mine.take_over([0])
        writing = asyncio.create_task(_count_one_by_one(mine, log))
        seen = []
        while not writing.done():
            seen.append(await _position_and_panes(mine))
        await writing
        seen.append(await _position_and_panes(mine))

    assert [pair for pair in seen if pair[0] != pair[1]] == []
    assert seen[-1] == (60, 60)
    assert [next_offset for next_offset, _ in seen] == sorted(next_offset for next_offset, _ in seen)


async def _count_one_by_one(mine: Counting, log: list[ARecord]) -> None:
    for record in log:
        await mine.count({0: [record]})


async def _position_and_panes(mine: Counting) -> tuple[int, int]:
    """Where partition 0 stands, and how many events the panes hold, in one snapshot."""
    async with reading(mine.engine) as connection:
        before = await connection.exec_driver_sql("SELECT next_offset FROM positions WHERE partition = 0")
        # Asked one after the other: only the snapshot keeps them together.
        after = await connection.exec_driver_sql("SELECT coalesce(sum(n), 0) FROM panes WHERE rung = 5")
        return int(before.scalar_one()), int(after.scalar_one())
