"""KPI values for Prometheus."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from shared.domain.definitions import Catalogue
from shared.domain.readings import Reading
from shared.storage.readings import Ask
from tests.unit.api.builders import NOW, Memory, a_client, a_kpi, a_row

pytestmark = pytest.mark.asyncio

SHOWN = a_kpi("departures", prometheus=True, target={"value": 50})
HIDDEN = a_kpi("revenue")


async def _metrics(memory: Memory) -> list[str]:
    async with a_client(memory, SHOWN, HIDDEN) as client:
        text = (await client.get("/metrics")).text
    return [line for line in text.splitlines() if line.startswith(("kpi_value{", "kpi_target{"))]


async def test_allowed_totals() -> None:
    """KPIs that ask for it are shown with their totals and targets; no series and no other KPI is."""
    memory = Memory()
    memory.rows = [
        a_row("departures", value=Decimal("41.5")),
        a_row("departures", dimensions={"carrier": "AA"}),
        a_row("revenue"),
    ]

    assert await _metrics(memory) == [
        'kpi_value{kpi="departures",window="1h"} 41.5',
        'kpi_target{kpi="departures",window="1h"} 50.0',
        'kpi_target{kpi="departures",window="24h"} 50.0',
    ]


async def test_no_data() -> None:
    """A KPI without data has no sample: neither NaN nor the number from before."""
    memory = Memory()
    memory.rows = [a_row(value=None)]

    assert not [line for line in await _metrics(memory) if line.startswith("kpi_value")]


async def test_overdue() -> None:
    """A value whose time has come is recomputed before it is shown."""
    memory = Memory()
    memory.rows = [a_row(value=Decimal(7), valid_until=NOW - timedelta(seconds=1))]

    assert 'kpi_value{kpi="departures",window="1h"} 42.0' in await _metrics(memory)


async def test_database_away() -> None:
    """Without a database there are no values, and the service's own metrics go on."""
    memory = Memory()
    memory.is_away = True

    assert not [line for line in await _metrics(memory) if line.startswith("kpi_value")]


async def test_many_scrapes() -> None:
    """However many scrape, the table is read once a second at most."""
    memory = Memory()
    async with a_client(memory, SHOWN) as client:
        for _ in range(5):
            await client.get("/metrics")

    assert memory.looks == 1


async def test_statuses() -> None:
    """Status and attainment follow the value; a window that nothing came for has no data, and says so."""
    memory = Memory()
    memory.rows = [a_row("departures", value=Decimal(40))]
    async with a_client(memory, SHOWN, HIDDEN) as client:
        lines = (await client.get("/metrics")).text.splitlines()

    ones = [line for line in lines if line.startswith("kpi_status{") and line.endswith(" 1.0")]
    assert ones == [
        'kpi_status{kpi="departures",status="off_track",window="1h"} 1.0',
        'kpi_status{kpi="departures",status="no_data",window="24h"} 1.0',
    ]
    assert sum(line.startswith("kpi_status{") for line in lines) == 2 * 5
    ratios = [line for line in lines if line.startswith("kpi_attainment_ratio{")]
    assert ratios == ['kpi_attainment_ratio{kpi="departures",window="1h"} 0.8']


async def test_scheduled() -> None:
    """The target is that of now, also of a value that was written down when another one held."""
    steps = [{"from": "2026-01", "value": 10}, {"from": "2026-01-31", "value": 20}]
    kpi = a_kpi(prometheus=True, windows=["1h"], target={"by_period": steps})
    memory = Memory()
    memory.rows = [a_row(window_end=NOW - timedelta(days=3))]
    async with a_client(memory, kpi) as client:
        text = (await client.get("/metrics")).text

    assert 'kpi_target{kpi="departures",window="1h"} 20.0' in text


async def test_one_look() -> None:
    """A thousand series whose targets follow other values are read with two questions in all."""
    target = {"kpi": "departures", "of": "previous"}
    kpis = [a_kpi(f"kpi_{n}", prometheus=True, target=target) for n in range(500)]
    memory = Asked()
    memory.rows = [a_row(kpi.slug, window=window) for kpi in kpis for window in kpi.windows]
    async with a_client(memory, a_kpi(), *kpis) as client:
        text = (await client.get("/metrics")).text

    assert text.count("kpi_attainment_ratio{") == 1000
    assert (memory.looks, memory.rounds, len(memory.asks)) == (1, 1, 1000)


class Asked(Memory):
    """Counts the rounds of questions; windows are as long as they say."""

    rounds = 0

    async def evaluate(self, catalogue: Catalogue, asks: Sequence[Ask], *, now: datetime) -> list[Reading]:
        """The readings, whatever the time."""
        self.rounds += 1
        found = await super().evaluate(catalogue, asks, now=now)
        lengths = {"1h": timedelta(hours=1), "24h": timedelta(hours=24)}
        return [replace(each, window_start=each.window_end - lengths[each.window]) for each in found]
