"""Folding a batch of measured rows into pane deltas, array by array; it knows no store and no clock."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from shared.domain.aggregates import Kind, Partial
from shared.domain.arrays import Int64s, Places, UInt64s, run_starts, sorting_places
from shared.domain.calendars import Calendar
from shared.domain.column_partials import Columns, partials_of
from shared.domain.columns import EndColumns, EventColumns, ItemColumns, NumberColumns, SquareColumns
from shared.domain.sketches.quantiles import bucket_numbers
from shared.domain.windows import LENGTH_US, WRITTEN_US, Rung

__all__ = [
    "NO_KEYS",
    "Columns",
    "Deltas",
    "Int64s",
    "Rows",
    "concatenated",
    "fold",
    "merged_rows",
    "pane_partials",
    "pane_starts",
    "totals",
]

NO_KEYS: UInt64s = np.empty((0, 2), dtype=np.uint64)
"""The keys of rows of a kind that needs none."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Measured events, one element each; all arrays have the same length.

    Attributes:
        group: which series of the measure, as a small number of the batch's own.
        time_us: event time.
        value: the scaled value, 0 where the measure only counts; of the kind distinct, its hash.
        key: the halves of the event's key, one row an event; of the kind ends only.
    """

    group: Int64s
    time_us: Int64s
    value: Int64s
    key: UInt64s = field(default_factory=lambda: NO_KEYS)

    def chosen(self, which: npt.NDArray[np.bool_]) -> "Rows":
        """The elements where *which* is true."""
        key = self.key[which] if len(self.key) else self.key
        return Rows(self.group[which], self.time_us[which], self.value[which], key)


@dataclass(frozen=True, slots=True)
class Deltas:
    """What a batch adds to the panes of a kind; one element a pane, or a pane and item of it."""

    kind: Kind
    group: Int64s
    rung: Int64s
    start_us: Int64s
    columns: Columns

    def __len__(self) -> int:
        return len(self.group)

    def taken(self, places: Places | npt.NDArray[np.bool_]) -> "Deltas":
        """The elements at *places*, in that order."""
        group, rung, start_us = self.group[places], self.rung[places], self.start_us[places]
        return Deltas(self.kind, group, rung, start_us, self.columns.taken(places))


@dataclass(frozen=True, slots=True)
class _Partials:
    """Partials not yet assigned to the panes of a rung; `time_us` is any instant within each."""

    group: Int64s
    time_us: Int64s
    columns: Columns

    def chosen(self, which: npt.NDArray[np.bool_]) -> "_Partials":
        """The elements where *which* is true."""
        if which.all():
            return self
        return _Partials(self.group[which], self.time_us[which], self.columns.taken(which))


def fold(
    rows: Rows, *, finest: Rung, now_us: int, calendar: Calendar, kind: Kind = Kind.NUMBERS, sign: int = 1
) -> Deltas:
    """The deltas of *rows* for every rung from *finest* up that is still written at each row's age.

    A coarser rung is made from the partials of the finer one, so the cost of a rung is that of its panes.

    Args:
        rows: what was measured.
        finest: of the measure.
        now_us: what ages are counted to.
        calendar: where days begin.
        kind: which partial the panes hold.
        sign: -1 takes the rows away: counts, sums, squares and items fall; extremes and ends stay, and
            `may_hang_on` tells whether they can.
    """
    ages, whole = now_us - rows.time_us, _Partials(rows.group, rows.time_us, _columns(rows, kind, sign))
    deltas: list[Deltas] = []
    carried = before = None
    youngest = np.iinfo(np.int64).min
    for rung in (rung for rung in Rung if rung >= finest):
        oldest = WRITTEN_US[rung] if rung is not Rung.D1 else np.iinfo(np.int64).max
        if rung is Rung.D1 and carried is not None and not _nest_in_days(carried, calendar):
            carried, youngest = before, _entry_age(Rung.H1, finest)
        entering = whole.chosen((ages >= youngest) & (ages < oldest))
        before, carried = carried, _coarsened(carried, entering, rung, calendar)
        youngest = oldest
        if len(carried.group):
            deltas.append(_deltas(carried, rung, kind))
    return concatenated(deltas) if deltas else _deltas(whole, finest, kind)


def _columns(rows: Rows, kind: Kind, sign: int) -> Columns:
    """A partial for each row."""
    match kind:
        case Kind.NUMBERS:
            return NumberColumns.of(rows.value, sign=sign)
        case Kind.SQUARES:
            return SquareColumns.of(rows.value, sign=sign)
        case Kind.ENDS:
            return EndColumns.of(
                EventColumns(rows.time_us, rows.key[:, 0], rows.key[:, 1], rows.value), sign=sign
            )
        case Kind.QUANTILES:
            return ItemColumns.of(bucket_numbers(rows.value), sign=sign)
        case Kind.DISTINCT:
            return ItemColumns.of(rows.value, sign=sign)


def _nest_in_days(hours: _Partials, calendar: Calendar) -> bool:
    """Whether no hour straddles a local midnight, as it does where the offset is not of whole hours."""
    last = hours.time_us + (LENGTH_US[Rung.H1] - 1)
    return bool((calendar.day_starts(hours.time_us) == calendar.day_starts(last)).all())


def _entry_age(rung: Rung, finest: Rung) -> int:
    """The age from which rows enter at *rung* itself rather than through a finer one."""
    return WRITTEN_US[Rung(rung - 1)] if rung > finest else int(np.iinfo(np.int64).min)


def _coarsened(carried: _Partials | None, entering: _Partials, rung: Rung, calendar: Calendar) -> _Partials:
    """Both, as one partial for each group and pane of *rung*; `time_us` becomes the pane's start."""
    if carried is None or not len(carried.group):
        return _grouped(entering, rung, calendar, merged_rows)
    if len(entering.group) or carried.columns.keys():
        return _grouped(_joined(carried, entering), rung, calendar, merged_rows)
    # What a finer rung was sorted by sorts the coarser one, too: most batches are young and come this way.
    return _grouped(carried, rung, calendar, merged_runs)


def _joined(carried: _Partials, entering: _Partials) -> _Partials:
    return _Partials(
        np.concatenate((carried.group, entering.group)),
        np.concatenate((carried.time_us, entering.time_us)),
        _joined_columns([carried.columns, entering.columns]),
    )


def _joined_columns(parts: Sequence[Columns]) -> Columns:
    """All elements of *parts*, which are of one class, one after the other."""
    return type(parts[0]).joined(parts)  # type: ignore[arg-type]  # one measure has one kind


_Merging = Callable[[Sequence[Int64s], Columns], tuple[list[Int64s], Columns]]


def _grouped(partials: _Partials, rung: Rung, calendar: Calendar, merging: _Merging) -> _Partials:
    if not len(partials.group):
        return partials
    starts = pane_starts(partials.time_us, rung, calendar)
    (group, starts), columns = merging([partials.group, starts], partials.columns)
    return _Partials(group, starts, columns)


def merged_rows(keys: Sequence[Int64s], columns: Columns) -> tuple[list[Int64s], Columns]:
    """The elements of *columns*, one a key or key and item, sorted by them; the first key weighs most."""
    if not len(keys[0]):
        return list(keys), columns
    order = sorting_places((*keys, *columns.keys()))
    return merged_runs([key[order] for key in keys], columns.taken(order))


def merged_runs(keys: Sequence[Int64s], columns: Columns) -> tuple[list[Int64s], Columns]:
    """`merged_rows` of what is sorted already, and not empty."""
    first = run_starts((*keys, *columns.keys()))
    return [key[first] for key in keys], columns.reduced(first)


def pane_starts(times_us: Int64s, rung: Rung, calendar: Calendar) -> Int64s:
    """The start of the pane of *rung* that holds each instant."""
    if rung is Rung.D1:
        return calendar.day_starts(times_us)
    return times_us - times_us % LENGTH_US[rung]


def _deltas(partials: _Partials, rung: Rung, kind: Kind) -> Deltas:
    rungs = np.full(len(partials.group), int(rung), dtype=np.int64)
    return Deltas(kind, partials.group, rungs, partials.time_us, partials.columns)


def concatenated(parts: Sequence[Deltas]) -> Deltas:
    """All *parts*, one or more and of one kind, one after the other."""
    return Deltas(
        parts[0].kind,
        np.concatenate([part.group for part in parts]),
        np.concatenate([part.rung for part in parts]),
        np.concatenate([part.start_us for part in parts]),
        _joined_columns([part.columns for part in parts]),
    )


def totals(rows: Rows, kind: Kind) -> dict[int, Partial]:
    """What the rows of each group come to, whatever their time."""
    (group,), columns = merged_rows([rows.group], _columns(rows, kind, 1))
    return {key[0]: partial for key, partial in partials_of([group], columns, kind).items()}


def pane_partials(deltas: Deltas) -> dict[tuple[int, ...], Partial]:
    """The partial by group, rung and start of *deltas* that are sorted by them, as those of a fold are."""
    return partials_of([deltas.group, deltas.rung, deltas.start_us], deltas.columns, deltas.kind)
