"""A target that follows a KPI the caller may not see is a multiple of its value, and told nowhere."""

import dataclasses
from typing import Any

import httpx2
import pytest

from services.api.app import create_app
from services.api.streaming.event_stream import Pace
from shared.access.doors import Admission, OpenDoor
from shared.domain.access import Limits, Principal, Scope
from tests.unit.api.builders import Memory, a_kpi, a_row, a_state

pytestmark = pytest.mark.asyncio

WINDOWS = ["1h", "mtd"]
KPIS = [
    a_kpi("spent", department="finance", windows=WINDOWS),
    a_kpi(
        "aimed",
        department="sales",
        windows=WINDOWS,
        target={"kpi": "spent", "times": "1.7", "at_risk": "0.5"},
        prometheus=True,
    ),
    a_kpi(
        "aimed_then",
        department="sales",
        windows=WINDOWS,
        target={"kpi": "spent", "times": "1.7", "at_risk": "0.5", "of": "previous"},
    ),
]
TARGET = "71.4"
"""1.7 times 42, which every value in memory is."""

SALES = Limits(departments=frozenset({"sales"}))
WHERE = [
    "/v1/kpis/aimed/value",
    "/v1/values?kpi=aimed",
    "/v1/kpis/aimed/history",
    "/v1/kpis/aimed/compare",
    "/v1/kpis/aimed/pace?window=mtd",
    "/v1/kpis/aimed_then/pace?window=mtd",
    "/v1/stream?kpi=aimed",
    "/metrics",
]


class _Limited(OpenDoor):
    """Lets in somebody with limits."""

    def __init__(self, limits: Limits) -> None:
        self._principal = Principal("somebody", frozenset(Scope), limits)

    async def admitted(self, authorization: Any) -> Admission:
        """That somebody."""
        del authorization
        return Admission(self._principal, lambda: True)


async def _asked(limits: Limits, path: str) -> str:
    memory = Memory()
    memory.rows = [a_row("aimed", window=window, value=memory.value) for window in WINDOWS]
    state = a_state(memory, *KPIS, pace=Pace(lifetime_s=0.01))
    state = dataclasses.replace(state, security=dataclasses.replace(state.security, door=_Limited(limits)))
    await state.hub.poll()
    transport = httpx2.ASGITransport(app=create_app(state))
    async with httpx2.AsyncClient(transport=transport, base_url="http://api") as client:
        return (await client.get(path)).raise_for_status().text


@pytest.mark.parametrize("path", WHERE)
async def test_told_nowhere(path: str) -> None:
    """Who sees what is followed is told the target; who does not gets neither it nor what it comes out of."""
    everything = await _asked(Limits(), path)
    some = await _asked(SALES, path)

    assert TARGET in everything
    assert TARGET not in some
    assert "0.588" not in some
    assert "at_risk" not in some


async def test_says_so() -> None:
    """The value is told, as one whose target nothing is known of."""
    body = await _asked(SALES, "/v1/kpis/aimed/value")

    assert '"value":42,' in body
    assert '"target":null,"status":"no_data","attainment":null' in body
