"""The real application over a shop whose events are counted on a real Postgres, beside the oracle."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import httpx2
from prometheus_client import CollectorRegistry

from services.api.app import create_app
from services.api.composition import state_on
from services.api.settings import ApiSettings
from shared.contracts.events import CleanEvent
from shared.domain.definitions import Kpi
from shared.domain.definitions.kpi_files import kpis_of
from tests.integration.counting_rig import counting, oracle_of
from tests.oracle import Oracle
from tests.unit.compute.builders import NOW


def _kpis(kpi_file: Path) -> Sequence[Kpi]:
    return kpis_of(kpi_file.read_text(encoding="utf-8"))


@asynccontextmanager
async def shop_api(
    database_url: str, kpi_file: Path, came: Sequence[CleanEvent]
) -> AsyncIterator[tuple[httpx2.AsyncClient, Oracle]]:
    """A client of the API at NOW, with *came* counted for the KPIs of *kpi_file*, and the second opinion."""
    async with counting(database_url, _kpis(kpi_file)) as one:
        await one.take_over([0])
        await one.count_events(came)
        settings = ApiSettings.model_validate({"database_url": database_url, "insecure_local": True})
        state = replace(state_on(one.engine, settings, registry=CollectorRegistry()), clock=lambda: NOW)
        transport = httpx2.ASGITransport(app=create_app(state))
        async with httpx2.AsyncClient(transport=transport, base_url="http://api") as client:
            yield client, oracle_of(came, kpi_file)
