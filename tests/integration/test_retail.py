"""Retail years on the real application and a real Postgres: windows, comparisons, histories and targets."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.integration.shop_api import shop_api
from tests.integration.test_comparisons import Shop, orders
from tests.integration.test_targets import is_near
from tests.oracle import calendars, windows
from tests.unit.compute.builders import NOW

pytestmark = pytest.mark.asyncio

KPI_FILE = Path(__file__).parents[1] / "shop" / "retail.yaml"
ZONE = "America/New_York"
YEARS = calendars.Years(week_start=7, weeks="4-5-4", ends=(6, 1, "nearest"))
AGAINST = {"previous": None, "last_week": None, "last_month": "month", "last_year": "year"}


FAIRS: dict[date, str | None] = {date(2025, 2, 26): "Fair", date(2026, 3, 4): "Fair"}
RETAIL: dict[str, dict[date, str | None]] = {"paid": FAIRS, "growth": {}}
"""The named holidays of the KPIs with years of weeks."""


def _before(against: str, window: str, at: datetime, holidays: dict[date, str | None]) -> datetime:
    """What *at* is compared with."""
    shown = at.astimezone(ZoneInfo(ZONE)).replace(tzinfo=None)
    if against == "previous":
        return windows.earlier(window, zone=ZONE, at=at, years=YEARS)
    period = AGAINST[against]
    day = shown.date() - timedelta(days=7)
    if period == "year":
        day = calendars.last_year(shown.date(), YEARS, holidays)
    elif period is not None:
        day = calendars.week_before(period, shown.date(), YEARS)
    return datetime.combine(day, shown.time(), ZoneInfo(ZONE)).astimezone(UTC)


@pytest.mark.parametrize("ago", [timedelta(0), timedelta(days=24, hours=7)])
async def test_windows(database_url: str, ago: timedelta) -> None:
    """Every window, and what it is compared with, is that of a recomputation; and so is every target."""
    at = NOW - ago
    query = f"at={at:%Y-%m-%dT%H:%M:%SZ}&" + "&".join(f"with={each}" for each in AGAINST)
    async with shop_api(database_url, KPI_FILE, orders()) as (client, oracle):
        shop = Shop(client, oracle)
        for slug in ("paid", "growth", "sundays", "served"):
            for window in oracle.windows(slug):
                body = await shop.told(f"{slug}/compare?window={window}&{query}")

                assert shop.agrees(body, body, at), (slug, window)
                expected = oracle.judged(slug, window, {}, at, now=NOW)
                target = body["target"]
                assert is_near(target and target["value"], expected.target), (slug, window, expected)
                assert body["status"] == expected.status
                for item in body["items"] if slug in RETAIL else []:
                    before = _before(item["against"], window, at, RETAIL[slug])
                    assert datetime.fromisoformat(item["at"]) == before, (slug, window, item)
                    if item["base"] is not None:
                        assert shop.agrees(item["base"], body, before), (slug, window, item)


async def test_histories(database_url: str) -> None:
    """Whole weeks, months, quarters and years are those of the retail year, one after the other."""
    weeks: list[int] = []
    async with shop_api(database_url, KPI_FILE, orders()) as (client, oracle):
        shop = Shop(client, oracle)
        for bucket, days in (("week", 100), ("month", 390), ("quarter", 390), ("year", 900)):
            body = await shop.told(f"paid/history?bucket={bucket}&from=now-{days}d")
            about: dict[str, Any] = {"kpi": "paid", "window": f"previous_{bucket}", "dimensions": {}}
            edges = [datetime.fromisoformat(item["window_end"]) for item in body["items"]]

            assert edges
            assert all(calendars.begin(bucket, edge, ZONE, YEARS) == edge for edge in edges)
            for item in body["items"]:
                assert shop.agrees(item, about, datetime.fromisoformat(item["at"])), (bucket, item)
            if bucket == "month":
                days_of = [(later - edge + timedelta(hours=1)).days for edge, later in pairwise(edges)]
                weeks = [each // 7 for each in days_of]
                assert all(each % 7 == 0 for each in days_of)

    assert {4, 5} == set(weeks)


@pytest.mark.parametrize(
    ("at", "before"),
    [
        ("2026-03-03T12:00:00Z", "2025-03-10T12:00:00Z"),  # founding days
        ("2026-02-16T12:00:00Z", "2025-03-05T12:00:00Z"),  # carnivals
        ("2026-03-02T12:00:00Z", "2025-03-03T12:00:00Z"),  # Mondays
    ],
)
async def test_holidays(database_url: str, at: str, before: str) -> None:
    """Where days of the week meet, a holiday stands beside the one of its name a year before."""
    async with shop_api(database_url, KPI_FILE, orders()) as (client, oracle):
        shop = Shop(client, oracle)
        body = await shop.told(f"served/compare?window=24h&with=last_year&align=weekday&at={at}")
        plain = await shop.told(f"served/compare?window=24h&with=last_year&at={at}")
        item = body["items"][0]

        assert datetime.fromisoformat(item["at"]) == datetime.fromisoformat(before)
        assert shop.agrees(item["base"], body, datetime.fromisoformat(before))
    assert plain["items"][0]["at"] == at.replace("2026", "2025")


async def test_definition(database_url: str) -> None:
    """What the calendar of a KPI is, is told with its definition."""
    async with shop_api(database_url, KPI_FILE, []) as (client, oracle):
        shop = Shop(client, oracle)
        paid, sundays, served = [await shop.told(slug) for slug in ("paid", "sundays", "served")]

    ends = {"weekday": "saturday", "month": 1, "rule": "nearest"}
    fairs = [("2025-02-26", "Fair"), ("2026-03-04", "Fair"), ("2026-02-16", None)]
    assert paid["calendar"] == {
        "week_start": "sunday",
        "weeks": "4-5-4",
        "year_ends": ends,
        "holidays": [{"date": day, "name": name} for day, name in fairs],
    }
    assert sundays["calendar"] == {
        "week_start": "sunday", "weeks": None, "year_ends": None, "holidays": [],
    }  # fmt: skip
    assert served["business_hours"]["holidays"] == "closed"
