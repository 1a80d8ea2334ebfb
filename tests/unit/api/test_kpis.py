"""The catalogue, over HTTP."""

from typing import Any

import pytest

from tests.unit.api.builders import Memory, a_client, a_kpi

pytestmark = pytest.mark.asyncio

CATALOGUE = [
    a_kpi("cancellations", owner="a@example.com", department=["ops", "sales"], tags=["board", "eu261"]),
    a_kpi("delays", owner="a@example.com", objective="Be on time", description="Verspätungen, sales too"),
    a_kpi("revenue", category="financial", department="sales", tags=["board"], glossary="On time or not"),
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
        ("?tag=board", ["cancellations", "revenue"]),
        ("?tag=eu261&tag=board", ["cancellations"]),
        ("?tag=boar", []),
        ("?q=VERSPATUNG", ["delays"]),
        ("?q=sales", ["cancellations", "delays", "revenue"]),
        ("?q=rev", ["revenue"]),
        ("?q=time%20on", ["delays", "revenue"]),
        ("?q=board&category=financial", ["revenue"]),
        ("?q=nothing%20sales", []),
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


SEARCHED = [
    a_kpi("a_part", description="Revenue of parts"),
    a_kpi("net", title="Net Revenue"),
    a_kpi("part", tags=["revenue"]),
    a_kpi("revenue"),
    a_kpi("visits"),
]


async def test_search_order() -> None:
    """What has the words in slug and title comes first, then the rest, each by slug; pages keep the order."""
    async with a_client(Memory(), *SEARCHED) as client:
        whole = (await client.get("/v1/kpis?q=revenue")).json()
        slugs, cursor = [], ""
        while cursor is not None:
            page = (await client.get(f"/v1/kpis?q=revenue&limit=1{cursor and f'&cursor={cursor}'}")).json()
            slugs += [item["slug"] for item in page["items"]]
            cursor = page["next_cursor"]

    assert [item["slug"] for item in whole["items"]] == ["net", "revenue", "a_part", "part"]
    assert slugs == ["net", "revenue", "a_part", "part"]


async def test_foreign_cursor() -> None:
    """A cursor of the listing by slug is none of a search, and the other way round."""
    async with a_client(Memory(), *SEARCHED) as client:
        listed = (await client.get("/v1/kpis?limit=1")).json()["next_cursor"]
        found = (await client.get("/v1/kpis?q=revenue&limit=1")).json()["next_cursor"]
        answers = [
            await client.get(f"/v1/kpis?{ask}") for ask in (f"q=net&cursor={listed}", f"cursor={found}")
        ]

    assert [(answer.status_code, answer.json()["errors"][0]["parameter"]) for answer in answers] == [
        (400, "cursor"),
        (400, "cursor"),
    ]


@pytest.mark.parametrize("query", ["q=", "q=%20%CC%81", f"q={201 * 'x'}"])
async def test_no_search(query: str) -> None:
    """A search without a word, or with a page of them, is a problem and not the whole catalogue."""
    async with a_client(Memory(), *SEARCHED) as client:
        answer = await client.get(f"/v1/kpis?{query}")

    assert (answer.status_code, answer.json()["errors"][0]["parameter"]) == (400, "q")


async def test_search_unchanged() -> None:
    """Who has the answer to a search already gets 304, and for another search another answer."""
    async with a_client(Memory(), *SEARCHED) as client:
        first = await client.get("/v1/kpis?q=revenue")
        known = {"If-None-Match": first.headers["etag"]}
        again = await client.get("/v1/kpis?q=revenue", headers=known)
        other = await client.get("/v1/kpis?q=visits", headers=known)
        tagged = await client.get("/v1/kpis?q=revenue&tag=revenue", headers=known)

    assert [answer.status_code for answer in (again, other, tagged)] == [304, 200, 200]


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
