"""Retracting and correcting events on a real Postgres: as if what was retracted had never come."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import timedelta

import pytest
import pytest_asyncio

from shared.contracts.events import CleanEvent
from shared.storage.ledger import Ledger
from tests.integration.corrections_rig import MemoryLog, corrected
from tests.integration.counting_rig import Counting, counting
from tests.unit.compute.builders import NOW, an_event, clean_log

pytestmark = pytest.mark.asyncio


@pytest_asyncio.fixture
async def mine(database_url: str) -> AsyncIterator[Counting]:
    """A process that owns two partitions."""
    async with counting(database_url) as opened:
        await opened.take_over([0, 1])
        yield opened


def an_order(number: int, price: float = 1, **fields: object) -> CleanEvent:
    """An order of some minutes ago."""
    data = {"price": price, "shop": "Paris", "channel": "web"}
    return an_event(number, ago=timedelta(minutes=number), **({"data": data} | fields))


def undone(number: int, *, by: int = 900) -> CleanEvent:
    """The retraction of an order."""
    return an_event(by + number, retracts=f"order-{number}")


async def counted(counting: Counting, events: Sequence[CleanEvent], *, size: int = 1000) -> MemoryLog:
    """Count *events* in batches of *size* of each partition; the log they lie in."""
    log = clean_log(events, partitions=2)
    for start in range(0, max(map(len, log.values())), size):
        await counting.count({p: records[start : start + size] for p, records in log.items()})
    return MemoryLog(log)


async def states(counting: Counting) -> Mapping[str, int]:
    """How many retractions are in each state."""
    rows = await counting.connection.fetch("SELECT state, count(*) AS n FROM retractions GROUP BY state")
    return {row["state"]: row["n"] for row in rows}


EVENTS = [an_order(n, price=n) for n in range(1, 9)]


@pytest.mark.parametrize("size", [1, 2, 1000], ids="{} at once".format)
@pytest.mark.parametrize("number", [1, 4, 8], ids="the price of {}".format)
async def test_undone(mine: Counting, number: int, size: int) -> None:
    """An event that is retracted counts nowhere, the smallest and the largest included."""
    came = [*EVENTS, undone(number)]
    log = await counted(mine, came, size=size)
    await corrected(mine, log)

    assert await mine.differences(came, NOW, NOW - timedelta(minutes=3)) == []
    assert await mine.ledger() == Ledger(9, 9, 0, 0)
