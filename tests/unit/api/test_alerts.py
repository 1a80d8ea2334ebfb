"""Where alerts stand, over HTTP."""

from decimal import Decimal
from typing import Any

import pytest

from shared.domain.alerts import Firing, Inactive, Pending
from tests.unit.api.builders import NOW, Memory, a_client, a_kpi
from tests.unit.domain.alert_builders import after, an_alert

pytestmark = pytest.mark.asyncio

ALERTS = [
    an_alert(state=Firing(NOW, after(-60)), value=Decimal("12.50"), dimensions={"carrier": "AA"}),
    an_alert(state=Inactive(NOW), dimensions={"carrier": "UA"}),
    an_alert(state=Pending(NOW), dimensions={}),
]


async def _body(query: str = "") -> Any:
    memory = Memory()
    memory.standing = sorted(ALERTS, key=lambda alert: alert.alert_id)
    async with a_client(memory, a_kpi(), a_kpi("delays")) as client:
        return (await client.get(f"/v1/alerts{query}")).json()


async def test_firing() -> None:
    """An alert says what it is about, how it stands since when, and what it was judged by."""
    body = await _body("?state=firing")
    alert = body["items"][0]

    assert alert["alert_id"] == ALERTS[0].alert_id
    assert alert | {"alert_id": ""} == {
        "alert_id": "",
        "kpi": "departures",
        "version": 1,
        "rule": "too_many",
        "severity": "critical",
        "state": "firing",
        "since": "2026-01-31T09:30:00Z",
        "breached_at": "2026-03-01T11:59:00Z",
        "transition": 0,
        "window": "5m",
        "dimensions": {"carrier": "AA"},
        "condition": "above",
        "threshold": 10,
        "for_s": 60,
        "value": 12.5,
        "unit": "flights",
        "owner": "ops@example.org",
        "labels": {},
        "annotations": {},
        "evaluated_at": "2026-03-01T12:00:00Z",
    }


@pytest.mark.parametrize(
    ("query", "count"), [("", 3), ("?state=pending", 1), ("?kpi=delays", 0), ("?kpi=departures", 3)]
)
async def test_filters(query: str, count: int) -> None:
    """Alerts are filtered by state and by KPI."""
    body = await _body(query)

    assert len(body["items"]) == count


async def test_pages() -> None:
    """Cursors lead through all alerts, each once."""
    first = await _body("?limit=2")
    second = await _body(f"?limit=2&cursor={first['next_cursor']}")
    seen = {item["alert_id"] for item in first["items"] + second["items"]}

    assert (len(seen), second["next_cursor"]) == (3, None)


@pytest.mark.parametrize("cursor", ["5b2261225d", "zz"])  # ["a"]
async def test_foreign_cursors(cursor: str) -> None:
    """A cursor of another listing is refused."""
    body = await _body(f"?cursor={cursor}")

    assert body["errors"][0]["parameter"] == "cursor"
