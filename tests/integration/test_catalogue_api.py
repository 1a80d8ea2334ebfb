"""The catalogue over HTTP as Postgres keeps it: meaning, search and lineage."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from shared.domain.definitions import Kpi
from shared.runtime.clock import utc_now
from shared.storage.definitions import apply_changes
from shared.storage.engine import transaction
from tests.integration.api_rig import Api, serving_api
from tests.unit.domain.kpi_builders import a_kpi

pytestmark = pytest.mark.asyncio

MEANING: dict[str, Any] = {
    "category": "punctuality",
    "glossary": "Pünktlich ist, wer vor der\nfünfzehnten Minute ankommt.",
    "tags": ["board", "eu261"],
    "links": {"runbook": "https://wiki.example.com/otp", "data": "https://bi.example.com/?q=otp"},
}
KPIS = [
    a_kpi(
        "on_time", event_type="flight.arrived", where="data.arr_delay < 15", windows=["5m", "1h"], **MEANING
    ),
    a_kpi("on_time_share", formula="on_time / departures", windows=["5m", "1h"], tags=["board"]),
]


@pytest_asyncio.fixture
async def api(database_url: str) -> AsyncIterator[Api]:
    """An API on departures, arrivals on time, and a formula of both."""
    async with serving_api(database_url) as running:
        await _apply(running, *KPIS)
        await running.state.catalogue.renewed()
        yield running


async def _apply(api: Api, *kpis: Kpi) -> None:
    async with transaction(api.engine) as connection:
        await apply_changes(connection, kpis, utc_now())


async def _json(api: Api, path: str) -> Any:
    async with api.client() as client:
        answer = await client.get(path)
        return answer.raise_for_status().json()


async def test_meaning(api: Api) -> None:
    """Glossary, category, tags and links are served as they were applied."""
    body = await _json(api, "/v1/kpis/on_time")

    assert {name: body[name] for name in MEANING} == MEANING


async def test_search(api: Api) -> None:
    """Words are found wherever they stand, those of the name first; tags narrow it down."""
    found = await _json(api, "/v1/kpis?q=PUNKTLICH")
    tagged = await _json(api, "/v1/kpis?q=time&tag=board")

    assert [item["slug"] for item in found["items"]] == ["on_time"]
    assert [item["slug"] for item in tagged["items"]] == ["on_time", "on_time_share"]


async def test_lineage(api: Api) -> None:
    """A field that would go away takes its KPI and the formula along, and what they read is the same tale."""
    affected = await _json(api, "/v1/lineage?event_type=flight.arrived&field=data.arr_delay")
    lineage = await _json(api, "/v1/kpis/on_time_share/lineage")

    assert [item["kpi"] for item in affected["items"]] == ["on_time", "on_time_share"]
    assert [each["kpi"] for each in lineage["made_of"]] == ["departures", "on_time"]
    assert affected["items"][1]["events"] == lineage["events"][1:]


async def test_changed_lineage(api: Api) -> None:
    """A changed definition is another lineage with another tag, though the KPI asked about is the same."""
    async with api.client() as client:
        before = await client.get("/v1/kpis/on_time/lineage")
        await _apply(api, a_kpi("late", formula="departures - on_time", windows=["5m", "1h"]))
        await api.state.catalogue.renewed()
        after = await client.get(
            "/v1/kpis/on_time/lineage", headers={"If-None-Match": before.headers["etag"]}
        )

    assert [each["kpi"] for each in before.json()["used_by"]] == ["on_time_share"]
    assert [each["kpi"] for each in after.json()["used_by"]] == ["late", "on_time_share"]
