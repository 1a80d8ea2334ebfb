"""Explanations on a real database, for a caller who may not see what a formula is made of."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import httpx2
import pytest
from prometheus_client import CollectorRegistry

from services.api.app import create_app
from services.api.composition import state_on
from services.api.settings import ApiSettings
from shared.access.doors import Admission, OpenDoor
from shared.domain.access import Limits, Principal, Scope
from tests.builders import an_event
from tests.integration.counting_rig import counting
from tests.unit.compute.builders import NOW
from tests.unit.domain.kpi_builders import a_kpi

pytestmark = pytest.mark.asyncio

LEAVES = [a_kpi("alpha_flown", windows=["1h"]), a_kpi("bravo_late", where="data.delay > 5", windows=["1h"])]
SHARE = a_kpi("charlie_share", formula="bravo_late / alpha_flown", windows=["1h"], department="board")


class _Limited(OpenDoor):
    """Lets in somebody who sees what the board sees."""

    async def admitted(self, authorization: Any) -> Admission:
        """That somebody."""
        del authorization
        principal = Principal("board", frozenset({Scope.READ}), Limits(departments=frozenset({"board"})))
        return Admission(principal, lambda: True)


@asynccontextmanager
async def _client(database_url: str) -> AsyncIterator[httpx2.AsyncClient]:
    async with counting(database_url, [*LEAVES, SHARE]) as one:
        await one.take_over([0])
        await one.count_events([an_event()])
        settings = ApiSettings.model_validate({"database_url": database_url, "insecure_local": True})
        state = replace(state_on(one.engine, settings, registry=CollectorRegistry()), clock=lambda: NOW)
        state = replace(state, security=replace(state.security, door=_Limited()))
        transport = httpx2.ASGITransport(app=create_app(state))
        async with httpx2.AsyncClient(transport=transport, base_url="http://api") as client:
            yield client


async def test_hidden_parts(database_url: str) -> None:
    """A formula is explained without a name or an event of what the caller may not see."""
    async with _client(database_url) as client:
        answers = [
            await client.get("/v1/kpis/charlie_share/explain?sample=0"),
            await client.get("/v1/kpis/charlie_share/explain?sample=0&part=alpha_flown"),
            await client.get("/v1/kpis/charlie_share/lineage"),
            await client.get("/v1/kpis/charlie_share"),
            await client.get("/v1/alerts"),
        ]
    texts = [answer.text for answer in answers]

    assert [answer.status_code for answer in answers] == [200, 400, 200, 200, 200]
    assert "bravo_late" not in "".join(texts)
    assert not any("alpha_flown" in text for place, text in enumerate(texts) if place != 1)
