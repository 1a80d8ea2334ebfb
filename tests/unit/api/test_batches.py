"""Questions that are asked together, over HTTP."""

from datetime import timedelta
from typing import Any

import httpx2
import pytest

from tests.unit.api.builders import NOW, Memory, a_client, a_kpi

pytestmark = pytest.mark.asyncio

ONE_CARRIER = {"carrier": "AA"}
BY_CARRIER = {"kpi": "departures", "breakdown": ["carrier"]}


async def _answer(memory: Memory, body: object) -> httpx2.Response:
    async with a_client(memory, a_kpi(), a_kpi("delays")) as client:
        return await client.post("/v1/values/query", json=body)


async def _items(*questions: object, memory: Memory | None = None) -> list[Any]:
    answer = await _answer(memory or Memory(), {"questions": questions})
    answer.raise_for_status()
    return list(answer.json()["items"])


async def test_order() -> None:
    """Every question has its answer at its place, whatever the kind of the others."""
    memory = Memory()
    memory.known = [(("carrier", "AA"),), (("carrier", "UA"),)]
    found = await _items(
        {"kpi": "delays", "window": "24h"},
        BY_CARRIER | {"top": 1},
        {"kpi": "departures", "dimensions": {"carrier": None}},
        memory=memory,
    )

    assert [found[0]["value"]["kpi"], found[0]["value"]["window"]] == ["delays", "24h"]
    assert [each["dimensions"]["carrier"] for each in found[1]["series"]] == ["AA", "__other__"]
    assert [found[2]["value"]["kpi"], found[2]["value"]["dimensions"]] == ["departures", {"carrier": None}]


async def test_one_bad_question() -> None:
    """A question that cannot be answered has its problem, the others their values."""
    found = await _items({"kpi": "departures"}, {"kpi": "nothing"}, {"kpi": "delays"})

    assert [(each["value"] is None, each["problem"] is None) for each in found] == [
        (False, True),
        (True, False),
        (False, True),
    ]
    assert found[1]["problem"] == {
        "type": "urn:tidemark:problem:unknown-kpi",
        "title": "There is no such KPI",
        "status": 404,
        "detail": "there is no KPI 'nothing'",
        "errors": [],
    }


@pytest.mark.parametrize(
    ("question", "problem", "pointer"),
    [
        ({"window": "7h"}, "unknown-window", None),
        ({"dimensions": {"origin": "JFK"}}, "unknown-breakdown", None),
        ({"breakdown": ["origin"]}, "unknown-breakdown", None),
        ({"at": "yesterday"}, "invalid-parameter", "/questions/1/at"),
        ({"at": "2036-01-01T00:00:00Z"}, "invalid-parameter", "/questions/1/at"),
        ({"top": 3}, "invalid-parameter", "/questions/1/top"),
        (BY_CARRIER | {"dimensions": ONE_CARRIER}, "invalid-parameter", "/questions/1/breakdown"),
        (BY_CARRIER | {"compare": ["previous"]}, "invalid-parameter", "/questions/1/compare"),
    ],
    ids=str,
)  # fmt: skip
async def test_problems(question: dict[str, Any], problem: str, pointer: str | None) -> None:
    """What is wrong with a question is told by kind, and where a field is at fault by its place."""
    found = (await _items({"kpi": "delays"}, {"kpi": "departures"} | question))[1]

    assert found["problem"]["type"] == f"urn:tidemark:problem:{problem}"
    assert [fault["pointer"] for fault in found["problem"]["errors"]] == ([pointer] if pointer else [])
    assert (found["value"], found["series"]) == (None, None)


async def test_compared() -> None:
    """A question may ask what its value is compared with; what is no longer kept says so."""
    at = (NOW - timedelta(days=300)).isoformat()
    [found] = await _items({"kpi": "departures", "at": at, "compare": ["last_year", "previous"]})
    items = found["value"]["items"]

    assert [each["against"] for each in items] == ["last_year", "previous"]
    assert [each["reason"] == "not_kept" for each in items] == [True, False]


async def test_one_round() -> None:
    """Everything is read in one go, from one snapshot."""
    memory = Memory()
    await _items({"kpi": "departures"}, BY_CARRIER, {"kpi": "delays", "compare": ["previous"]}, memory=memory)

    assert memory.rounds == 1


async def test_breakdowns_limited() -> None:
    """Only ten questions may ask for breakdowns; the eleventh is refused."""
    found = await _items(*[BY_CARRIER] * 11)

    assert [each["problem"] is None for each in found] == [True] * 10 + [False]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"questions": []}, "/questions"),
        ({"questions": [{"kpi": "delays"}] * 101}, "/questions"),
        ({"questions": [{"kpi": 7}]}, "/questions/0/kpi"),
        ({"questions": [{"kpi": "delays", "windows": "1h"}]}, "/questions/0/windows"),
        ({"questions": [{"kpi": "delays", "top": 101}]}, "/questions/0/top"),
        ({"questions": [{"kpi": "delays"}], "now": True}, "/now"),
        ({}, "/questions"),
        ([], ""),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_bodies_refused(body: object, pointer: str) -> None:
    """A body of another shape is refused as a whole, and the part at fault named."""
    answer = await _answer(Memory(), body)

    assert answer.status_code == 400
    assert [fault["pointer"] for fault in answer.json()["errors"]] == [pointer]
