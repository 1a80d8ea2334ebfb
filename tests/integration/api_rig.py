"""An API on a real database, on a real port, with events counted into panes by hand."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import httpx2
import msgspec
import numpy as np
from prometheus_client import CollectorRegistry
from sqlalchemy.ext.asyncio import AsyncEngine

from services.api.app import create_app
from services.api.composition import opened_database, state_on
from services.api.dependencies import ApiState
from services.api.http.stalled import drop_stalled_peers
from services.api.settings import ApiSettings
from services.api.streaming.event_stream import Pace
from shared.domain.calendars import Calendar, instant_us
from shared.domain.definitions import Kpi
from shared.domain.fold import Rows, fold
from shared.runtime.clock import utc_now
from shared.runtime.lifecycle import every
from shared.runtime.ops import HttpServer, serving
from shared.storage import current, panes, readings, series
from shared.storage.definitions import apply_changes, load_catalogue
from shared.storage.engine import close, connect, reading, transaction

DEPARTURES = Kpi.model_validate(
    {
        "slug": "departures",
        "title": "Departures",
        "category": "operational",
        "owner": "ops@example.com",
        "unit": "flights",
        "event_type": "flight.departed",
        "aggregate": "count",
        "breakdowns": ["carrier"],
        "windows": ["5m", "1h"],
        "target": {"value": 2},
        "prometheus": True,
    }
)
"""Counted in all and by carrier."""


@dataclass(frozen=True, slots=True)
class Api:
    """An API that runs.

    Attributes:
        server: its HTTP side.
        state: what it lives on.
        engine: its database.
    """

    server: HttpServer
    state: ApiState
    engine: AsyncEngine
    database_url: str

    @property
    def port(self) -> int:
        """Where it listens."""
        return self.server.port

    def client(self) -> httpx2.AsyncClient:
        """A client of it."""
        return httpx2.AsyncClient(base_url=f"http://127.0.0.1:{self.port}", timeout=10, trust_env=False)

    async def count(self, carriers: Sequence[str], *, at: datetime) -> None:
        """Count a departure of each of *carriers* at *at*, as compute would."""
        async with reading(self.engine) as connection:
            catalogue = await load_catalogue(connection)
        for measure in DEPARTURES.measures():
            texts = [msgspec.json.encode([c] if measure.breakdown else []).decode() for c in carriers]
            await self._add(catalogue.measure_ids[measure.fingerprint], texts, at=at)

    async def _add(self, measure_id: int, texts: Sequence[str], *, at: datetime) -> None:
        connection = await connect(self.database_url, application_name="tests")
        try:
            await panes.prepare(connection)
            group = np.array([await series.add(connection, measure_id, text) for text in texts], np.int64)
            rows = Rows(group, np.full(len(texts), instant_us(at)), np.zeros(len(texts), np.int64))
            deltas = fold(
                rows,
                finest=DEPARTURES.finest,
                now_us=instant_us(utc_now()),
                calendar=Calendar(DEPARTURES.zone),
            )
            async with connection.transaction():
                staged = await panes.stage(connection, panes.pane_rows(deltas.group, deltas))
                await panes.add(connection, staged, shard=0)
        finally:
            await close(connection)

    async def refresh(
        self, dimensions: Mapping[str, str | None] | None = None, *, window: str = "5m"
    ) -> None:
        """Store the current value, as compute would."""
        now = utc_now()
        async with transaction(self.engine) as connection:
            await current.wait_for_turn(connection)
            catalogue = await load_catalogue(connection)
            value = await readings.value(
                connection, catalogue, "departures", window, dimensions=dimensions or {}, at=now, now=now
            )
            await current.store(connection, [value])


@contextlib.asynccontextmanager
async def serving_api(database_url: str, *, pace: Pace | None = None) -> AsyncIterator[Api]:
    """An API with one KPI, polling every 50 ms, until the block ends."""
    settings = ApiSettings.model_validate({"database_url": database_url, "insecure_local": True})
    async with opened_database(settings) as engine:
        async with transaction(engine) as connection:
            await apply_changes(connection, [DEPARTURES], utc_now() - timedelta(days=1))
        state = state_on(engine, settings, registry=CollectorRegistry())
        state = replace(state, pace=pace or state.pace)
        stopping = asyncio.Event()
        polling = asyncio.create_task(every(0.05, state.hub.poll, stopping=stopping), name="poll")
        try:
            async with serving(
                create_app(state), host="127.0.0.1", port=0, on_stop=state.hub.say_goodbye
            ) as server:
                drop_stalled_peers(server)
                yield Api(server, state, engine, database_url)
        finally:
            stopping.set()
            await polling
