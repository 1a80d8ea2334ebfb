"""KPI values for Prometheus."""

from datetime import timedelta
from decimal import Decimal

import pytest

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
