"""Watching the catalogue: the programme counted, exchanged whole when what is counted changes."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.counting.programmes import Programme
from shared.domain.definitions import Catalogue, Measure
from shared.domain.errors import StoreUnavailableError
from shared.runtime.lifecycle import pause
from shared.storage.backfills import Shadow, load_shadows
from shared.storage.definitions import catalogue_revision, load_catalogue
from shared.storage.engine import reading

log = structlog.get_logger(__name__)

LOOK_S = 1.0
"""How soon a change of the catalogue is noticed."""


@dataclass(slots=True)
class CatalogueWatch:
    """The newest catalogue, and what it and the backfills under way compile to."""

    engine: AsyncEngine
    catalogue: Catalogue = field(init=False)
    programme: Programme = field(init=False)
    shadows: Sequence[Shadow] = ()

    async def load(self) -> None:
        """Read the catalogue and compile it.

        Raises:
            StoreUnavailableError: Postgres did not answer.
        """
        async with reading(self.engine) as connection:
            catalogue = await load_catalogue(connection)
            shadows = await load_shadows(connection)
        self.programme = Programme.of(catalogue, [(shadow.measure_id, shadow.measure) for shadow in shadows])
        self.catalogue, self.shadows = catalogue, shadows
        log.info(
            "catalogue_loaded", revision=catalogue.revision, kpis=len(catalogue.kpis), shadows=len(shadows)
        )

    def numbered(self) -> list[tuple[int, Measure]]:
        """Every measure that is counted, under its number."""
        in_force = {measure: None for kpi in self.catalogue.kpis.values() for measure in kpi.measures()}
        ids = self.catalogue.measure_ids
        filled = [(shadow.measure_id, shadow.measure) for shadow in self.shadows]
        return [(ids[measure.fingerprint], measure) for measure in in_force] + filled

    async def run(self, stopping: asyncio.Event) -> None:
        """Load again whenever the revision has moved, until *stopping* is set."""
        while not await pause(stopping, LOOK_S):
            try:
                async with reading(self.engine) as connection:
                    revision = await catalogue_revision(connection)
                if revision != self.catalogue.revision:
                    await self.load()
            except StoreUnavailableError as error:
                log.warning("catalogue_not_read", reason=str(error))
