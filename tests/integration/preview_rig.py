"""Drafts counted over a log in memory beside real counting, for comparing previews with the oracle."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import httpx2
from prometheus_client import CollectorRegistry

from services.api.app import create_app
from services.api.composition import state_on
from services.api.dry_runs import DryRuns
from services.api.previews import Previews
from services.api.settings import ApiSettings
from shared.domain.definitions import Catalogue, Kpi
from shared.domain.readings import Reading
from shared.replay.preview_costs import new_measures
from shared.replay.preview_events import Study
from shared.replay.previews import Preview, Question, look, read, renumbered, with_drafts
from shared.storage.engine import reading
from shared.storage.readings import Ask
from shared.storage.series import SeriesLimits
from tests.integration.corrections_rig import MemoryLog
from tests.integration.counting_rig import HORIZON, Counting
from tests.integration.replay_rig import Remembering
from tests.unit.compute.builders import NOW


@dataclass(frozen=True, slots=True)
class Drafted:
    """Drafts beside what is in force, and what the log says of them."""

    before: Catalogue
    after: Catalogue
    preview: Preview

    def readings(self, asks: Sequence[Ask]) -> list[Reading]:
        """The readings of the drafts."""
        return self.preview.readings(Question(self.after, asks))


async def drafted(
    counting: Counting,
    log: MemoryLog,
    drafts: Sequence[Kpi],
    asks: Sequence[Ask],
    *,
    most: int = 1_000_000,
    begins: Mapping[int, int] | None = None,
) -> Drafted:
    """The preview of *drafts* that answers *asks*."""
    before, after = renumbered([counting.catalogue, with_drafts(counting.catalogue, drafts)])
    question = Question(after, asks)
    slugs = {ask.slug for ask in asks}
    async with reading(counting.engine) as connection:
        looked = await look(connection, [question], now=NOW, begins=begins or {}, most=most)
    panes = new_measures(before, after, {leaf for slug in slugs for leaf in after.leaves(slug)})
    return Drafted(before, after, await read(log, looked, Study.of(after, slugs), with_panes=panes))


@dataclass(frozen=True, slots=True)
class MemoryPreviewLog:
    """A log in memory as the API reaches it."""

    log: MemoryLog

    async def begins(self) -> Mapping[int, int]:
        """As the log has it."""
        return self.log.begins

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[MemoryLog]:
        """The log itself."""
        yield self.log


@asynccontextmanager
async def preview_api(mine: Remembering, *, most: int = 100_000) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of the API at NOW, beside what *mine* has counted."""
    settings = ApiSettings.model_validate({"database_url": mine.counting.url, "insecure_local": True})
    state = state_on(mine.counting.engine, settings, registry=CollectorRegistry())
    log = MemoryPreviewLog(mine.log)
    state = replace(
        state,
        clock=lambda: NOW,
        previews=Previews(mine.counting.engine, log, most),
        dry_runs=DryRuns(mine.counting.engine, log, HORIZON, SeriesLimits()),
    )
    transport = httpx2.ASGITransport(app=create_app(state))
    async with httpx2.AsyncClient(transport=transport, base_url="http://api") as client:
        yield client
