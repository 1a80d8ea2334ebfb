"""How a period is going, over HTTP."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import httpx2
import pytest

from shared.domain.definitions import Catalogue
from shared.domain.readings import Reading
from shared.storage.readings import Ask
from tests.unit.api.builders import Memory, a_client, a_kpi

pytestmark = pytest.mark.asyncio


class Daily(Memory):
    """Ten a day, from the first of the month that is asked about."""

    rounds = 0

    async def evaluate(self, catalogue: Catalogue, asks: Sequence[Ask], *, now: datetime) -> list[Reading]:
        """The readings, whatever the time."""
        self.rounds += 1
        found = await super().evaluate(catalogue, asks, now=now)
        return [self._begun(reading) for reading in found]

    def _begun(self, reading: Reading) -> Reading:
        at = reading.window_end
        start = at.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        days = (at - start).days
        value = None if self.value is None else Decimal(10 * days)
        return replace(reading, window_start=start, value=value, n=10 * days)


async def _pace(memory: Memory, query: str = "", **changes: Any) -> httpx2.Response:
    async with a_client(memory, a_kpi(windows=["mtd", "24h"], **changes)) as client:
        return await client.get(f"/v1/kpis/departures/pace{query}")


async def test_whole_answer() -> None:
    """30 days of January are over, and 9.5 hours; a month of 620 should have 20 a day, and there are 10."""
    answer = await _pace(Daily(), target={"value": 620, "phasing": {"every": "month"}, "at_risk": 0.5})

    body = answer.json()
    projection = body.pop("projection")
    earlier = projection.pop("earlier")
    elapsed = (30 + 9.5 / 24) / 31
    assert body.pop("elapsed") == pytest.approx(elapsed)
    assert body.pop("expected") == pytest.approx(620 * elapsed)
    assert body.pop("ahead") == pytest.approx(300 - 620 * elapsed)
    assert body.pop("attainment") == pytest.approx(300 / (620 * elapsed))
    assert body.pop("rate_per_day") == pytest.approx(300 / (30 + 9.5 / 24))
    assert body.pop("required_per_day") == pytest.approx(320 / (14.5 / 24))
    assert body == {
        "kpi": "departures",
        "version": 3,
        "window": "mtd",
        "dimensions": {},
        "unit": "flights",
        "direction": "up",
        "at": "2026-01-31T09:30:00Z",
        "value": 300,
        "n": 300,
        "period_start": "2026-01-01T00:00:00Z",
        "period_end": "2026-02-01T00:00:00Z",
        "until": "2026-01-31T09:30:00Z",
        "as_of": "2026-01-31T09:29:59Z",
        "complete": False,
        "target": {"value": 620, "warning": 310, "tolerance": None, "kind": "by_period", "source": None},
        "status": "off_track",
    }
    # By the same point, months of 30 days are over: 290 of 290, and those of 31 have had 300 of 300.
    assert [each["share"] for each in earlier] == [1] * 8
    assert projection == {
        "value": 300, "method": "seasonal", "reason": "earlier_periods", "low": 300, "high": 300,
        "status": "off_track", "attainment": pytest.approx(300 / 620),
    }  # fmt: skip


async def test_one_round() -> None:
    """The value and all that it is projected by are of one snapshot."""
    memory = Daily()

    await _pace(memory)

    assert (memory.rounds, len(memory.asks)) == (1, 17)


async def test_even() -> None:
    """A plain target is taken for the whole period, of which an even part should be there."""
    body = (await _pace(Daily(), "?at=2026-01-16T12:00:00Z", target={"value": 300})).json()

    assert (body["expected"], body["value"], body["ahead"]) == (150, 150, 0)
    assert (body["status"], body["projection"]["method"]) == ("on_track", "seasonal")


async def test_not_additive() -> None:
    """A mean is held against its target as it is, and nothing is said of the rest."""
    memory = Daily()
    body = (await _pace(memory, aggregate="avg", value="data.x", target={"value": 600})).json()

    assert (body["expected"], body["ahead"], body["required_per_day"]) == (600, -300, None)
    assert (body["projection"]["value"], body["projection"]["reason"]) == (None, "not_additive")
    assert len(memory.asks) == 1


async def test_no_data() -> None:
    """Without a value there is no pace, and the target is told all the same."""
    memory = Daily()
    memory.value = None

    body = (await _pace(memory, target={"value": 300})).json()

    assert (body["status"], body["projection"]["reason"]) == ("no_data", "no_data")
    assert body["target"]["value"] == 300


async def test_no_target() -> None:
    """Without a target there is a projection, and nothing to require."""
    body = (await _pace(Daily())).json()

    assert (body["status"], body["projection"]["status"]) == ("no_target", "no_target")
    assert (body["target"], body["required_per_day"], body["projection"]["value"]) == (None, None, 300)


@pytest.mark.parametrize(
    ("query", "parameter"), [("?window=24h", "window"), ("?at=tomorrow", "at"), ("?window=mtd&x=1", None)]
)
async def test_refused(query: str, parameter: str | None) -> None:
    """What is no period to date, no instant and no dimension is refused by name."""
    answer = await _pace(Daily(), query)

    assert 400 <= answer.status_code < 500
    if parameter is not None:
        assert answer.json()["errors"][0]["parameter"] == parameter


async def test_modified() -> None:
    """What is told of the whole period is part of the answer: its target, and how many events there are."""
    memory = Daily()
    memory.value = None
    first = {"from": 2026, "value": 300}
    tags = [
        (await _pace(memory, "?at=2026-01-15T09:30:00Z", target={"by_period": steps})).headers["etag"]
        for steps in ([first], [first, {"from": "2026-01-20", "value": 500}])
    ]

    assert tags[0] != tags[1]


async def test_not_modified() -> None:
    """Who has the answer already gets none, as long as nothing has moved."""
    memory = Daily()
    async with a_client(memory, a_kpi(windows=["mtd"])) as client:
        first = await client.get("/v1/kpis/departures/pace")
        again = await client.get("/v1/kpis/departures/pace", headers={"If-None-Match": first.headers["etag"]})

    assert (first.status_code, again.status_code) == (200, 304)
