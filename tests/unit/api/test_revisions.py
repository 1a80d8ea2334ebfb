"""The changes of complete values, over HTTP."""

from decimal import Decimal

import httpx2
import pytest

from shared.domain.errors import ReplayTooLargeError
from shared.replay.changes import ChangeReason, Origin
from shared.replay.revisions import Revision
from tests.unit.api.builders import NOW, Memory, Past, a_client, a_kpi, a_reading

pytestmark = pytest.mark.asyncio

AT = "2026-01-31T08:00:00Z"


async def _answer(query: str, past: Past | None = None) -> httpx2.Response:
    async with a_client(Memory(), a_kpi(), past=past or Past(Memory())) as client:
        return await client.get(f"/v1/kpis/departures/revisions{query}")


async def test_whole_answer() -> None:
    """A revision says what the value was and became, when, why, and where that is in the log."""
    past = Past(Memory())
    before, after = a_reading(value=Decimal("1.50"), n=2), a_reading(value=None, n=0)
    past.changes = [Revision(NOW, ChangeReason.RETRACTION, before, after, (Origin(3, 17, 18),))]
    answer = await _answer(f"?at={AT}&window=24h&carrier=AA", past)

    assert answer.json() == {
        "kpi": "departures",
        "version": 3,
        "window": "24h",
        "dimensions": {"carrier": "AA"},
        "at": AT,
        "unit": "flights",
        "items": [
            {
                "changed_at": "2026-01-31T09:30:00Z",
                "reason": "retraction",
                "before": 1.5,
                "after": None,
                "n_before": 2,
                "n_after": 0,
                "origins": [{"partition": 3, "first_offset": 17, "until_offset": 18}],
            }
        ],
    }
    assert "1.50" in answer.text
    assert [(ask.window, ask.dimensions) for ask in past.revised] == [("24h", (("carrier", "AA"),))]


@pytest.mark.parametrize(
    "query", ["", "?at=now", "?at=2026-01-31T09:36:00Z", f"?at={AT}&gate=4", f"?at={AT}&window=7m"]
)
async def test_refused(query: str) -> None:
    """The instant has to be named, and be one; so do the window and the dimensions."""
    answer = await _answer(query)

    assert answer.status_code == 400


async def test_too_large() -> None:
    """What would take too much of the log is refused with the numbers."""
    past = Past(Memory())
    past.failure = ReplayTooLargeError(1_234_567, 500_000)
    answer = await _answer(f"?at={AT}", past)

    assert answer.json()["type"] == "urn:tidemark:problem:replay-too-large"
    assert "1,234,567" in answer.json()["detail"]
