"""What measures lose when events are taken back, and which of their panes cannot be told without the log."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import asyncpg
import numpy as np

from shared.contracts.events import CleanEvent, times_us
from shared.contracts.series import overflow_text
from shared.counting.measuring import Measured, measure
from shared.counting.programmes import Programme
from shared.domain.aggregates import Kind, Partial, may_hang_on
from shared.domain.definitions import Measure
from shared.domain.fold import Deltas, Int64s, fold, pane_partials
from shared.domain.windows import Marks
from shared.storage import pane_repairs, panes, series
from shared.storage.pane_rows import PaneRows, at_once, rows_by_kind
from shared.storage.pane_sketches import PaneKey
from shared.storage.panes import StagedRows

_NOWHERE = 0
"""No series has this number: what has it was never counted."""


@dataclass(frozen=True, slots=True)
class Counted:
    """What is counted at one revision of the catalogue: every measure by itself, under its number."""

    revision: int
    measures: Mapping[int, Measure]
    programmes: Mapping[int, Programme]

    @classmethod
    def of(cls, revision: int, numbered: Iterable[tuple[int, Measure]]) -> "Counted":
        """*numbered* measures, each compiled alone: a value that fits one may not fit another."""
        measures = dict(numbered)
        alone = {number: Programme.counting(revision, [(number, one)]) for number, one in measures.items()}
        return cls(revision, measures, alone)


@dataclass(slots=True)
class Losses:
    """What the measures lose together, as it is gathered one measure after the other.

    Attributes:
        marks: up to when coarser panes are derived, which rests until all is written.
        taken: series numbers with what is taken away of their panes.
        added: the same as it was once added, of the kinds whose extremes or ends may hang on it.
        touched: by measure, the series that lose something.
    """

    marks: Marks
    taken: list[tuple[Int64s, Deltas]] = field(default_factory=list)
    added: list[tuple[Int64s, Deltas]] = field(default_factory=list)
    touched: dict[int, set[str]] = field(default_factory=dict)

    async def gather(
        self,
        connection: asyncpg.Connection,
        number: int,
        events: Sequence[CleanEvent],
        counted: Counted,
        *,
        now_us: int,
    ) -> None:
        """Add what the measure *number* loses with *events*, all of which were counted into it.

        A loss goes to every rung that is written at the event's age of now, but for panes that are still to
        be derived. The event was younger when it was counted, so it is in all of them. In the rungs it has
        outgrown since it stays: these panes are older than any reader looks at (`RETENTION_US` is less than
        `WRITTEN_US`), and grow older still.
        """
        measure_of = counted.measures[number]
        for measured in measured_alone(events, counted.programmes[number]):
            numbers = await _numbers(connection, number, measured.series)
            self.taken.append(self._folded(measured, numbers, now_us=now_us, sign=-1))
            if measure_of.kind is Kind.ENDS or (measure_of.kind is Kind.NUMBERS and measure_of.value):
                self.added.append(self._folded(measured, numbers, now_us=now_us, sign=1))
            self.touched.setdefault(number, set()).update(measured.series.values())

    def _folded(
        self, measured: Measured, numbers: Int64s, *, now_us: int, sign: int
    ) -> tuple[Int64s, Deltas]:
        target = measured.target
        deltas = fold(
            measured.rows,
            finest=target.finest,
            now_us=now_us,
            calendar=target.calendar,
            kind=target.kind,
            sign=sign,
        )
        deltas = deltas.taken(numbers[deltas.group] != _NOWHERE)
        return at_once(numbers[deltas.group], deltas, target.finest, self.marks)

    async def write(self, connection: asyncpg.Connection, *, shard: int) -> set[PaneKey]:
        """Take it away under *shard*, whose position is locked; the panes that have to be made anew."""
        hanging = set(
            await panes.add(connection, StagedRows(_rows(self.taken), is_copied=False), shard=shard)
        )
        for part in _rows(self.added).parts:
            removed = pane_partials(part.deltas)
            hanging |= await _hanging(
                connection, part.kind, {_pane(key): one for key, one in removed.items()}
            )
        return hanging


def measured_alone(events: Sequence[CleanEvent], programme: Programme) -> Sequence[Measured]:
    """What one measure takes of *events*; one that did not fit it was left out of it when it was counted."""
    if not events:
        return []
    found = measure(events, times_us([event.time for event in events]), programme)
    if found.unfit:
        events = [event for place, event in enumerate(events) if place not in found.unfit]
        found = measure(events, times_us([event.time for event in events]), programme)
    return found.measured


async def _numbers(connection: asyncpg.Connection, measure_id: int, texts: Mapping[int, str]) -> Int64s:
    asked = {*texts.values(), *map(overflow_text, texts.values())}
    return series_lookup(texts, await series.numbers(connection, measure_id, sorted(asked)))


def series_lookup(texts: Mapping[int, str], known: Mapping[str, int]) -> Int64s:
    """The series number of each group: what has no series of its own was counted into the overflow."""
    lookup = np.full(max(texts, default=0) + 1, _NOWHERE, dtype=np.int64)
    for group, text in texts.items():
        lookup[group] = known.get(text, known.get(overflow_text(text), _NOWHERE))
    return lookup


def _rows(numbered: Sequence[tuple[Int64s, Deltas]]) -> PaneRows:
    """Sorted by key; combinations that share the overflow series are put together."""
    return rows_by_kind(numbered, may_meet=True)


async def _hanging(
    connection: asyncpg.Connection, kind: Kind, removed: Mapping[PaneKey, Partial]
) -> set[PaneKey]:
    """The panes of *removed* whose extremes or ends may have been those of the events taken away."""
    left: Mapping[PaneKey, Partial]
    if kind is Kind.ENDS:
        left = await pane_repairs.ends_of(connection, removed)
    else:
        left = await pane_repairs.numbers_of(connection, removed)
    return {pane for pane, partial in removed.items() if pane in left and may_hang_on(left[pane], partial)}


def _pane(key: tuple[int, ...]) -> PaneKey:
    series_id, rung, start_us = key
    return series_id, rung, start_us
