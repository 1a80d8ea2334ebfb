"""Partials of many panes at once, an array for each of their parts; they know neither panes nor events.

Each class knows how its elements merge: `reduced` merges runs of elements that stand one after the other.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from shared.domain.aggregates import NO_HIGH, NO_LOW
from shared.domain.arrays import Int64s, Integers, Places, UInt64s, run_numbers

_SAFE_SUM = 2.0**62
"""Below this bound on the sum of magnitudes, 64-bit sums cannot overflow."""


@dataclass(frozen=True, slots=True)
class NumberColumns:
    """Elements of `Numbers`; *total* is of Python integers when 64 bits might not hold it."""

    n: Int64s
    total: Integers
    low: Int64s
    high: Int64s

    @classmethod
    def of(cls, values: Int64s, *, sign: int) -> Self:
        """One element a value; with *sign* -1 it is taken away and says nothing about extremes."""
        if sign > 0:
            return cls(_ones(values, sign), _summable(values), values, values)
        low, high = np.full(len(values), NO_LOW), np.full(len(values), NO_HIGH)
        return cls(_ones(values, sign), _summable(values) * sign, low, high)

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """All elements of *parts*, one after the other."""
        return cls(
            np.concatenate([part.n for part in parts]),
            np.concatenate([part.total for part in parts]),
            np.concatenate([part.low for part in parts]),
            np.concatenate([part.high for part in parts]),
        )

    def taken(self, places: Places | npt.NDArray[np.bool_]) -> Self:
        """The elements at *places*, in that order."""
        return type(self)(self.n[places], self.total[places], self.low[places], self.high[places])

    def keys(self) -> tuple[Int64s, ...]:
        """What parts elements of one pane."""
        return ()

    def reduced(self, first: Places) -> Self:
        """One element for each run, the runs beginning at *first*."""
        return type(self)(
            np.add.reduceat(self.n, first),
            np.add.reduceat(self.total, first),
            np.minimum.reduceat(self.low, first),
            np.maximum.reduceat(self.high, first),
        )

    def widened(self) -> Self:
        """The same with room for the sum of all elements, which may be those of several batches."""
        return type(self)(self.n, _summable(self.total), self.low, self.high)


@dataclass(frozen=True, slots=True)
class SquareColumns:
    """Elements of `Squares`; sums are of Python integers when 64 bits might not hold them."""

    n: Int64s
    total: Integers
    squares: Integers

    @classmethod
    def of(cls, values: Int64s, *, sign: int) -> Self:
        """One element a value, taken away if *sign* is -1."""
        size = float(np.square(values.astype(np.float64)).sum())
        exact = values if size < _SAFE_SUM else values.astype(object)
        return cls(_ones(values, sign), _summable(values) * sign, exact * exact * sign)

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """All elements of *parts*, one after the other."""
        return cls(
            np.concatenate([part.n for part in parts]),
            np.concatenate([part.total for part in parts]),
            np.concatenate([part.squares for part in parts]),
        )

    def taken(self, places: Places | npt.NDArray[np.bool_]) -> Self:
        """The elements at *places*, in that order."""
        return type(self)(self.n[places], self.total[places], self.squares[places])

    def keys(self) -> tuple[Int64s, ...]:
        """What parts elements of one pane."""
        return ()

    def reduced(self, first: Places) -> Self:
        """One element for each run, the runs beginning at *first*."""
        return type(self)(*(np.add.reduceat(part, first) for part in (self.n, self.total, self.squares)))

    def widened(self) -> Self:
        """The same with room for the sum of all elements, which may be those of several batches."""
        return type(self)(self.n, _summable(self.total), _summable(self.squares))


@dataclass(frozen=True, slots=True)
class EventColumns:
    """Single events in the order of `End`: by time, then by the halves of the key, then by value."""

    time_us: Int64s
    key_high: UInt64s
    key_low: UInt64s
    value: Int64s

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """All elements of *parts*, one after the other."""
        return cls(
            np.concatenate([part.time_us for part in parts]),
            np.concatenate([part.key_high for part in parts]),
            np.concatenate([part.key_low for part in parts]),
            np.concatenate([part.value for part in parts]),
        )

    def taken(self, places: Places | npt.NDArray[np.bool_]) -> Self:
        """The elements at *places*, in that order."""
        return type(self)(
            self.time_us[places], self.key_high[places], self.key_low[places], self.value[places]
        )

    def ordered(self, runs: Places) -> Self:
        """The elements of each of *runs* in order, the runs staying where they are."""
        return self.taken(np.lexsort((self.value, self.key_low, self.key_high, self.time_us, runs)))


@dataclass(frozen=True, slots=True)
class EndColumns:
    """Elements of `Ends`; one of no ends has its first after and its last before every instant."""

    n: Int64s
    first: EventColumns
    last: EventColumns

    @classmethod
    def of(cls, events: EventColumns, *, sign: int) -> Self:
        """One element an event; with *sign* -1 it is taken away and says nothing about ends."""
        if sign > 0:
            return cls(_ones(events.value, sign), events, events)
        return cls(_ones(events.value, sign), _nowhere(events, NO_LOW), _nowhere(events, NO_HIGH))

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """All elements of *parts*, one after the other."""
        first, last = [part.first for part in parts], [part.last for part in parts]
        n = np.concatenate([part.n for part in parts])
        return cls(n, EventColumns.joined(first), EventColumns.joined(last))

    def taken(self, places: Places | npt.NDArray[np.bool_]) -> Self:
        """The elements at *places*, in that order."""
        return type(self)(self.n[places], self.first.taken(places), self.last.taken(places))

    def keys(self) -> tuple[Int64s, ...]:
        """What parts elements of one pane."""
        return ()

    def reduced(self, first: Places) -> Self:
        """One element for each run, the runs beginning at *first*."""
        runs = run_numbers(first, len(self.n))
        final = np.append(first[1:], len(self.n)) - 1
        firsts, lasts = self.first.ordered(runs).taken(first), self.last.ordered(runs).taken(final)
        return type(self)(np.add.reduceat(self.n, first), firsts, lasts)

    def widened(self) -> Self:
        """The same: counts have room enough."""
        return self


@dataclass(frozen=True, slots=True)
class ItemColumns:
    """Elements of sketches: how often an item, a bucket or a hash, was met in a pane."""

    item: Int64s
    count: Int64s

    @classmethod
    def of(cls, items: Int64s, *, sign: int) -> Self:
        """One element an item, taken away if *sign* is -1."""
        return cls(items, _ones(items, sign))

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """All elements of *parts*, one after the other."""
        items = np.concatenate([part.item for part in parts])
        return cls(items, np.concatenate([part.count for part in parts]))

    def taken(self, places: Places | npt.NDArray[np.bool_]) -> Self:
        """The elements at *places*, in that order."""
        return type(self)(self.item[places], self.count[places])

    def keys(self) -> tuple[Int64s, ...]:
        """What parts elements of one pane."""
        return (self.item,)

    def reduced(self, first: Places) -> Self:
        """One element for each run, the runs beginning at *first*."""
        return type(self)(self.item[first], np.add.reduceat(self.count, first))

    def widened(self) -> Self:
        """The same: counts have room enough."""
        return self


def _ones(values: Int64s, sign: int) -> Int64s:
    return np.full(len(values), sign, dtype=np.int64)


def _summable(values: Integers) -> Integers:
    """*values* as integers that are 64 bits wide if the sum of all of them together is."""
    if values.dtype == object:
        return values
    bounded = float(np.abs(values.astype(np.float64)).sum()) < _SAFE_SUM
    return values if bounded else values.astype(object)


def _nowhere(events: EventColumns, time_us: int) -> EventColumns:
    times = np.full(len(events.time_us), time_us, dtype=np.int64)
    return EventColumns(times, events.key_high, events.key_low, events.value)
