"""Where a KPI is heading, over HTTP."""

import json
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx2
import pytest

from services.api.routes.comparisons import MAX_TREND_POINTS
from tests.unit.api.builders import NOW, Memory, Past, a_client, a_kpi
from tests.unit.api.test_comparisons import Told

pytestmark = pytest.mark.asyncio

HOUR = timedelta(hours=1)


async def _answer(memory: Memory, query: str = "", **kpi: Any) -> httpx2.Response:
    async with a_client(memory, a_kpi(**kpi)) as client:
        return await client.get(f"/v1/kpis/departures/trend{query}")


def rising(count: int) -> Told:
    """A store in which each of so many hours up to now has one more than the hour before, from 1 on."""
    return Told({NOW - HOUR * (count - number): str(number) for number in range(1, count + 1)})


async def test_whole_answer() -> None:
    """A trend says where it leads, how sure that is, and by which points."""
    answer = await _answer(rising(9), "?window=1h&from=now-8h", direction="down", target={"value": 5})

    body = json.loads(answer.text)
    items = body.pop("items")
    # S = 36, var = 9 * 8 * 23 / 18 = 92: z = 35 / 9.5917 = 3.649
    assert body.pop("p_value") == pytest.approx(0.000263, rel=2e-3)
    assert body == {
        "kpi": "departures",
        "version": 3,
        "window": "1h",
        "dimensions": {},
        "unit": "flights",
        "direction": "down",
        "step_s": None,
        "overlapping": False,
        "as_of": "2026-01-31T09:29:59Z",
        "n": 9,
        "slope_per_day": 24.0,
        "course": "rising",
        "judgement": "worse",
        "best": {"at": "2026-01-31T01:30:00Z", "value": 1},
        "worst": {"at": "2026-01-31T09:30:00Z", "value": 9},
        "percentile": 1,
    }
    assert [(each["at"][11:13], each["value"]) for each in items] == [(f"{n:02}", n) for n in range(1, 10)]
    assert {each["target"]["value"] for each in items} == {5}
    assert [each["attainment"] for each in items] == [1.8, 1.6, 1.4, 1.2, 1, 0.8, 0.6, 0.4, 0.2]  # 2 - n / 5
    assert [each["status"] for each in items] == ["on_track"] * 5 + ["off_track"] * 4


async def test_windows_side_by_side() -> None:
    """Unless told otherwise there are thirty points, each a window after the one before, up to now."""
    memory = Told()

    body = (await _answer(memory, "?window=24h")).json()

    assert [ask.at for ask in memory.asks] == [NOW - timedelta(days=n) for n in range(29, -1, -1)]
    assert (body["step_s"], body["overlapping"], body["course"]) == (None, False, "steady")


async def test_as_far_as_kept() -> None:
    """Of windows too long for thirty, there are as many as are kept: months to date of 400 days."""
    memory = Told()

    await _answer(memory, "?window=mtd", windows=["mtd"])

    days = [ask.at.date().isoformat() for ask in memory.asks]
    assert days[-3:] == ["2025-11-30", "2025-12-31", "2026-01-31"]
    assert (days[0], len(days)) == ("2024-12-31", 14)


@pytest.mark.parametrize(
    ("query", "hours"),
    [
        ("?from=now-5h&to=now-1h", [5, 4, 3, 2, 1]),
        ("?from=now-5h&step=2h", [4, 2, 0]),  # counted back from the newest
        ("?step=3h", list(range(87, -1, -3))),
        ("?from=now&to=now", [0]),
        ("?to=2026-01-31T07:30:00Z&from=2026-01-31T05:31:00Z", [3, 2]),
    ],
)
async def test_points(query: str, hours: list[int]) -> None:
    """Points are counted back from the newest instant, as far as the oldest one, or thirty."""
    memory = Told()

    await _answer(memory, query)

    assert [(NOW - ask.at) / HOUR for ask in memory.asks] == hours


@pytest.mark.parametrize(
    ("query", "is_overlapping"),
    [
        ("?window=1h&step=30m", True),
        ("?window=1h&step=1h", False),
        ("?window=24h&step=1h", True),
        ("?window=24h&step=7d", False),
        ("?window=24h&step=1h&from=now-30m", False),  # one point
        ("?window=today&step=1d", False),
        ("?window=today&step=6h", True),
        ("?window=yesterday&step=6h", True),
        ("?window=1h&to=now-200d", True),  # of days, which are all that is left of then
        ("?window=today", False),
    ],
)
async def test_overlapping(query: str, *, is_overlapping: bool) -> None:
    """Who asks for steps shorter than the window is told that its points share events."""
    body = (await _answer(Told(), query, windows=["1h", "24h", "today", "yesterday"])).json()

    assert body["overlapping"] is is_overlapping


@pytest.mark.parametrize(("hours", "is_allowed"), [(MAX_TREND_POINTS - 1, True), (MAX_TREND_POINTS, False)])
@pytest.mark.parametrize("step", ["", "&step=1h"])
async def test_most_points(step: str, hours: int, *, is_allowed: bool) -> None:
    """A trend has 500 points at most: 499 steps and the first point."""
    answer = await _answer(Told(), f"?window=1h&from=now-{hours}h{step}")

    assert (answer.status_code == 200) is is_allowed


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("?from=now-1x", "from"),
        ("?from=now&to=now-1h", "to"),
        ("?from=now-401d", "from"),
        ("?to=now-401d", "to"),
        ("?step=0m", "step"),
        ("?from=now-10d&step=1s", "step"),
    ],
)
async def test_parameters_refused(query: str, parameter: str) -> None:
    """A trend that makes no sense is a problem that names the parameter."""
    answer = await _answer(Told(), query)

    assert answer.status_code == 400
    assert [fault["parameter"] for fault in answer.json()["errors"]] == [parameter]


async def test_gaps() -> None:
    """Points without data are told and left out of the trend; a newest one has no percentile then."""
    memory = rising(9)
    memory.values = {**memory.values, NOW: None}

    body = (await _answer(memory, "?window=1h&from=now-8h")).json()

    assert (len(body["items"]), body["n"], body["percentile"]) == (9, 8, None)
    assert body["items"][-1]["value"] is None


async def test_too_coarse() -> None:
    """Where old panes make a window another one, its point is left out of the trend: here, after 100 days."""
    body = (await _answer(Told(), "?window=1h&step=1d&from=now-150d")).json()

    assert (len(body["items"]), body["n"], body["overlapping"]) == (151, 100, False)


async def test_as_coarse() -> None:
    """Points of the distant past, all of whose windows are too long alike, are a trend."""
    body = (await _answer(Told(), "?window=1h&step=1d&from=now-230d&to=now-200d")).json()

    assert (len(body["items"]), body["n"]) == (31, 31)


async def test_too_few() -> None:
    """Of fewer than eight values nobody can say where they are heading; a slope they have."""
    body = (await _answer(rising(7), "?window=1h&from=now-6h")).json()

    assert (body["course"], body["p_value"], body["judgement"]) == ("unknown", None, None)
    assert body["slope_per_day"] == pytest.approx(24)


async def test_percentile() -> None:
    """The percentile is exact, to 34 digits: 4 is as large as three of four, and one of three is a third."""
    memory = Told({NOW - HOUR * 3: "1", NOW - HOUR * 2: "5", NOW - HOUR: "6", NOW: "4"})

    answer = await _answer(memory, "?window=1h&from=now-3h")

    assert json.loads(answer.text, parse_float=Decimal)["percentile"] == Decimal("0." + "3" * 34)


async def test_series() -> None:
    """A trend is of one series, however its dimension is called."""
    memory = Told()

    body = (await _answer(memory, "?data.step=x&step=1h&from=now-1h", breakdowns=[["step"]])).json()

    assert body["dimensions"] == {"step": "x"}
    assert {ask.dimensions for ask in memory.asks} == {(("step", "x"),)}


async def test_what_was_known() -> None:
    """A trend as known earlier ends, unless told otherwise, at the time of knowing."""
    memory = Told()
    past = Past(memory)
    async with a_client(memory, past=past) as client:
        await client.get("/v1/kpis/departures/trend?window=1h&from=now-2h&known_at=2026-01-31T07:00:00Z")

    then = datetime.fromisoformat("2026-01-31T07:00:00Z")
    assert [ask.at for ask in memory.asks] == [then - HOUR * 2, then - HOUR, then]
    assert past.times == [then]


async def test_unchanged() -> None:
    """Who has the trend gets 304 until a value of it moves."""
    memory = rising(9)
    path = "/v1/kpis/departures/trend?window=1h"
    async with a_client(memory) as client:
        tag = {"If-None-Match": (await client.get(path)).headers["etag"]}
        again = await client.get(path, headers=tag)
        memory.values = {**memory.values, NOW - HOUR * 5: "99"}
        moved = await client.get(path, headers=tag)

    assert (again.status_code, moved.status_code) == (304, 200)
