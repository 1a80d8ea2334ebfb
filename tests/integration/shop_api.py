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
from shared.domain.definitions import Definition
from shared.domain.definitions.kpi_files import definitions_of
from tests.integration.counting_rig import counting, oracle_of
from tests.oracle import Oracle
from tests.unit.compute.builders import NOW


def _definitions(*files: Path) -> Sequence[Definition]:
    return definitions_of("---\n".join(each.read_text(encoding="utf-8") for each in files))


@asynccontextmanager
async def shop_api(
    database_url: str, kpi_file: Path, came: Sequence[CleanEvent], *others: Path
) -> AsyncIterator[tuple[httpx2.AsyncClient, Oracle]]:
    """A client of the API at NOW, with *came* counted for the KPIs of *kpi_file*, and the second opinion.

    The *others* are files of other definitions, which are in force beside the KPIs.
    """
    async with counting(database_url, _definitions(kpi_file, *others)) as one:
        await one.take_over([0])
        await one.count_events(came)
        settings = ApiSettings.model_validate({"database_url": database_url, "insecure_local": True})
        state = replace(state_on(one.engine, settings, registry=CollectorRegistry()), clock=lambda: NOW)
        transport = httpx2.ASGITransport(app=create_app(state))
        async with httpx2.AsyncClient(transport=transport, base_url="http://api") as client:
            yield client, oracle_of(came, kpi_file)
