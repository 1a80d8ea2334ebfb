"""Lineage, over HTTP."""

import pytest

from tests.unit.api.builders import Memory, a_client, a_kpi

pytestmark = pytest.mark.asyncio

RULE = {"name": "low", "window": "1h", "condition": "below", "threshold": 1}
CATALOGUE = [
    a_kpi(where="data.distance > 100", alerts=[RULE]),
    a_kpi("cancellations", event_type="flight.cancelled"),
    a_kpi(
        "rate",
        formula="cancellations / (cancellations + departures)",
        event_type=None,
        aggregate=None,
        breakdowns=[],
        alerts=[{**RULE, "name": "high", "condition": "above"}],
    ),
]


async def test_lineage() -> None:
    """A KPI tells what it is made of, down to fields, who uses it, and what is judged on it."""
    async with a_client(Memory(), *CATALOGUE) as client:
        counted = (await client.get("/v1/kpis/departures/lineage")).json()
        formula = (await client.get("/v1/kpis/rate/lineage")).json()

    assert counted == {
        "kpi": "departures",
        "version": 3,
        "events": [
            {
                "kpi": "departures",
                "event_type": "flight.departed",
                "fields": [
                    {"field": "data.carrier", "used_as": ["dimension"]},
                    {"field": "data.distance", "used_as": ["filter"]},
                ],
            }
        ],
        "made_of": [],
        "used_by": [{"kpi": "rate", "distance": 1, "reads": ["departures"]}],
        "followed_by": [],
        "scorecards": [],
        "objectives": [],
        "alerts": [{"kpi": "departures", "rule": "low"}, {"kpi": "rate", "rule": "high"}],
        "hidden": 0,
    }
    assert [each["fields"] for each in formula["events"]] == [
        [],
        [{"field": "data.distance", "used_as": ["filter"]}],
    ]
    assert formula["made_of"][0] == {"kpi": "cancellations", "distance": 1, "read_by": ["rate"]}


async def test_affected() -> None:
    """A field that would go away tells who needs it, for what, by way of whom, and which rules go with it."""
    async with a_client(Memory(), *CATALOGUE) as client:
        body = (await client.get("/v1/lineage?event_type=flight.departed&field=data['distance']")).json()

    use = {"event_type": "flight.departed", "fields": [{"field": "data.distance", "used_as": ["filter"]}]}
    users: dict[str, list[str]] = {"followed_by": [], "scorecards": [], "objectives": []}
    departures = {"kpi": "departures", "version": 3, "events": [{"kpi": "departures", **use}], **users}
    assert body == {
        "event_type": "flight.departed",
        "field": "data.distance",
        "items": [
            {**departures, "alerts": ["low"]},
            {**departures, "kpi": "rate", "alerts": ["high"]},
        ],
        "next_cursor": None,
    }


async def test_pages() -> None:
    """A cursor goes on after the last KPI of the page before."""
    async with a_client(Memory(), *CATALOGUE) as client:
        first = (await client.get("/v1/lineage?event_type=flight.departed&limit=1")).json()
        cursor = first["next_cursor"]
        second = (await client.get(f"/v1/lineage?event_type=flight.departed&limit=1&cursor={cursor}")).json()

    assert [[item["kpi"] for item in page["items"]] for page in (first, second)] == [["departures"], ["rate"]]
    assert second["next_cursor"] is None


async def test_nothing_needs_it() -> None:
    """Of a type that no KPI counts nothing is affected, and that is an answer."""
    async with a_client(Memory(), *CATALOGUE) as client:
        answer = await client.get("/v1/lineage?event_type=flight.diverted")

    assert (answer.status_code, answer.json()["items"]) == (200, [])


@pytest.mark.parametrize("path", ["/v1/kpis/rate/lineage", "/v1/lineage?field=data.distance"])
async def test_unchanged(path: str) -> None:
    """Who has the lineage already gets 304."""
    async with a_client(Memory(), *CATALOGUE) as client:
        first = await client.get(path)
        again = await client.get(path, headers={"If-None-Match": first.headers["etag"]})

    assert again.status_code == 304


REFUSED = [
    ("/v1/lineage", 400, "event_type"),
    ("/v1/lineage?event_type=", 400, "event_type"),
    ("/v1/lineage?field=distance", 400, "field"),
    ("/v1/lineage?field=data.a%20%2B%201", 400, "field"),
    ("/v1/lineage?field=", 400, "field"),
    ("/v1/lineage?fields=data.a", 400, "fields"),
    ("/v1/kpis/rate/lineage?window=1h", 400, "window"),
]


@pytest.mark.parametrize(("path", "status", "parameter"), REFUSED)
async def test_refused(path: str, status: int, parameter: str) -> None:
    """What cannot be asked is a problem that names the parameter."""
    async with a_client(Memory(), *CATALOGUE) as client:
        answer = await client.get(path)

    assert (answer.status_code, answer.json()["errors"][0]["parameter"]) == (status, parameter)


async def test_unknown() -> None:
    """A KPI that is not there has no lineage."""
    async with a_client(Memory(), *CATALOGUE) as client:
        answer = await client.get("/v1/kpis/nothing/lineage")

    assert (answer.status_code, answer.json()["type"]) == (404, "urn:tidemark:problem:unknown-kpi")
