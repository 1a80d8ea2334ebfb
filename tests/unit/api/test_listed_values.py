"""Many current values at once, over HTTP."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.unit.api.builders import NOW, Memory, a_client, a_kpi, a_row

pytestmark = pytest.mark.asyncio


def _memory() -> Memory:
    memory = Memory()
    memory.rows = [
        a_row("departures", dimensions={"carrier": "UA"}),
        a_row("departures", window="24h"),
        a_row("delays"),
        a_row("departures"),
    ]
    return memory


async def _items(memory: Memory, query: str = "") -> list[Any]:
    async with a_client(memory, a_kpi(), a_kpi("delays")) as client:
        return list((await client.get(f"/v1/values{query}")).json()["items"])


def _names(items: list[Any]) -> list[str]:
    return [
        f"{item['kpi']} {item['window']} {item['dimensions'].get('carrier', '')}".strip() for item in items
    ]


async def test_everything() -> None:
    """All series are listed by KPI, window and dimensions."""
    items = await _items(_memory())

    assert _names(items) == ["delays 1h", "departures 1h", "departures 1h UA", "departures 24h"]


async def test_filters() -> None:
    """Only the KPIs and windows that are asked for are listed."""
    items = await _items(_memory(), "?kpi=departures&kpi=delays&window=24h")

    assert _names(items) == ["departures 24h"]


async def test_pages() -> None:
    """Cursors lead through all values, each once, also when a row appears in between."""
    memory = _memory()
    async with a_client(memory, a_kpi(), a_kpi("delays")) as client:
        first = (await client.get("/v1/values?limit=2")).json()
        memory.rows.append(a_row("delays", window="24h"))
        second = (await client.get(f"/v1/values?limit=2&cursor={first['next_cursor']}")).json()

    assert _names(first["items"] + second["items"]) == [
        "delays 1h",
        "departures 1h",
        "departures 1h UA",
        "departures 24h",
    ]
    assert second["next_cursor"] is None


async def test_overdue_value() -> None:
    """A value whose time has come is recomputed: a late or dead compute makes no number stale."""
    memory = Memory()
    memory.rows = [a_row(value=Decimal(7), valid_until=NOW - timedelta(seconds=1))]

    items = await _items(memory)

    assert [item["value"] for item in items] == [42]


async def test_value_in_time() -> None:
    """A value that still holds is served as it is stored."""
    memory = Memory()
    memory.rows = [a_row(value=Decimal(7), valid_until=NOW + timedelta(seconds=1))]

    items = await _items(memory)

    assert ([item["value"] for item in items], memory.asks) == ([7], [])


async def test_values_without_definition() -> None:
    """Rows of KPIs, windows and breakdowns that are no longer defined are not served."""
    memory = Memory()
    memory.rows = [a_row("retired"), a_row(window="7d"), a_row(dimensions={"origin": "JFK"})]

    items = await _items(memory)

    assert items == []


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("?windows=1h", "windows"),
        ("?window=7d", "window"),
        ("?limit=0", "limit"),
        ("?limit=501", "limit"),
        ("?limit=many", "limit"),
        ("?cursor=zz", "cursor"),
        ("?cursor=5b5d", "cursor"),  # []
        ("?cursor=5b225c7530303030225d", "cursor"),  # ["\u0000"]
    ],
)
async def test_parameters_refused(query: str, parameter: str) -> None:
    """A parameter that means nothing is named; it never answers with everything."""
    async with a_client(_memory()) as client:
        answer = await client.get(f"/v1/values{query}")

    assert answer.status_code == 400
    assert [fault["parameter"] for fault in answer.json()["errors"]] == [parameter]
