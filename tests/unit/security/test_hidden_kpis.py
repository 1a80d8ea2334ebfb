"""What a caller may not see is nowhere: every route that answers GET is asked about every KPI."""

import dataclasses
import json
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

import httpx2
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.api.app import api_routes, create_app
from services.api.dependencies import ApiState
from services.api.security.scopes import declared
from services.api.streaming.event_stream import Pace
from shared.access.doors import Admission
from shared.domain.access import Limits, Principal, Scope
from shared.domain.alert_changes import Alert
from shared.domain.alerts import Firing
from shared.domain.definitions import Kpi
from shared.domain.errors import StoreUnavailableError
from tests.unit.api.builders import NOW, Memory, Past, a_kpi, a_row, a_state
from tests.unit.api.test_alerts import ALERTS

_RULE = {"name": "many", "window": "1h", "condition": "above", "threshold": "1.50"}
_ALERTED: dict[str, Any] = {"prometheus": True, "alerts": [_RULE]}
_MORE: dict[str, Any] = {**_ALERTED, "target": {"value": 5}}
_OF_EVENTS: dict[str, Any] = {"event_type": None, "aggregate": None}

KPIS = [
    a_kpi("alpha_flown", department="ops", **_MORE),
    a_kpi("bravo_booked", department=["sales", "ops"], event_type="seat.booked", **_MORE),
    a_kpi("charlie_spent", department="finance", event_type="bill.paid", **_MORE),
    a_kpi("delta_share", department="sales", formula="alpha_flown / bravo_booked", **_OF_EVENTS, **_MORE),
    a_kpi("echo_margin", department="finance", formula="delta_share - charlie_spent", **_OF_EVENTS, **_MORE),
    a_kpi("foxtrot_alone", event_type="seat.booked", **_MORE),
    a_kpi("golf_aimed", department="sales", target={"kpi": "charlie_spent"}, **_ALERTED),
]
SLUGS = {kpi.slug for kpi in KPIS}
LIMITS = st.builds(
    Limits,
    departments=st.none() | st.frozensets(st.sampled_from(["ops", "sales", "finance"])),
    kpis=st.none() | st.frozensets(st.sampled_from(sorted(SLUGS))),
)
READING = frozenset(Scope) - {Scope.ADMIN}

QUERIES = (
    "",
    "window=1h",
    "breakdown=carrier",
    "kpi={slug}",
    "q=a",
    "event_type=seat.booked",
    "field=data.carrier",
    "part={slug}",
)


class _Limited:
    """A door that lets somebody in who sees a part."""

    def __init__(self, limits: Limits) -> None:
        self._principal = Principal("limited", READING, limits)

    async def admitted(self, authorization: Sequence[str]) -> Admission:
        """Somebody, always the same."""
        del authorization
        return Admission(self._principal, lambda: True)

    async def told(self) -> str:
        """Nothing."""
        return ""

    async def refresh(self) -> None:
        """Nothing changes."""

    async def ask_issuer(self) -> None:
        """There is none."""


def _standing(kpi: Kpi) -> Alert:
    one = ALERTS[0]
    rule = dataclasses.replace(one.rule, slug=kpi.slug)
    return dataclasses.replace(one, rule=rule, state=Firing(NOW, NOW))


def _memory() -> Memory:
    memory = Memory()
    memory.rows = [a_row(kpi.slug, value=Decimal(7)) for kpi in KPIS]
    memory.rows += [a_row(kpi.slug, dimensions={"carrier": "AA"}) for kpi in KPIS]
    memory.standing = sorted(map(_standing, KPIS), key=lambda alert: alert.rule.slug)
    memory.known = [(("carrier", "AA"),)]
    return memory


def _state(limits: Limits) -> ApiState:
    state = a_state(_memory(), *KPIS, streams=100, pace=Pace(lifetime_s=0.01))
    return dataclasses.replace(state, security=dataclasses.replace(state.security, door=_Limited(limits)))


_PATH = {"type": "seat.booked", "event_type": "seat.booked"}


def _addresses(slug: str) -> Iterator[str]:
    for route in api_routes():
        if "GET" not in (route.methods or ()) or any(Scope.ADMIN in each for each in declared(route)):
            continue
        names = {name: _PATH.get(name, "1") for name in route.param_convertors} | {"slug": slug}
        path = route.path_format.format(**names)
        yield from (f"{path}?{query.format(slug=slug)}" for query in QUERIES)


def _named(text: str, slugs: set[str]) -> set[str]:
    return {slug for slug in slugs if slug in text}


def _away(state: ApiState) -> Past:
    assert isinstance(state.past, Past)
    state.past.failure = StoreUnavailableError("there is no log in memory")
    return state.past


async def _walk(limits: Limits) -> dict[str, set[str]]:
    """What each answer names that it should not, and what the visible ones named."""
    hidden = {kpi.slug for kpi in KPIS if not limits.shows(kpi)}
    state = _state(limits)
    # Explanations are worked out of panes and a log, which are not here: tests/integration asks for them.
    state = dataclasses.replace(state, past=_away(state))
    await state.hub.poll()
    found: dict[str, set[str]] = {}
    transport = httpx2.ASGITransport(app=create_app(state))
    async with httpx2.AsyncClient(transport=transport, base_url="http://api") as client:
        for address in dict.fromkeys(each for slug in sorted(SLUGS) for each in _addresses(slug)):
            answer = await client.get(address)
            # What is not faked in memory has no database here; its refusal is looked at like any answer.
            assert answer.status_code < 500 or answer.status_code == 503, (address, answer.text)
            # What was asked for may be told back to whom has asked for it.
            echoed = _named(address, SLUGS) if answer.status_code >= 400 else set()
            leaked = _named(answer.text, hidden) - echoed
            if leaked:
                found[address] = leaked
    return found


@pytest.mark.asyncio
@settings(max_examples=3)
@given(limits=LIMITS)
@example(limits=Limits(departments=frozenset({"sales"})))
@example(limits=Limits(kpis=frozenset({"echo_margin"})))
@example(limits=Limits(departments=frozenset()))
async def test_nowhere(limits: Limits) -> None:
    """No answer to any question names a KPI that the caller may not see."""
    assert await _walk(limits) == {}


async def _asked(limits: Limits, path: str) -> httpx2.Response:
    state = _state(limits)
    await state.hub.poll()
    transport = httpx2.ASGITransport(app=create_app(state))
    async with httpx2.AsyncClient(transport=transport, base_url="http://api") as client:
        return await client.get(path)


SALES = Limits(departments=frozenset({"sales"}))


@pytest.mark.asyncio
@pytest.mark.parametrize("path", ["/v1/values", "/v1/alerts", "/v1/stream", "/metrics", "/v1/kpis"])
async def test_the_rest_is_there(path: str) -> None:
    """What the caller may see is told, and to one without limits everything is."""
    some = (await _asked(SALES, path)).text
    everything = (await _asked(Limits(), path)).text

    assert _named(some, SLUGS) == {"bravo_booked", "delta_share", "golf_aimed"}
    assert _named(everything, SLUGS) == SLUGS


@pytest.mark.asyncio
async def test_as_if_there_were_none() -> None:
    """A hidden KPI is answered like one that does not exist."""
    hidden = await _asked(SALES, "/v1/kpis/charlie_spent/value")
    missing = await _asked(SALES, "/v1/kpis/no_such/value")

    assert (hidden.status_code, missing.status_code) == (404, 404)
    assert hidden.json()["detail"].replace("charlie_spent", "no_such") == missing.json()["detail"]


@pytest.mark.asyncio
async def test_visible_formula() -> None:
    """A visible formula is worked out of hidden KPIs; its text and lineage leave them out and count them."""
    value = await _asked(SALES, "/v1/kpis/delta_share/value")
    definition = (await _asked(SALES, "/v1/kpis/delta_share")).json()
    lineage = (await _asked(SALES, "/v1/kpis/delta_share/lineage")).json()

    assert json.loads(value.text)["value"] == 42
    assert definition["formula"] == "__hidden__ / bravo_booked"
    assert [each["kpi"] for each in lineage["made_of"]] == ["bravo_booked"]
    assert (lineage["used_by"], lineage["hidden"]) == ([], 2)


@pytest.mark.asyncio
async def test_own_tags() -> None:
    """What somebody with other limits was answered is no answer that still holds."""
    tags = [(await _asked(limits, "/v1/kpis")).headers["etag"] for limits in (SALES, Limits(), SALES)]

    assert tags[0] == tags[2] != tags[1]
