"""Deltas on their way into panes: their series known, sorted by the key of the tables; it knows no SQL."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from shared.domain.aggregates import PLAIN_KINDS, Kind
from shared.domain.fold import Deltas, Int64s, concatenated, merged_rows
from shared.domain.windows import Marks, Rung


@dataclass(frozen=True, slots=True)
class KindRows:
    """Deltas of one kind, sorted by series, rung and start, and by item where panes have items."""

    series_id: Int64s
    deltas: Deltas

    @property
    def kind(self) -> Kind:
        """Which partial the panes hold."""
        return self.deltas.kind

    def __len__(self) -> int:
        return len(self.series_id)

    def merged(self) -> "KindRows":
        """The same additions with one row a key, for series that several groups or batches came to."""
        d = self.deltas
        keys = [self.series_id, d.rung, d.start_us]
        (series_id, rung, start_us), columns = merged_rows(keys, d.columns.widened())
        return KindRows(series_id, Deltas(d.kind, series_id, rung, start_us, columns))


@dataclass(frozen=True, slots=True)
class PaneRows:
    """What a flush adds to panes: at most one part a kind.

    Attributes:
        marks: what its rows were chosen by; None where they are right whatever the marks.
    """

    parts: tuple[KindRows, ...]
    marks: Marks | None = None

    def __len__(self) -> int:
        return sum(len(part) for part in self.parts)

    def of(self, kind: Kind) -> KindRows | None:
        """The part of *kind*; None without one."""
        return next((part for part in self.parts if part.kind is kind), None)


def pane_rows(series_id: Int64s, deltas: Deltas) -> PaneRows:
    """*deltas* of one kind, sorted by key, so that two writers can never wait for each other in a circle.

    Args:
        series_id: one element a delta, in the order of *deltas*.
        deltas: in any order, with no key twice.
    """
    return PaneRows((_sorted(series_id, deltas),))


def at_once(series_id: Int64s, deltas: Deltas, finest: Rung, marks: Marks) -> tuple[Int64s, Deltas]:
    """Those of *deltas* that enter their panes at once; the others follow when these are derived.

    Args:
        series_id: one element a delta.
        deltas: of a measure, for every rung that is written at the age of its events.
        finest: the finest rung of the measure.
        marks: up to where each rung is done.
    """
    if deltas.kind not in PLAIN_KINDS:
        return series_id, deltas
    written = marks.are_written(series_id, deltas.rung, deltas.start_us, finest=finest)
    return series_id[written], deltas.taken(written)


def rows_by_kind(
    numbered: Iterable[tuple[Int64s, Deltas]], *, may_meet: bool, marks: Marks | None = None
) -> PaneRows:
    """All of *numbered*, series numbers with their deltas.

    Args:
        numbered: in any order.
        may_meet: whether a series may be there more than once.
        marks: what they were chosen by.
    """
    by_kind: dict[Kind, list[tuple[Int64s, Deltas]]] = {}
    for series_id, deltas in numbered:
        by_kind.setdefault(deltas.kind, []).append((series_id, deltas))
    parts = [_joined(found) for found in by_kind.values()]
    return PaneRows(tuple(part.merged() if may_meet else part for part in parts), marks)


def _joined(numbered: Sequence[tuple[Int64s, Deltas]]) -> KindRows:
    series_id = np.concatenate([numbers for numbers, _ in numbered])
    return _sorted(series_id, concatenated([deltas for _, deltas in numbered]))


def _sorted(series_id: Int64s, deltas: Deltas) -> KindRows:
    order = np.lexsort((*deltas.columns.keys()[::-1], deltas.start_us, deltas.rung, series_id))
    return KindRows(series_id[order], deltas.taken(order))
