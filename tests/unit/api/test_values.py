"""A KPI's value at an instant, over HTTP."""

import json
from decimal import Decimal
from typing import Any

import httpx2
import pytest

from tests.unit.api.builders import NOW, Memory, a_client, a_kpi

pytestmark = pytest.mark.asyncio

A_TARGET = {"value": 50, "warning": 40}


async def _value(memory: Memory, query: str = "", **kpi: Any) -> httpx2.Response:
    async with a_client(memory, a_kpi(**kpi)) as client:
        return await client.get(f"/v1/kpis/departures/value{query}")


async def test_whole_answer() -> None:
    """A value says what it is, what it follows from, how sure it is and what it means."""
    memory = Memory()

    answer = await _value(memory, "?window=1h", target=A_TARGET)

    assert answer.json() == {
        "kpi": "departures",
        "version": 3,
        "window": "1h",
        "dimensions": {},
        "value": 42,
        "unit": "flights",
        "n": 42,
        "window_start": "2026-01-31T08:30:00Z",
        "window_end": "2026-01-31T09:30:00Z",
        "as_of": "2026-01-31T09:29:59Z",
        "complete": False,
        "valid_until": None,
        "target": {
            "value": 50,
            "warning": 40,
            "tolerance": None,
            "kind": "fixed",
            "source": None,
        },
        "status": "at_risk",
        "attainment": 0.84,  # 42 / 50
    }


async def test_defaults() -> None:
    """Without wishes, the first window is answered as of now."""
    memory = Memory()

    await _value(memory)

    assert [(ask.window, ask.at) for ask in memory.asks] == [("1h", NOW)]


@pytest.mark.parametrize(
    "digits", ["0.10", "12345678901234567890123456789012345678", "-0.000000001", "1E+3"], ids=str
)
async def test_exact_numbers(digits: str) -> None:
    """Decimals leave with every digit they have, as number literals."""
    memory = Memory()
    memory.value = Decimal(digits)

    answer = await _value(memory)

    value = json.loads(answer.text, parse_float=Decimal, parse_int=Decimal)["value"]
    assert value.as_tuple() == Decimal(digits).as_tuple()


async def test_no_data() -> None:
    """No data is null, and its status says so: nothing is on or off track."""
    memory = Memory()
    memory.value = None

    body = (await _value(memory, target=A_TARGET)).json()

    assert (body["value"], body["status"], body["attainment"]) == (None, "no_data", None)


async def test_dimension() -> None:
    """A parameter that is nothing else is a dimension."""
    memory = Memory()

    answer = await _value(memory, "?carrier=AA")

    assert answer.json()["dimensions"] == {"carrier": "AA"}


async def test_missing_dimension() -> None:
    """An empty dimension asks for the events that do not have it."""
    memory = Memory()

    await _value(memory, "?carrier=")

    assert memory.asks[0].dimensions == (("carrier", None),)


async def test_dimension_named_like_a_parameter() -> None:
    """A dimension whose name means something else is reached with data. before it."""
    memory = Memory()

    await _value(memory, "?data.window=left", breakdowns=[["window"]])

    assert memory.asks[0].dimensions == (("window", "left"),)


async def test_unknown_dimension() -> None:
    """A dimension that the KPI is not kept by is a problem that names those it is kept by."""
    answer = await _value(Memory(), "?karrier=AA", breakdowns=[["carrier"], ["carrier", "origin"]])

    assert answer.status_code == 400
    assert answer.json()["type"] == "urn:tidemark:problem:unknown-breakdown"
    assert "carrier; carrier, origin" in answer.json()["detail"]


async def test_unknown_window() -> None:
    """A window that the KPI has not is a problem that names those it has."""
    answer = await _value(Memory(), "?window=2h")

    assert answer.json()["type"] == "urn:tidemark:problem:unknown-window"
    assert "1h, 24h" in answer.json()["detail"]


@pytest.mark.parametrize(
    "at",
    [
        "yesterday",
        "1769851800",
        "2026-01-31T09:30:00",
        "2026-01-31 09:30:00Z",
        "2026-01-31T09:30:00+01:00",  # + not escaped: arrives as a space
        "2026-01-31T09:36:00Z",  # six minutes ahead
        "2021-12-01T00:00:00Z",  # 1,522 days back
        "0001-01-01T00:00:00%2B14:00",
    ],
)
async def test_instants_refused(at: str) -> None:
    """Only aware RFC 3339 times within reach are instants; everything else names the parameter."""
    answer = await _value(Memory(), f"?at={at}")

    assert answer.status_code == 400
    assert [fault["parameter"] for fault in answer.json()["errors"]] == ["at"]


async def test_instant_with_offset() -> None:
    """An instant may be written with any offset."""
    memory = Memory()

    answer = await _value(memory, "?at=2026-01-31T10:00:00%2B01:00")

    assert answer.json()["window_end"] == "2026-01-31T09:00:00Z"


async def test_unchanged_value() -> None:
    """Who has the value already gets 304 and no body."""
    memory = Memory()
    async with a_client(memory) as client:
        first = await client.get("/v1/kpis/departures/value")
        again = await client.get(
            "/v1/kpis/departures/value", headers={"If-None-Match": f'"other", {first.headers["etag"]}'}
        )

    assert (again.status_code, again.content) == (304, b"")
    assert first.headers["cache-control"] == "no-cache"


async def test_changed_value() -> None:
    """A value that has changed is sent, whatever the caller has."""
    memory = Memory()
    async with a_client(memory) as client:
        first = await client.get("/v1/kpis/departures/value")
        memory.value = Decimal(43)
        again = await client.get(
            "/v1/kpis/departures/value", headers={"If-None-Match": first.headers["etag"]}
        )

    assert again.json()["value"] == 43


async def test_series_of_a_breakdown() -> None:
    """A breakdown answers with every combination that has been met, in a stable order."""
    memory = Memory()
    memory.known = [(("carrier", "UA"),), (("carrier", None),), (("carrier", "AA"),)]

    body = (await _value(memory, "?breakdown=carrier")).json()

    assert [item["dimensions"]["carrier"] for item in body["items"]] == ["AA", "UA", None]


async def test_pages_of_a_breakdown() -> None:
    """Cursors lead through all series, each once."""
    memory = Memory()
    memory.known = [(("carrier", name),) for name in "ABCDE"]
    seen, cursor = [], ""
    async with a_client(memory) as client:
        while cursor is not None:
            query = f"?breakdown=carrier&limit=2&cursor={cursor}".removesuffix("&cursor=")
            body = (await client.get(f"/v1/kpis/departures/value{query}")).json()
            seen.append([item["dimensions"]["carrier"] for item in body["items"]])
            cursor = body["next_cursor"]

    assert seen == [["A", "B"], ["C", "D"], ["E"]]


async def test_breakdown_with_a_dimension() -> None:
    """Asking for all series and for one of them at once is a contradiction."""
    answer = await _value(Memory(), "?breakdown=carrier&carrier=AA")

    assert answer.status_code == 400


async def test_top() -> None:
    """The first series of a breakdown come with one that stands for all others."""
    memory = Memory()
    memory.known = [(("carrier", name),) for name in ("AA", "B6", "UA")]

    answer = await _value(memory, "?breakdown=carrier&top=2", breakdowns=["carrier"])

    assert [item["dimensions"]["carrier"] for item in answer.json()["items"]] == ["AA", "B6", "__other__"]
    assert answer.json()["next_cursor"] is None


@pytest.mark.parametrize(
    "query",
    [
        "?top=2",
        "?breakdown=carrier&top=2&known_at=2026-01-31T09:00:00Z",
        "?breakdown=carrier&top=2&cursor=5b5d",
    ],
    ids=["without a breakdown", "as known at", "with a cursor"],
)
async def test_top_of_what(query: str) -> None:
    """Asking for the first of nothing, or of what cannot be ranked, is refused by name."""
    answer = await _value(Memory(), query, breakdowns=["carrier"])

    assert answer.status_code == 400
    assert answer.json()["detail"].startswith("top: ")
