"""The catalogue, over HTTP."""

from typing import Any

import pytest

from tests.unit.api.builders import Memory, a_client, a_kpi

pytestmark = pytest.mark.asyncio

CATALOGUE = [
    a_kpi("cancellations", owner="a@example.com", department=["ops", "sales"]),
    a_kpi("delays", owner="a@example.com", objective="Be on time"),
    a_kpi("revenue", category="financial", department="sales"),
]


@pytest.mark.parametrize(
    ("query", "slugs"),
    [
        ("", ["cancellations", "delays", "revenue"]),
        ("?category=financial", ["revenue"]),
        ("?owner=a@example.com", ["cancellations", "delays"]),
        ("?department=sales", ["cancellations", "revenue"]),
        ("?objective=Be%20on%20time&owner=a@example.com", ["delays"]),
        ("?department=nobody", []),
    ],
)
async def test_filters(query: str, slugs: list[str]) -> None:
    """The catalogue is listed by slug, filtered by what a KPI has exactly."""
    async with a_client(Memory(), *CATALOGUE) as client:
        body = (await client.get(f"/v1/kpis{query}")).json()

    assert [item["slug"] for item in body["items"]] == slugs


async def test_pages() -> None:
    """A cursor goes on after the last KPI of the page before."""
    async with a_client(Memory(), *CATALOGUE) as client:
        first = (await client.get("/v1/kpis?limit=2")).json()
        second = (await client.get(f"/v1/kpis?limit=2&cursor={first['next_cursor']}")).json()

    assert [item["slug"] for item in second["items"]] == ["revenue"]
    assert second["next_cursor"] is None


async def test_one() -> None:
    """A definition says what the KPI means, whose it is, how it is made and when it alarms."""
    rule = {"name": "many", "window": "1h", "condition": "above", "threshold": "1.50", "for": "5m"}
    async with a_client(Memory(), a_kpi(alerts=[rule], target={"value": 5})) as client:
        answer = await client.get("/v1/kpis/departures")
    body = answer.json()

    assert '"threshold":1.50,' in answer.text
    assert body["alerts"][0] | {"threshold": 1.5} == {
        "name": "many",
        "window": "1h",
        "condition": "above",
        "threshold": 1.5,
        "for_s": 300,
        "severity": "warning",
        "labels": {},
        "annotations": {},
        "breakdown": [],
    }
    assert {name: body[name] for name in ("slug", "version", "windows", "breakdowns", "direction")} == {
        "slug": "departures",
        "version": 3,
        "windows": ["1h", "24h"],
        "breakdowns": [["carrier"]],
        "direction": "up",
    }


async def test_meaning() -> None:
    """A definition says where to read on, how the business words it and by what it is found."""
    links = {"runbook": "https://wiki.example.com/late", "data": "http://bi.example.com/q?team=ops"}
    meaning: dict[str, Any] = {
        "category": "punctuality",
        "glossary": "OTP",
        "tags": ["board", "eu261"],
        "links": links,
    }
    async with a_client(Memory(), a_kpi(**meaning)) as client:
        body = (await client.get("/v1/kpis/departures")).json()

    assert {name: body[name] for name in meaning} == meaning
    assert list(body["links"]) == ["data", "runbook"]


async def test_unchanged() -> None:
    """Who has the definition in force already gets 304."""
    async with a_client(Memory(), *CATALOGUE) as client:
        first = await client.get("/v1/kpis/delays")
        again = await client.get("/v1/kpis/delays", headers={"If-None-Match": first.headers["etag"]})

    assert again.status_code == 304


async def test_misspelt_filter() -> None:
    """A filter that does not exist is a problem, not the whole catalogue."""
    async with a_client(Memory(), *CATALOGUE) as client:
        answer = await client.get("/v1/kpis?departement=ops")

    assert answer.status_code == 400
