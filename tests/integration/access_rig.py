"""The API and ingest behind a locked door, on a real database, and keys of every sort."""

import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import httpx2
from prometheus_client import CollectorRegistry
from sqlalchemy.ext.asyncio import AsyncEngine

from services.api.app import create_app
from services.api.composition import opened_database, state_on
from services.api.dependencies import ApiState
from services.api.settings import ApiSettings
from shared.domain.access import EVERYTHING, Limits, Scope
from shared.domain.access.keys import Wish
from shared.domain.definitions import Kpi
from shared.runtime.clock import utc_now
from shared.storage import keys as stored_keys
from shared.storage.definitions import apply_changes
from shared.storage.engine import transaction
from shared.storage.keys import Made


@dataclass(frozen=True, slots=True)
class Locked:
    """One process of the API that asks for keys."""

    state: ApiState
    engine: AsyncEngine
    transport: httpx2.ASGITransport

    def client(self, token: str | None = None, **headers: str) -> httpx2.AsyncClient:
        """A client that sends *token*."""
        sent = headers if token is None else {**headers, "Authorization": f"Bearer {token}"}
        return httpx2.AsyncClient(transport=self.transport, base_url="http://api", headers=sent)

    async def make(self, *scopes: Scope, limits: Limits = EVERYTHING, at: datetime | None = None) -> Made:
        """A key as the command line makes it, at a time."""
        wish = Wish("tests", frozenset(scopes), limits, timedelta(days=1))
        async with transaction(self.engine) as connection:
            return await stored_keys.make(connection, wish, by="cli:tests", now=at or utc_now())

    async def token(self, *scopes: Scope, limits: Limits = EVERYTHING, at: datetime | None = None) -> str:
        """The text of such a key."""
        made = await self.make(*scopes, limits=limits, at=at)
        assert made.token is not None
        return made.token

    async def apply(self, kpis: Sequence[Kpi]) -> None:
        """Put *kpis* in force."""
        async with transaction(self.engine) as connection:
            await apply_changes(connection, kpis, utc_now() - timedelta(days=1))
        await self.state.catalogue.renewed()


@contextlib.asynccontextmanager
async def locked_api(
    database_url: str, *, clock: Callable[[], datetime] = utc_now, **settings: Any
) -> AsyncIterator[Locked]:
    """An API that asks for keys, until the block ends."""
    found = ApiSettings.model_validate({"database_url": database_url, **settings})
    async with opened_database(found) as engine:
        state = replace(state_on(engine, found, registry=CollectorRegistry()), clock=clock)
        yield Locked(state, engine, httpx2.ASGITransport(app=create_app(state)))
