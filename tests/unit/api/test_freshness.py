"""How fresh KPIs are, over HTTP."""

from datetime import timedelta

import pytest

from shared.domain.freshness import LastEvent
from tests.unit.api.builders import NOW, Memory, a_client, a_kpi

pytestmark = pytest.mark.asyncio

RATIO = a_kpi("ratio", formula="departures / departures", event_type=None, aggregate=None, breakdowns=[])


async def test_whole_answer() -> None:
    """State and reason, how far counting is, and the last event of each KPI behind it."""
    memory = Memory()
    memory.last = LastEvent(NOW - timedelta(hours=2), NOW - timedelta(hours=2) + timedelta(seconds=10))
    async with a_client(memory, a_kpi(), RATIO) as client:
        answer = await client.get("/v1/kpis/ratio/freshness")

    last = {"after": "2026-01-31T07:30:00Z", "before": "2026-01-31T07:30:10Z"}
    assert answer.json() == {
        "kpi": "ratio",
        "version": 3,
        "state": "silent",
        "reason": "counting is up to date, and no event has come for longer than the shortest window",
        "as_of": "2026-01-31T09:29:59Z",
        "lag_s": 1.0,
        "watermark": "2026-01-31T09:29:59Z",
        "last_event": last,
        "silent_s": 7190.0,
        "sources": [{"kpi": "departures", "event_type": "flight.departed", "last_event": last}],
        "hidden": 0,
    }
    assert answer.headers["cache-control"] == "no-store"


async def test_pages() -> None:
    """The list goes by slug, a page at a time."""
    async with a_client(Memory(), a_kpi(), a_kpi("arrivals"), RATIO) as client:
        first = (await client.get("/v1/freshness?limit=2")).json()
        rest = (await client.get(f"/v1/freshness?limit=2&cursor={first['next_cursor']}")).json()

    assert [item["kpi"] for item in first["items"] + rest["items"]] == ["arrivals", "departures", "ratio"]
    assert {item["state"] for item in first["items"]} == {"empty"}
    assert rest["next_cursor"] is None


@pytest.mark.parametrize(
    ("path", "status"),
    [("/v1/kpis/none/freshness", 404), ("/v1/freshness?kpi=a", 400), ("/v1/freshness?cursor=zz", 400)],
)
async def test_refused(path: str, status: int) -> None:
    """What is not there, and what cannot be asked."""
    async with a_client(Memory()) as client:
        answer = await client.get(path)

    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
