"""What series did to a change, over HTTP."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx2
import pytest

from shared.storage.contributions import Change
from tests.unit.api.builders import NOW, Memory, a_client, a_kpi

pytestmark = pytest.mark.asyncio

PATH = "/v1/kpis/departures/contribution"


async def _answer(query: str, memory: Memory | None = None, **kpi: Any) -> httpx2.Response:
    async with a_client(memory or Memory(), a_kpi(**kpi)) as client:
        return await client.get(f"{PATH}{query}")


async def test_whole_answer() -> None:
    """A change says what was compared, how it is told by parts, and what each of these did."""
    memory = Memory()
    memory.known = [(("carrier", "AA"),)]

    answer = await _answer("?breakdown=carrier&window=24h", memory)

    total = {"value": 42, "n": 42}
    assert answer.json() == {
        "kpi": "departures",
        "version": 3,
        "window": "24h",
        "breakdown": ["carrier"],
        "unit": "flights",
        "against": "previous",
        "method": "difference",
        "now": {
            "at": "2026-01-31T09:30:00Z",
            **total,
            "window_start": "2026-01-31T08:30:00Z",
            "window_end": "2026-01-31T09:30:00Z",
        },
        "base": {
            "at": "2026-01-30T09:30:00Z",
            **total,
            "window_start": "2026-01-30T08:30:00Z",
            "window_end": "2026-01-30T09:30:00Z",
        },
        "change": 0,
        "reason": None,
        "as_of": "2026-01-31T09:29:59Z",
        "complete": False,
        "items": [
            {
                "dimensions": {"carrier": "AA"},
                "value": 42,
                "n": 42,
                "base": 42,
                "base_n": 42,
                "change": 0,
                "contribution": 0,
                "mix_effect": None,
                "rate_effect": None,
            }
        ],
    }


async def test_defaults() -> None:
    """Without wishes, the first window as of now is explained against the one before it."""
    memory = Memory()

    await _answer("?breakdown=carrier", memory)

    hour_before = NOW.replace(hour=8)
    assert [Change("departures", "1h", ("carrier",), hour_before, NOW)] == memory.changes_asked


@pytest.mark.parametrize(
    ("wish", "then"),
    [
        ("with=previous", datetime(2026, 3, 30, 12, tzinfo=UTC)),
        ("with=last_week", datetime(2026, 3, 24, 12, tzinfo=UTC)),
        ("with=last_month", datetime(2026, 2, 28, 12, tzinfo=UTC)),
        ("with=last_month&align=weekday", datetime(2026, 3, 3, 12, tzinfo=UTC)),
        ("with=last_year", datetime(2025, 3, 31, 12, tzinfo=UTC)),
    ],
)
async def test_what_it_is_compared_with(wish: str, then: datetime) -> None:
    """A change is one since the instant that comparisons mean by the same words; here of 31 March, 12:00."""
    memory, at = Memory(), datetime(2026, 3, 31, 12, tzinfo=UTC)
    async with a_client(memory, a_kpi(), clock=lambda: at) as client:
        await client.get(f"{PATH}?breakdown=carrier&window=24h&{wish}")

    assert [(change.then, change.now) for change in memory.changes_asked] == [(then, at)]


async def test_no_change() -> None:
    """Where there is no data there is no change, and nothing that contributes to it."""
    memory = Memory()
    memory.value, memory.known = None, [(("carrier", "AA"),)]

    body = (await _answer("?breakdown=carrier", memory)).json()

    assert (body["change"], body["reason"], body["items"][0]["contribution"]) == (None, "no_data", None)


async def test_quotients() -> None:
    """Of a mean it is said that parts contribute by their weight and by their own value."""
    body = (await _answer("?breakdown=carrier", aggregate="avg", value="data.delay")).json()

    assert body["method"] == "mix_and_rate"


async def test_most() -> None:
    """Only as many series as wished for are items of their own."""
    memory = Memory()
    memory.known = [(("carrier", carrier),) for carrier in ("AA", "DL", "UA")]

    body = (await _answer("?breakdown=carrier&most=2", memory)).json()

    assert len(body["items"]) == 2


async def test_indivisible() -> None:
    """A KPI that its series do not make up is a problem that says why, and what could be asked of."""
    answer = await _answer("?breakdown=carrier", aggregate="max", value="data.delay")

    assert (answer.status_code, answer.json()["type"]) == (400, "urn:tidemark:problem:bad-input")
    assert "departures is a max" in answer.json()["detail"]
    assert "It can for counts, sums" in answer.json()["detail"]


@pytest.mark.parametrize(("minutes", "reason"), [(3, None), (4, "too_coarse"), (23 * 60, "too_coarse")])
async def test_too_coarse(minutes: int, reason: str | None) -> None:
    """An hour of then of which coarse panes make more is none to compare with: values are told, no change."""
    memory = Memory()
    memory.excess, memory.known = timedelta(minutes=minutes), [(("carrier", "AA"),)]

    body = (await _answer("?breakdown=carrier", memory)).json()

    nothing = None if reason else 0
    item = body["items"][0]
    assert (body["reason"], body["change"], body["base"]["value"]) == (reason, nothing, 42)
    assert (item["value"], item["change"], item["contribution"]) == (42, nothing, nothing)


@pytest.mark.parametrize(
    ("query", "problem", "parameter"),
    [
        ("", "invalid-parameter", "breakdown"),
        ("?breakdown=", "unknown-breakdown", None),
        ("?breakdown=origin", "unknown-breakdown", None),
        ("?breakdown=carrier&window=2h", "unknown-window", None),
        ("?breakdown=carrier&carrier=AA", "invalid-parameter", "carrier"),
        ("?breakdown=carrier&known_at=2026-01-31T09:00:00Z", "invalid-parameter", "known_at"),
        ("?breakdown=carrier&with=last_decade", "invalid-parameter", "with"),
        ("?breakdown=carrier&most=0", "invalid-parameter", "most"),
        ("?breakdown=carrier&most=101", "invalid-parameter", "most"),
        ("?breakdown=carrier&at=yesterday", "invalid-parameter", "at"),
        ("?breakdown=carrier&at=2026-01-31T10:00:00Z", "invalid-parameter", "at"),
        ("?breakdown=carrier&with=last_year&at=2025-06-01T00:00:00Z", "invalid-parameter", "with"),
    ],
)
async def test_refused(query: str, problem: str, parameter: str | None) -> None:
    """What cannot be asked is a problem that names what is wrong."""
    answer = await _answer(query)

    assert (answer.status_code, answer.json()["type"]) == (400, f"urn:tidemark:problem:{problem}")
    assert [fault["parameter"] for fault in answer.json()["errors"]] == [parameter] * bool(parameter)


async def test_etag() -> None:
    """An answer that still says the same is 304, and one with another number is not."""
    memory = Memory()
    memory.known = [(("carrier", "AA"),)]
    async with a_client(memory, a_kpi()) as client:
        tag = (await client.get(f"{PATH}?breakdown=carrier")).headers["etag"]
        same = await client.get(f"{PATH}?breakdown=carrier", headers={"if-none-match": tag})
        memory.value = Decimal(43)
        other = await client.get(f"{PATH}?breakdown=carrier", headers={"if-none-match": tag})

    assert (same.status_code, other.status_code) == (304, 200)
