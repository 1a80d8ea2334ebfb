"""When the API is ready: a database at the newest schema and a catalogue; how far compute is, for people."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncEngine

from services.api.catalogue_cache import CatalogueCache
from shared.access.doors import Door
from shared.observability.health import Check, Probe
from shared.storage.completeness import completeness
from shared.storage.engine import reading
from shared.storage.schema import current_revision, newest_revision

STALE_AFTER = timedelta(seconds=60)
"""From here on the reason says that compute is behind: the age at which its own watchdog gives it up."""


def probes(
    engine: AsyncEngine, catalogue: CatalogueCache, door: Door, *, clock: Callable[[], datetime]
) -> Mapping[str, Probe]:
    """The checks of /readyz."""

    async def database() -> Check:
        async with reading(engine):  # taking a connection out of the pool asks the server for a sign of life
            return Check(ok=True, reason="answers")

    async def schema() -> Check:
        async with reading(engine) as connection:
            found = await current_revision(connection)
        wanted = newest_revision()
        return Check(ok=found == wanted, reason=f"revision {found}, this code needs {wanted}")

    async def definitions() -> Check:
        loaded = await catalogue.current()
        return Check(ok=True, reason=f"{len(loaded.kpis)} KPIs at revision {loaded.revision}")

    async def compute() -> Check:
        async with reading(engine) as connection:
            counted = await completeness(connection, ())
        # Never a reason to take the API out of service: it says itself how old its numbers are.
        return Check(ok=True, reason=_told(counted.as_of, clock()))

    async def access() -> Check:
        return Check(ok=True, reason=await door.told())

    return {
        "database": database,
        "schema": schema,
        "catalogue": definitions,
        "compute": compute,
        "access": access,
    }


def _told(as_of: datetime, now: datetime) -> str:
    if as_of.year == 1970:
        return "nothing has been counted yet"
    behind = now - as_of
    state = "behind" if behind > STALE_AFTER else "current"
    return f"{state}: everything before {as_of.isoformat()} is counted, {behind.total_seconds():.1f} s ago"
