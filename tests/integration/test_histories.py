"""Histories of the real application on a real Postgres are the oracle's values, period by period."""

import csv
import io
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow.parquet as pq
import pytest

from tests.integration.test_comparisons import SHOPS, ZONE, Shop, a_shop
from tests.unit.compute.builders import NOW

pytestmark = pytest.mark.asyncio

WINDOWS = {
    "hour": "previous_hour",
    "day": "yesterday",
    "week": "previous_week",
    "month": "previous_month",
    "quarter": "previous_quarter",
    "year": "previous_year",
}


LEAST = {"hour": 47, "day": 398, "week": 56, "month": 12, "quarter": 3, "year": 1}
"""How many whole periods there are at least."""


def _is_oracles(shop: Shop, slug: str, window: str, series: dict[str, Any], point: dict[str, Any]) -> bool:
    at = datetime.fromisoformat(point["at"])
    return shop.agrees(point, {"kpi": slug, "window": window, "dimensions": series}, at)


async def test_periods(database_url: str) -> None:
    """Whole hours, days, weeks, months, fiscal quarters and years are each what a recomputation gives."""
    async with a_shop(database_url) as shop:
        for bucket, window in WINDOWS.items():
            since = NOW - timedelta(days={"hour": 2, "year": 900}.get(bucket, 399))
            for slug in ("paid", "orders"):
                start = f"{since:%Y-%m-%dT%H:%M:%SZ}"
                body = await shop.told(f"{slug}/history?bucket={bucket}&from={start}")
                points = body["items"]

                assert (body["window"], body["bucket"], body["zone"]) == (None, bucket, ZONE)
                assert all(_is_oracles(shop, slug, window, {}, point) for point in points), (slug, bucket)
                ends = [point["window_end"] for point in points]
                assert [point["window_start"] for point in points[1:]] == ends[:-1]
                assert len(points) >= LEAST[bucket]


async def test_series(database_url: str) -> None:
    """The series of a breakdown are each the oracle's; top has the largest at the last instant first."""
    async with a_shop(database_url) as shop:
        path = "paid/history?bucket=month&breakdown=shop"
        every = (await shop.told(path))["series"]
        two = (await shop.told(f"{path}&top=2"))["series"]
        some = (await shop.told(f"{path}&shop=&shop=K%C3%B6ln"))["series"]
        rest = (await shop.told(f"{path}&not.shop="))["series"]

        for each in (*every, *two):
            assert all(
                _is_oracles(shop, "paid", "previous_month", each["dimensions"], point)
                for point in each["items"]
            )
    names = [each["dimensions"]["shop"] for each in every]
    last = {each["dimensions"]["shop"]: each["items"][-1]["value"] for each in every}

    assert set(names) == set(SHOPS)
    assert [each["dimensions"]["shop"] for each in two] == sorted(last, key=lambda shop: -last[shop])[:2]
    assert {each["dimensions"]["shop"] for each in some} == {None, "Köln"}
    assert {each["dimensions"]["shop"] for each in rest} == {"Köln", "Łódź"}


async def test_calendar_steps(database_url: str) -> None:
    """Steps of days follow the clocks of the zone that is asked for; the values are of these instants."""
    zone = "America/New_York"
    since = datetime(2025, 10, 31, 12, tzinfo=ZoneInfo(zone))
    if since < NOW - timedelta(days=390):
        since = NOW - timedelta(days=100)
    async with a_shop(database_url) as shop:
        stamp = since.astimezone(ZoneInfo("UTC")).strftime("%Y-%m-%dT%H:%M:%SZ")
        body = await shop.told(f"paid/history?window=1h&from={stamp}&step=1d&zone={zone}")
        refused = await shop.client.get(f"/v1/kpis/paid/history?window=today&zone={zone}")
        points = body["items"]

        assert all(_is_oracles(shop, "paid", "1h", {}, point) for point in points)
    local = {datetime.fromisoformat(p["at"]).astimezone(ZoneInfo(zone)).strftime("%H:%M:%S") for p in points}

    assert len(local) == 1
    assert (body["step"], body["step_s"], body["zone"]) == ("1d", None, zone)
    assert (refused.status_code, refused.json()["errors"][0]["parameter"]) == (400, "zone")


async def test_fill(database_url: str) -> None:
    """A quotient of nothing is a gap, filled as asked; what has a value is told as it is."""
    async with a_shop(database_url) as shop:
        path = "part/history?window=1h&from=now-10d&to=now-5d&step=1h"
        plain, carried = [(await shop.told(f"{path}&fill={fill}"))["items"] for fill in ("null", "carry")]

    assert any(point["value"] is None for point in plain)
    assert any(point["value"] is not None for point in plain)
    assert all(
        one["value"] == other["value"] and not other["filled"]
        for one, other in zip(plain, carried, strict=True)
        if one["value"] is not None
    )
    last: Decimal | None = None
    for one, other in zip(plain, carried, strict=True):
        last = last if one["value"] is None else one["value"]
        assert other["value"] == last
        assert other["filled"] is (one["value"] is None and last is not None)


async def test_files(database_url: str) -> None:
    """A history as CSV and as Parquet has the very numbers of the JSON, of 34 digits and all."""
    async with a_shop(database_url) as shop:
        path = "part/history?window=mtd&breakdown=shop&from=now-20d&step=1d"
        told = await shop.told(path)
        csv_file, parquet_file = [
            (await shop.client.get(f"/v1/kpis/{path}&format={kind}")).content for kind in ("csv", "parquet")
        ]
    lines = list(csv.DictReader(io.StringIO(csv_file.decode(), newline="")))
    rows = pq.read_table(io.BytesIO(parquet_file)).to_pylist()
    expected = [
        (each["dimensions"]["shop"], datetime.fromisoformat(point["at"]), point["value"])
        for each in told["series"]
        for point in each["items"]
    ]

    assert max(len(str(value)) for _, _, value in expected) > 30
    assert expected == [
        (row["dimensions.shop"], row["at"], None if row["value"] is None else Decimal(row["value"]))
        for row in rows
    ]
    assert expected == [
        (
            line["dimensions.shop"] or None,
            datetime.fromisoformat(line["at"]),
            Decimal(line["value"]) if line["value"] else None,
        )
        for line in lines
    ]
