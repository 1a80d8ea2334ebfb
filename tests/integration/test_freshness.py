"""Freshness of the real application on a real Postgres: the last event is where the oracle sees it."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from shared.contracts.events import CleanEvent
from tests.integration.shop_api import shop_api
from tests.unit.compute.builders import NOW, an_event

pytestmark = pytest.mark.asyncio

SHOP = Path(__file__).parents[1] / "shop"


def orders(*ages: timedelta) -> list[CleanEvent]:
    """An order of each of these ages, every other one at a price of nothing."""
    return [
        an_event(n, ago=age, data={"shop": "Köln", "price": n % 2, "channel": "web"})
        for n, age in enumerate(ages)
    ]


AGES = (
    timedelta(seconds=4),
    timedelta(minutes=7),
    timedelta(hours=30),
    timedelta(days=50),
    timedelta(days=200),
)


@pytest.mark.parametrize(
    ("file", "youngest"),
    [
        *(("kpis.yaml", youngest) for youngest in range(len(AGES))),
        ("aggregates.yaml", 0),
        ("windows.yaml", 0),
        ("windows.yaml", 3),
    ],
)
async def test_last_event(database_url: str, file: str, youngest: int) -> None:
    """Of every KPI, of any kind and age of events, the last event lies where it is said to."""
    async with shop_api(database_url, SHOP / file, orders(*AGES[youngest:])) as (client, oracle):
        items = (await client.get("/v1/freshness?limit=500")).json()["items"]
        told = {item["kpi"]: item for item in items}

    assert set(told) == set(oracle.slugs)
    for slug, item in told.items():
        last = oracle.last_event(slug)
        assert _holds(item["last_event"], last), (slug, last)
        assert (item["state"] == "empty") is (last is None)


def _holds(told: Any, last: datetime | None) -> bool:
    if told is None or last is None:
        return told is last
    return datetime.fromisoformat(told["after"]) <= last < datetime.fromisoformat(told["before"])


async def test_as_fine_as_is_kept(database_url: str) -> None:
    """A young event is told to the finest pane, one of months ago to the day."""
    for age, most in ((AGES[0], timedelta(seconds=10)), (AGES[4], timedelta(days=1))):
        async with shop_api(database_url, SHOP / "kpis.yaml", orders(age)) as (client, _):
            told = (await client.get("/v1/kpis/orders/freshness")).json()["last_event"]
        width = datetime.fromisoformat(told["before"]) - datetime.fromisoformat(told["after"])
        assert width <= most


async def test_one(database_url: str) -> None:
    """One KPI tells the same as the list does, with what its formula is made of."""
    async with shop_api(database_url, SHOP / "kpis.yaml", orders(*AGES)) as (client, oracle):
        listed = (await client.get("/v1/freshness?limit=500")).json()["items"]
        ones = [(await client.get(f"/v1/kpis/{item['kpi']}/freshness")).json() for item in listed]

    assert ones == listed
    assert {one["kpi"] for one in ones if len(one["sources"]) > 1} != set()
    assert all(datetime.fromisoformat(one["as_of"]) <= NOW for one in ones)
    assert set(oracle.slugs) == {one["kpi"] for one in ones}
