"""Which series a listing and a stream are about."""

from collections.abc import Mapping

import pytest
from starlette.datastructures import QueryParams

from services.api.http.parameters import dimension_filter
from services.api.http.selections import Selection
from shared.domain.access.limits import Limits
from tests.unit.api.builders import Memory, a_client, a_kpi

KPI = a_kpi(department=["ops", "sales"], category="operational", tags=["daily", "public"])
ALL: list[Mapping[str, str | None]] = [
    {},
    {"carrier": "AA"},
    {"carrier": "UA"},
    {"carrier": None},
    {"carrier": "AA", "origin": "JFK"},
]


@pytest.mark.parametrize(
    ("selection", "is_taken"),
    [
        (Selection(), True),
        (Selection(slugs=frozenset({"departures", "delays"})), True),
        (Selection(slugs=frozenset({"delays"})), False),
        (Selection(windows=frozenset({"24h"})), False),
        (Selection(windows=frozenset({"1h"})), True),
        (Selection(departments=frozenset({"sales", "law"})), True),
        (Selection(departments=frozenset({"law"})), False),
        (Selection(categories=frozenset({"financial"})), False),
        (Selection(tags=frozenset({"daily", "public"})), True),
        (Selection(tags=frozenset({"daily", "secret"})), False),
        (Selection(breakdown=frozenset()), True),
        (Selection(breakdown=frozenset({"carrier"})), False),
        (Selection(limits=Limits(departments=frozenset({"law"}))), False),
        (Selection(limits=Limits(kpis=frozenset({"departures"}))), True),
    ],
)
def test_choices(selection: Selection, *, is_taken: bool) -> None:
    """An empty choice is everything; several choices must all fit."""
    assert selection.takes(KPI, "1h", {}) is is_taken


@pytest.mark.parametrize(
    ("query", "taken"),
    [
        ("", ALL),
        ("carrier=AA", [ALL[1], ALL[4]]),
        ("carrier=AA&carrier=UA", [ALL[1], ALL[2], ALL[4]]),
        ("carrier=", [ALL[3]]),
        ("not.carrier=AA", [ALL[2], ALL[3]]),
        ("not.carrier=AA&not.carrier=", [ALL[2]]),
        ("carrier=AA&origin=JFK", [ALL[4]]),
        ("carrier=AA&not.origin=JFK", []),
        ("data.carrier=UA&window=1h", [ALL[2]]),
        ("not.data.carrier=UA&carrier=AA", [ALL[1], ALL[4]]),
    ],
)
def test_dimensions(query: str, taken: list[Mapping[str, str | None]]) -> None:
    """A dimension speaks of the series kept by it: any of several values, or with not. none of them."""
    found = dimension_filter(QueryParams(query), reserved=["window"])

    assert [each for each in ALL if found.takes(each)] == taken


def test_gone_and_limits() -> None:
    """Of a KPI that went, a caller with limits is told only if it had named it."""
    limits = Limits(departments=frozenset({"ops"}))

    assert Selection().takes_gone("departures", "1h", {})
    assert not Selection(limits=limits).takes_gone("departures", "1h", {})
    assert Selection(limits=limits, slugs=frozenset({"departures"})).takes_gone("departures", "1h", {})


@pytest.mark.asyncio
@pytest.mark.parametrize("path", ["/v1/values", "/v1/stream"])
@pytest.mark.parametrize("query", ["dpartment=ops", "not.colour=red", "breakdown=colour"])
async def test_strange_names(path: str, query: str) -> None:
    """A name that no KPI is kept by is refused: a misspelt filter must not answer with nothing."""
    async with a_client(Memory(), a_kpi()) as client:
        answer = await client.get(f"{path}?{query}")

    assert answer.status_code == 400
    assert answer.json()["type"] == "urn:tidemark:problem:invalid-parameter"
