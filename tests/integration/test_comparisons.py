"""Comparisons and trends of the real application on a real Postgres are what the oracle's values come to."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx2
import msgspec
import pytest

from shared.contracts.events import CleanEvent
from tests.integration.shop_api import shop_api
from tests.oracle import Oracle, calendars, windows
from tests.unit.compute.builders import NOW, an_event

pytestmark = pytest.mark.asyncio

KPI_FILE = Path(__file__).parents[1] / "shop" / "windows.yaml"
ZONE, YEARS = "Asia/Kathmandu", calendars.Years(year_start=7)
AGAINST = ("previous", "last_week", "last_month", "last_year")
SHOPS = ("Köln", "Łódź", None)


@dataclass(frozen=True, slots=True)
class Shop:
    """An API on a shop of some hundred orders, at NOW, and the second opinion on them."""

    client: httpx2.AsyncClient
    oracle: Oracle

    async def told(self, path: str) -> Any:
        """The body that *path* of a KPI is answered with, every number exact."""
        answer = await self.client.get(f"/v1/kpis/{path}")
        answer.raise_for_status()
        return msgspec.json.Decoder(float_hook=Decimal).decode(answer.content)

    def agrees(self, body: Mapping[str, Any], about: Mapping[str, Any], at: datetime) -> bool:
        """Whether *body*, a value of what *about* names, is the oracle's at *at*."""
        expected = self.oracle.value(about["kpi"], about["window"], about["dimensions"], at, now=NOW)
        edges = [datetime.fromisoformat(body[name]) for name in ("window_start", "window_end")]
        value = None if body["value"] is None else Decimal(body["value"])
        is_same = [expected.n, expected.window_start, expected.window_end] == [body["n"], *edges]
        return is_same and expected.agrees_with(value)


def orders() -> list[CleanEvent]:
    """An order every five hours of 500 days, and four an hour of the last two days, of varying prices."""
    ages = [timedelta(hours=5 * n, minutes=7) for n in range(1900)]
    ages += [timedelta(minutes=15 * n) for n in range(192)]
    return [
        an_event(n, ago=age, data={"shop": SHOPS[n % 3], "price": n * 37 % 101}) for n, age in enumerate(ages)
    ]


@asynccontextmanager
async def a_shop(database_url: str) -> AsyncIterator[Shop]:
    """The shop, with everything counted."""
    async with shop_api(database_url, KPI_FILE, orders()) as (client, oracle):
        yield Shop(client, oracle)


def _expected_at(window: str, against: str, at: datetime) -> datetime:
    """What *at* is compared with, worked out in a zone that never sets its clocks."""
    shown = at.astimezone(ZoneInfo(ZONE))
    match against:
        case "previous":
            return windows.earlier(window, zone=ZONE, at=at, years=YEARS)
        case "last_week":
            return shown - timedelta(days=7)
        case _:
            months = {"last_month": 1, "last_year": 12}[against]
            first = shown.replace(day=1)
            for _ in range(months):
                first = (first - timedelta(days=1)).replace(day=1)
            following = (first + timedelta(days=31)).replace(day=1)
            days = (date(following.year, following.month, 1) - date(first.year, first.month, 1)).days
            return first.replace(day=min(shown.day, days))


@pytest.mark.parametrize(
    "ago", [timedelta(0), timedelta(days=3, hours=2, seconds=1), timedelta(days=34, hours=9)]
)
async def test_every_window(database_url: str, ago: timedelta) -> None:
    """Of every KPI and window, both values are the oracle's, and the change is their difference."""
    at, query = NOW - ago, "&".join(f"with={each}" for each in AGAINST)
    async with a_shop(database_url) as shop:
        for slug in ("paid", "orders", "growth", "part"):
            for window in shop.oracle.windows(slug):
                body = await shop.told(
                    f"{slug}/compare?window={window}&shop=K%C3%B6ln&{query}&at={at:%Y-%m-%dT%H:%M:%SZ}"
                )

                assert shop.agrees(body, body, at), (slug, window)
                assert [item["against"] for item in body["items"]] == list(AGAINST)
                for item in body["items"]:
                    _compare(shop, body, item, _expected_at(window, item["against"], at))


def _compare(shop: Shop, body: Mapping[str, Any], item: Mapping[str, Any], at: datetime) -> None:
    where, told_at = (body["kpi"], body["window"], item), datetime.fromisoformat(body["at"])
    assert datetime.fromisoformat(item["at"]) == at, where
    if at < NOW - timedelta(days=400):
        assert (item["base"], item["reason"]) == (None, "not_kept"), where
        return
    assert shop.agrees(item["base"], body, at), where
    value, base = body["value"], item["base"]["value"]
    if value is None or base is None:
        assert (item["change"], item["reason"]) == (None, "no_data"), where
        return
    excess, before = (
        _excess(each, body["window"], then) for each, then in ((body, told_at), (item["base"], at))
    )
    assert item["base"]["excess_s"] == round(before.total_seconds()), where
    if abs(before - excess) > _length(item["base"]) / 20:
        assert (item["change"], item["reason"]) == (None, "too_coarse"), where
        return
    change = Fraction(Decimal(value)) - Fraction(Decimal(base))
    assert Fraction(Decimal(item["change"])) == change, where
    assert item["judgement"] == ("better" if change > 0 else "worse" if change < 0 else "same"), where
    assert (item["relative_change"] is None) is (not Decimal(base)), where


def _length(body: Mapping[str, Any]) -> timedelta:
    return datetime.fromisoformat(body["window_end"]) - datetime.fromisoformat(body["window_start"])


def _excess(body: Mapping[str, Any], window: str, at: datetime) -> timedelta:
    """By how much the window of *body* is longer than it says."""
    if window in windows.TO_DATE:
        return _length(body) - (at - calendars.begin(windows.TO_DATE[window][0], at, ZONE, YEARS))
    if window in windows.PREVIOUS:
        period = windows.PREVIOUS[window][0]
        end = calendars.begin(period, at, ZONE, YEARS)
        start = calendars.begin(period, end - timedelta(microseconds=1), ZONE, YEARS)
        return _length(body) - (end - start)
    return _length(body) - windows.length(window)


async def test_previous_is_prev(database_url: str) -> None:
    """The change from the period before is what a formula with prev comes to, to the last digit."""
    async with a_shop(database_url) as shop:
        for window in shop.oracle.windows("growth"):
            growth = await shop.told(f"growth/value?window={window}")
            compared = await shop.told(f"paid/compare?window={window}")
            item = compared["items"][0]

            assert item["reason"] is None, window
            assert Decimal(item["change"]) == Decimal(growth["value"]), window


@pytest.mark.parametrize(
    ("query", "instants"),
    [
        ("window=1h", [NOW - timedelta(hours=n) for n in range(29, -1, -1)]),
        ("window=today&from=now-9d", [NOW - timedelta(days=n) for n in range(9, -1, -1)]),
        ("window=1h&step=45m&from=now-6h", [NOW - timedelta(minutes=45 * n) for n in range(8, -1, -1)]),
    ],
)
async def test_trend(database_url: str, query: str, instants: list[datetime]) -> None:
    """The points of a trend are the oracle's values, and what is said of them follows from these."""
    async with a_shop(database_url) as shop:
        body = await shop.told(f"paid/trend?{query}&shop=K%C3%B6ln")

        assert [datetime.fromisoformat(item["at"]) for item in body["items"]] == instants
        assert all(shop.agrees(item, body, at) for item, at in zip(body["items"], instants, strict=True))
    values = [Decimal(item["value"]) for item in body["items"]]
    assert (Decimal(body["best"]["value"]), Decimal(body["worst"]["value"])) == (max(values), min(values))
    share = Fraction(sum(value <= values[-1] for value in values[:-1]), len(values) - 1)
    assert abs(Fraction(Decimal(body["percentile"])) - share) < Fraction(1, 10**30)
    assert (body["n"], body["course"] in {"rising", "falling"}) == (len(values), body["p_value"] < 0.05)
