"""Limits on series, on a real Postgres: what is past them is counted together, and totals stay right."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from sqlalchemy import text

from shared.storage.engine import reading
from shared.storage.readings import values_by_series
from shared.storage.series import SeriesLimits
from tests.integration.counting_rig import Counting, counting
from tests.integration.test_counting_refresh import Desk
from tests.unit.compute.builders import NOW, a_record, an_event
from tests.unit.domain.kpi_builders import a_kpi

pytestmark = pytest.mark.asyncio

ADMITTED = text("SELECT count(*) FROM series WHERE dimensions NOT LIKE '%__overflow__%'")
"""How many series there are beside those that take what is past the limits."""

KPI = a_kpi("orders", breakdowns=["shop", ["shop", "till"]], windows=["1h"])
EVENTS = [an_event(n, data={"shop": f"shop {n % 6}", "till": n % 2}) for n in range(24)]


@pytest_asyncio.fixture
async def mine(database_url: str) -> AsyncIterator[Counting]:
    """A process that admits three series of a measure."""
    async with counting(database_url, [KPI], limits=SeriesLimits(of_measure=3, in_all=1000)) as opened:
        await opened.take_over([0])
        yield opened


async def by_series(counting: Counting, *names: str) -> dict[tuple[str | None, ...], int]:
    """How many orders each series has."""
    async with reading(counting.engine) as conn:
        found = await values_by_series(
            conn, counting.catalogue, "orders", "1h", breakdown=names, at=NOW, now=NOW
        )
    return {tuple(one.dimensions.get(name) for name in names): one.n for one in found}


@pytest.mark.parametrize("size", [1, 5, 24])
async def test_overflow(mine: Counting, size: int) -> None:
    """Series past the limit are counted as one; nothing is lost, in whatever batches they come."""
    for start in range(0, len(EVENTS), size):
        await mine.count_events(EVENTS[start : start + size])

    assert await by_series(mine) == {(): 24}
    assert await by_series(mine, "shop") == {
        ("shop 0",): 4,
        ("shop 1",): 4,
        ("shop 2",): 4,
        ("__overflow__",): 12,
    }
    assert sum((await by_series(mine, "shop", "till")).values()) == 24


async def test_all_processes_overflow_alike(mine: Counting) -> None:
    """A series is either counted by itself or in the overflow, by all processes and after every restart."""
    await mine.count_events(EVENTS[:12])
    await mine.take_over([0])
    await mine.count_events(EVENTS[12:])

    assert (await by_series(mine, "shop"))["shop 0",] == 4
    assert (await by_series(mine, "shop"))["__overflow__",] == 12


async def test_two_at_once(mine: Counting) -> None:
    """Two processes that meet new series at the same time keep to the limit between them."""
    limits = SeriesLimits(of_measure=3, in_all=1000)
    async with counting(mine.url, [KPI], limits=limits) as other:
        await other.take_over([1])
        records = [a_record(event, offset=n) for n, event in enumerate(EVENTS[12:])]
        await asyncio.gather(mine.count_events(EVENTS[:12]), other.count({1: records}))

    found = await by_series(mine, "shop")
    assert sum(found.values()) == 24
    assert len(found) == 4


async def test_two_measures_at_once(mine: Counting) -> None:
    """The limit over all measures holds between processes that meet series of different measures."""
    mine.limits = SeriesLimits(of_measure=1000, in_all=10)
    await mine.take_over([0])
    async with counting(mine.url, [KPI], limits=mine.limits) as other:
        await other.take_over([1])
        records = [a_record(event, offset=n) for n, event in enumerate(EVENTS[12:])]
        await asyncio.gather(mine.count_events(EVENTS[:12]), other.count({1: records}))
    async with reading(mine.engine) as conn:
        admitted = (await conn.execute(ADMITTED)).scalar_one()

    assert admitted == 10


async def test_limit_in_all(mine: Counting) -> None:
    """The limit over all measures holds as well, and the totals come first."""
    mine.limits = SeriesLimits(of_measure=1000, in_all=5)
    await mine.take_over([0])
    await mine.count_events(EVENTS)

    assert await by_series(mine) == {(): 24}
    assert sum((await by_series(mine, "shop")).values()) == 24
    # Of three measures two have an overflow series beside the five.
    assert await mine.connection.fetchval("SELECT count(*) FROM series") <= 5 + 2


async def test_current_values(mine: Counting) -> None:
    """The current values show the overflow series, and no row for what is counted in it."""
    desk = Desk(mine)
    await desk.refresh()
    await mine.count_events(EVENTS)
    await desk.refresh()

    rows = {
        series: row.reading.n
        for (_, _, series), row in (await desk.rows()).items()
        if [name for name, _ in series] == ["shop"]
    }
    assert rows == {
        (("shop", "shop 0"),): 4,
        (("shop", "shop 1"),): 4,
        (("shop", "shop 2"),): 4,
        (("shop", "__overflow__"),): 12,
    }


async def test_long_values_meet(mine: Counting) -> None:
    """Combinations that meet in the overflow series because a value is too long are added up there."""
    came = [an_event(n, data={"shop": "x" * 129, "till": n}) for n in range(3)]

    await mine.count_events(came)

    assert await by_series(mine, "shop", "till") == {("__overflow__", "__overflow__"): 3}
