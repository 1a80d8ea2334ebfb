"""Drafts counted over a log in memory beside real counting, for comparing previews with the oracle."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shared.domain.definitions import Catalogue, Kpi
from shared.domain.readings import Reading
from shared.replay.preview_costs import new_measures
from shared.replay.preview_events import Study
from shared.replay.previews import Preview, Question, look, read, renumbered, with_drafts
from shared.storage.engine import reading
from shared.storage.readings import Ask
from tests.integration.corrections_rig import MemoryLog
from tests.integration.counting_rig import Counting
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
