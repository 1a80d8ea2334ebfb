"""Retracting and correcting events on a real Postgres: as if what was retracted had never come."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from shared.contracts.events import CleanEvent, encode_clean
from shared.storage.engine import reading
from shared.storage.ledger import Ledger
from shared.storage.readings import value
from tests.integration.corrections_rig import MemoryLog, corrected
from tests.integration.counting_rig import Counting, counting
from tests.unit.compute.builders import NOW, a_record, an_event, clean_log

pytestmark = pytest.mark.asyncio


@pytest_asyncio.fixture
async def mine(database_url: str) -> AsyncIterator[Counting]:
    """A process that owns two partitions."""
    async with counting(database_url) as opened:
        await opened.take_over([0, 1])
        yield opened


def an_order(number: int, price: float = 1, **fields: Any) -> CleanEvent:
    """An order of as many minutes ago."""
    data = {"price": price, "shop": "Paris", "channel": "web"}
    return an_event(number, **{"ago": timedelta(minutes=number), "data": data, **fields})


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


async def test_corrected(mine: Counting) -> None:
    """An event that is retracted and sent anew under another id counts as if it had been right at once."""
    right = an_order(3, price=300, id="order-3b")
    came = [*EVENTS, undone(3), right]
    log = await counted(mine, came, size=2)
    await corrected(mine, log)

    instead = [right if event.id == "order-3" else event for event in EVENTS]
    assert await mine.differences(instead, NOW, NOW - timedelta(minutes=3)) == []


async def test_ahead_of_its_event(mine: Counting) -> None:
    """An event that comes after its retraction, and after a restart, counts nowhere."""
    late = an_order(9, price=10_000)
    whole = clean_log([*EVENTS, undone(9), late, late], partitions=2)
    first = {p: [r for r in records if r.value != encode_clean(late)] for p, records in whole.items()}
    await mine.count(first)
    await corrected(mine, MemoryLog(whole))
    await mine.take_over([0, 1])
    await mine.count({p: [r for r in records if r not in first[p]] for p, records in whole.items()})
    await corrected(mine, MemoryLog(whole))

    assert await states(mine) == {"ahead": 1}
    assert await mine.differences(EVENTS, NOW) == []
    assert await mine.ledger() == Ledger(11, 10, 1, 0)


async def test_another_owner(mine: Counting) -> None:
    """What one process has registered, the next one undoes; it finds the event where it was remembered."""
    came = [*EVENTS, undone(5)]
    log = await counted(mine, came, size=2)
    async with counting(mine.url) as other:
        await other.take_over([0, 1])
        await corrected(other, log)

        assert await other.differences(came, NOW) == []
    assert [until - first for _, first, until in log.reads if until - first > 2] == []


async def test_beyond_the_horizon(mine: Counting) -> None:
    """An event whose id nobody remembers any more is found in the log, by its first copy that counted."""
    came = [*EVENTS, EVENTS[4], an_order(20), undone(5), undone(7)]
    records = clean_log(came, partitions=2)
    old = {p: [r for r in found if b"retracts" not in (r.value or b"")] for p, found in records.items()}
    await mine.count(old)
    await mine.connection.execute("UPDATE flushes SET flushed_at = now() - interval '3 days'")
    await mine.take_over([0, 1])
    await mine.count({p: [r for r in found if r not in old[p]] for p, found in records.items()})
    await corrected(mine, MemoryLog(records))

    assert await states(mine) == {"undone": 2}
    assert await mine.differences(came, NOW) == []


async def test_a_place_that_is_wrong(mine: Counting) -> None:
    """Whoever remembered the wrong place causes a search, and nothing else."""
    came = [*EVENTS, undone(5)]
    log = await counted(mine, came, size=2)
    await mine.connection.execute('UPDATE retractions SET lies_from = "offset"')
    await corrected(mine, log)

    assert await mine.differences(came, NOW) == []


async def test_a_log_that_was_cut(mine: Counting) -> None:
    """An event that the log holds no more stays counted, and the retraction stands for copies to come."""
    came = [*EVENTS, undone(5)]
    log = await counted(mine, came, size=2)
    log.begins = {p: len(records) for p, records in log.records.items()}
    await corrected(mine, log)

    assert await states(mine) == {"ahead": 1}
    assert await mine.differences(EVENTS, NOW) == []


async def test_a_refused_event(mine: Counting) -> None:
    """A retraction of an event that went to the dead letters undoes nothing."""
    large = an_order(30, price=10**17)
    log = await counted(mine, [*EVENTS, large, undone(30)], size=2)
    await corrected(mine, log)

    assert await states(mine) == {"ahead": 1}
    assert await mine.differences(EVENTS, NOW) == []
    assert await mine.ledger() == Ledger(10, 9, 0, 1)


async def test_what_is_claimed(mine: Counting) -> None:
    """Until a retraction has had its effect no value claims to be newer than it, or complete after it."""
    late = NOW + timedelta(minutes=2)
    await mine.count_events(EVENTS[:3])
    at = mine.standings[0].next_offset
    stamp = round((NOW + timedelta(minutes=1)).timestamp() * 1000)
    new = an_order(40, price=3)
    records = [
        a_record(undone(2), offset=at, timestamp=stamp),
        a_record(new, offset=at + 1, timestamp=stamp + 60_000),
    ]
    await mine.count({0: records})
    before = await as_of(mine, late)
    await mine.connection.execute("UPDATE retractions SET state = 'undone'")
    since = NOW + timedelta(seconds=90)
    await mine.connection.execute(MARKED, since)
    between = [await as_of(mine, late, slug) for slug in ("orders", "revenue")]
    await mine.connection.execute("DELETE FROM pane_repairs")

    assert before == NOW + timedelta(minutes=1)
    assert between == [late, since]
    assert await as_of(mine, late) == late


MARKED = """
INSERT INTO pane_repairs
SELECT series_id, 0, 0, $1 FROM series JOIN measures USING (measure_id)
WHERE filter IS NULL AND value = 'data.price' AND dimensions = '[]'
"""


async def as_of(counting: Counting, now: datetime, slug: str = "orders") -> datetime:
    """What a value of now claims."""
    await counting.connection.execute("UPDATE positions SET current_to = greatest(current_to, $1)", now)
    async with reading(counting.engine) as conn:
        found = await value(conn, counting.catalogue, slug, "1h", dimensions={}, at=now, now=now)
    return found.as_of
