"""Folding a batch of measured rows into pane deltas, array by array; it knows no store and no clock."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from shared.domain.calendars import Calendar
from shared.domain.windows import LENGTH_US, WRITTEN_US, Rung

Int64s = npt.NDArray[np.int64]

_SAFE_SUM = 2.0**62
"""Below this bound on the sum of magnitudes, 64-bit sums cannot overflow."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Measured events, one element each; all arrays have the same length.

    Attributes:
        group: which series of the measure, as a small number of the batch's own.
        time_us: event time.
        value: the scaled value; 0 where the measure only counts.
    """

    group: Int64s
    time_us: Int64s
    value: Int64s


@dataclass(frozen=True, slots=True)
class Deltas:
    """What a batch adds to panes; one element a pane, all arrays of the same length.

    `total` is of dtype object, Python integers, when 64 bits might not hold it.
    """

    group: Int64s
    rung: Int64s
    start_us: Int64s
    n: Int64s
    total: npt.NDArray[np.int64] | npt.NDArray[np.object_]
    low: Int64s
    high: Int64s

    def __len__(self) -> int:
        return len(self.group)

    def taken(self, places: npt.NDArray[np.intp]) -> "Deltas":
        """The elements at *places*, in that order."""
        return Deltas(
            self.group[places], self.rung[places], self.start_us[places], self.n[places],
            self.total[places], self.low[places], self.high[places],
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Partials:
    """Partials not yet assigned to the panes of a rung; `time_us` is any instant within each."""

    group: Int64s
    time_us: Int64s
    n: Int64s
    total: npt.NDArray[np.int64] | npt.NDArray[np.object_]
    low: Int64s
    high: Int64s

    def chosen(self, which: npt.NDArray[np.bool_]) -> "_Partials":
        """The elements where *which* is true."""
        if which.all():
            return self
        return _Partials(
            self.group[which], self.time_us[which], self.n[which],
            self.total[which], self.low[which], self.high[which],
        )  # fmt: skip


def fold(rows: Rows, *, finest: Rung, now_us: int, calendar: Calendar) -> Deltas:
    """The deltas of *rows* for every rung from *finest* up that is still written at each row's age.

    A coarser rung is made from the partials of the finer one, so the cost of a rung is that of its panes.
    """
    ages, whole = now_us - rows.time_us, _partials(rows)
    deltas: list[Deltas] = []
    carried = before = None
    youngest = np.iinfo(np.int64).min
    for rung in (rung for rung in Rung if rung >= finest):
        oldest = WRITTEN_US[rung] if rung is not Rung.D1 else np.iinfo(np.int64).max
        if rung is Rung.D1 and carried is not None and not _nest_in_days(carried, calendar):
            carried, youngest = before, _entry_age(Rung.H1, finest)
        entering = whole.chosen((ages >= youngest) & (ages < oldest))
        before, carried = carried, _grouped(_joined(carried, entering), rung, calendar)
        youngest = oldest
        if len(carried.group):
            deltas.append(_deltas(carried, rung))
    return concatenated(deltas)


def _nest_in_days(hours: _Partials, calendar: Calendar) -> bool:
    """Whether no hour straddles a local midnight, as it does where the offset is not of whole hours."""
    last = hours.time_us + (LENGTH_US[Rung.H1] - 1)
    return bool((calendar.day_starts(hours.time_us) == calendar.day_starts(last)).all())


def _entry_age(rung: Rung, finest: Rung) -> int:
    """The age from which rows enter at *rung* itself rather than through a finer one."""
    return WRITTEN_US[Rung(rung - 1)] if rung > finest else int(np.iinfo(np.int64).min)


def _partials(rows: Rows) -> _Partials:
    """A partial for each row; the sums are 64 bits wide if all of them together are."""
    value = rows.value
    bounded = float(np.abs(value.astype(np.float64)).sum()) < _SAFE_SUM
    total = value if bounded else value.astype(object)
    return _Partials(rows.group, rows.time_us, np.ones(len(value), dtype=np.int64), total, value, value)


def _joined(carried: _Partials | None, entering: _Partials) -> _Partials:
    if carried is None or not len(carried.group):
        return entering
    if not len(entering.group):
        return carried
    return _Partials(
        *(
            np.concatenate((getattr(carried, name), getattr(entering, name)))
            for name in ("group", "time_us", "n", "total", "low", "high")
        )
    )


def _grouped(partials: _Partials, rung: Rung, calendar: Calendar) -> _Partials:
    """One partial for each group and pane of *rung*, in that order; `time_us` becomes the pane's start."""
    if not len(partials.group):
        return partials
    starts = pane_starts(partials.time_us, rung, calendar)
    order = np.lexsort((starts, partials.group))
    group, starts = partials.group[order], starts[order]
    changes = np.flatnonzero((group[1:] != group[:-1]) | (starts[1:] != starts[:-1])) + 1
    first = np.concatenate(([0], changes))
    return _Partials(
        group[first],
        starts[first],
        np.add.reduceat(partials.n[order], first),
        np.add.reduceat(partials.total[order], first),
        np.minimum.reduceat(partials.low[order], first),
        np.maximum.reduceat(partials.high[order], first),
    )


def pane_starts(times_us: Int64s, rung: Rung, calendar: Calendar) -> Int64s:
    """The start of the pane of *rung* that holds each instant."""
    if rung is Rung.D1:
        return calendar.day_starts(times_us)
    return times_us - times_us % LENGTH_US[rung]


def _deltas(partials: _Partials, rung: Rung) -> Deltas:
    rungs = np.full(len(partials.group), int(rung), dtype=np.int64)
    return Deltas(
        partials.group, rungs, partials.time_us, partials.n, partials.total, partials.low, partials.high
    )


def concatenated(parts: Iterable[Deltas]) -> Deltas:
    """All *parts* one after the other."""
    columns = [(d.group, d.rung, d.start_us, d.n, d.total, d.low, d.high) for d in parts]
    if not columns:
        none = np.empty(0, dtype=np.int64)
        return Deltas(none, none, none, none, none, none, none)
    return Deltas(*(np.concatenate(column) for column in zip(*columns, strict=True)))
