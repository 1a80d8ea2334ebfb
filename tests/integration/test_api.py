"""The API on a real Postgres and a real port."""

import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio

from shared.domain.definitions import Kpi
from shared.runtime.clock import utc_now
from shared.storage.definitions import apply_changes
from shared.storage.engine import transaction
from tests.integration.api_rig import DEPARTURES, Api, serving_api

pytestmark = pytest.mark.asyncio

A_MINUTE_AGO = timedelta(minutes=1)


@pytest_asyncio.fixture
async def api(database_url: str) -> AsyncIterator[Api]:
    """An API whose database is empty but for the definition."""
    async with serving_api(database_url) as running:
        yield running


async def _json(api: Api, path: str) -> Any:
    async with api.client() as client:
        answer = await client.get(path)
        return answer.raise_for_status().json()


async def test_value(api: Api) -> None:
    """A value is what the panes come to, with its status."""
    await api.count(["AA", "AA", "UA"], at=utc_now() - A_MINUTE_AGO)

    body = await _json(api, "/v1/kpis/departures/value?window=5m")

    assert (body["value"], body["n"], body["status"]) == (3, 3, "on_track")


async def test_series(api: Api) -> None:
    """A breakdown has a value for every combination that was met."""
    await api.count(["AA", "AA", "UA"], at=utc_now() - A_MINUTE_AGO)

    body = await _json(api, "/v1/kpis/departures/value?window=5m&breakdown=carrier")

    assert {each["dimensions"]["carrier"]: each["value"] for each in body["items"]} == {"AA": 2, "UA": 1}


async def test_unmet_series(api: Api) -> None:
    """A combination that was never met counts nothing, which is 0."""
    body = await _json(api, "/v1/kpis/departures/value?window=5m&carrier=ZZ")

    assert (body["value"], body["status"]) == (0, "off_track")


async def test_history(api: Api) -> None:
    """A history rises when events enter the window and falls when they leave it.

    | event at -10 min | [-15, -10): 0 | -9 ... -6 within 5 min: 1 | -4: gone: 0 |
    """
    await api.count(["AA"], at=utc_now() - timedelta(minutes=10))

    body = await _json(api, "/v1/kpis/departures/history?window=5m&from=now-12m&to=now&step=4m")

    # at -12, -8, -4 and now
    assert [point["value"] for point in body["items"]] == [0, 1, 0, 0]


async def test_values(api: Api) -> None:
    """Current values are those that compute has stored."""
    await api.count(["AA"], at=utc_now() - A_MINUTE_AGO)
    await api.refresh()
    await api.refresh({"carrier": "AA"})

    body = await _json(api, "/v1/values")

    assert [(each["dimensions"], each["value"]) for each in body["items"]] == [
        ({}, 1),
        ({"carrier": "AA"}, 1),
    ]


async def test_new_definition(api: Api) -> None:
    """A KPI that is put in force is known as soon as its revision is looked at."""
    other = Kpi.model_validate(DEPARTURES.model_dump(by_alias=True) | {"slug": "takeoffs"})
    before = await api.state.catalogue.current()
    async with transaction(api.engine) as connection:
        await apply_changes(connection, [other], utc_now())
    after = await api.state.catalogue.renewed()

    assert (set(before.kpis), set(after.kpis)) == ({"departures"}, {"departures", "takeoffs"})


async def test_metrics(api: Api) -> None:
    """The KPI's totals are on /metrics beside the service's own numbers."""
    await api.count(["AA"], at=utc_now() - A_MINUTE_AGO)
    await api.refresh()
    async with api.client() as client:
        text = (await client.get("/metrics")).text

    assert 'kpi_value{kpi="departures",window="5m"} 1.0' in text
    assert "tidemark_http_streams 0.0" in text


async def test_ready(api: Api) -> None:
    """With a database at the newest schema the API is ready, whatever compute does."""
    body = await _json(api, "/readyz")

    assert body["status"] == "ready"
    assert set(body["checks"]) == {"database", "schema", "catalogue", "compute", "access"}
    assert body["checks"]["compute"]["reason"] == "nothing has been counted yet"


async def test_strange_texts(api: Api) -> None:
    """No text that a caller can put into a dimension makes the database stumble."""
    async with api.client() as client:
        for text in ("%00", "%ff", "%F0%9F%9B%AB", "%22%5D", "' OR 1=1 --", "\\u0000"):
            answer = await client.get(f"/v1/kpis/departures/value?carrier={text}")

            assert (answer.status_code, answer.json()["value"]) == (200, 0), text


async def test_busy_database(api: Api) -> None:
    """When every connection is taken for longer than one may wait, callers are asked to come again."""
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(10):
            await stack.enter_async_context(api.engine.connect())
        async with api.client() as client:
            answer = await client.get("/v1/kpis")

    assert (answer.status_code, answer.json()["type"]) == (503, "urn:tidemark:problem:store-unavailable")
