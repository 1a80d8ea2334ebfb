"""The numbers of series, remembered; new ones are asked of Postgres."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

import asyncpg
import numpy as np

from services.compute.batches import Addition
from shared.contracts.series import overflow_text
from shared.domain.fold import Int64s
from shared.domain.windows import Marks
from shared.storage import series
from shared.storage.pane_rows import PaneRows, at_once, rows_by_kind
from shared.storage.series import SeriesLimits


class SeriesIndex:
    """Memory of (measure, dimension values) -> series number, bounded by the limits.

    Once a measure is full, everything it does not know belongs to its overflow series.
    """

    def __init__(self, limits: SeriesLimits) -> None:
        self._limits = limits
        self._numbers: dict[int, dict[str, int]] = defaultdict(dict)
        self._overflow: dict[int, int] = {}

    async def rows(
        self, connection: asyncpg.Connection, additions: Sequence[Addition], marks: Marks
    ) -> PaneRows:
        """What is written at once of the additions, new series numbered in transactions of their own.

        A series that is numbered and never written to does no harm: it has no panes.
        """
        for addition in additions:
            await self._learn(connection, addition.measure_id, addition.series.values())
        numbered = [
            at_once(self._numbered(addition), addition.deltas, addition.finest, marks)
            for addition in additions
        ]
        return rows_by_kind(numbered, may_meet=self._may_meet(additions), marks=marks)

    def _may_meet(self, additions: Sequence[Addition]) -> bool:
        """Whether several combinations of a batch may have come to one overflow series."""
        return bool(self._overflow) or any(len({*a.series.values()}) < len(a.series) for a in additions)

    def counted(self, additions: Sequence[Addition]) -> dict[int, set[str]]:
        """By measure, the series that *additions* were counted into; after their `rows`."""
        found: dict[int, set[str]] = defaultdict(set)
        for addition in additions:
            known, texts = self._numbers[addition.measure_id], addition.series.values()
            found[addition.measure_id] |= {text if text in known else overflow_text(text) for text in texts}
        return found

    def _numbered(self, addition: Addition) -> Int64s:
        """The series number of every delta."""
        known, overflow = self._numbers[addition.measure_id], self._overflow.get(addition.measure_id, 0)
        lookup = np.zeros(max(addition.series, default=0) + 1, dtype=np.int64)
        lookup[list(addition.series)] = [known.get(text, overflow) for text in addition.series.values()]
        return lookup[addition.deltas.group]

    async def _learn(self, connection: asyncpg.Connection, measure_id: int, texts: Iterable[str]) -> None:
        known = self._numbers[measure_id]
        new = sorted({text for text in texts if text not in known})
        if not new or measure_id in self._overflow:
            return
        met = await series.intern(connection, measure_id, new, limits=self._limits)
        known |= met
        if len(met) < len(new):
            known |= await series.all_numbers(connection, measure_id)
            self._overflow[measure_id] = await series.add(connection, measure_id, overflow_text(new[0]))
