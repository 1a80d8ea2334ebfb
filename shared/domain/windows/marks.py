"""Which panes are made of finer ones, and up to when that is done; it knows no store.

While a pane is young only the finest rung of its measure is written. The coarser rungs below the day follow
when their panes are over, from the rung below; from then on, late events enter them at once. Up to where
a rung is done is its mark, in microseconds: every pane that ends by it is whole, and of later ones there is
nothing. Marks are kept for parts of the series apart, so that no step takes long.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from shared.domain.arrays import Int64s
from shared.domain.windows.covers import Span
from shared.domain.windows.rungs import HOUR_US, LENGTH_US, Rung

DERIVED = (Rung.S10, Rung.M1, Rung.M15, Rung.H1)
"""The rungs that are made of the one below, unless it is the finest of the measure; each nests in the next
whatever the zone. Days do not: they are written at once.
"""

PARTS = 16
"""Series are told apart by their number modulo this."""

STALE_US = HOUR_US
"""Marks are never further behind than this, and a pane, when anything is written: long before the finer panes
that a coarser one is made of are past the age at which events still enter them (`WRITTEN_US`).
"""

_AT_ONCE = np.iinfo(np.int64).max
"""The mark of rungs that are written at once."""


@dataclass(frozen=True, slots=True)
class Marks:
    """The mark of each derived rung.

    Attributes:
        until_us: by part of the series, those of `DERIVED`, in that order.
    """

    until_us: tuple[tuple[int, ...], ...]

    @classmethod
    def alike(cls, until_us: Sequence[int]) -> "Marks":
        """The same for every part."""
        return cls((tuple(until_us),) * PARTS)

    def lowest(self) -> Mapping[Rung, int]:
        """By rung, up to where it is done for every series."""
        return dict(zip(DERIVED, map(min, zip(*self.until_us, strict=True)), strict=True))

    def are_written(
        self, series_id: Int64s, rung: Int64s, start_us: Int64s, *, finest: Rung
    ) -> npt.NDArray[np.bool_]:
        """For each pane of a measure with that *finest* rung, whether events enter it at once."""
        marks = np.full((PARTS, len(Rung)), _AT_ONCE, dtype=np.int64)
        marks[:, list(DERIVED)] = self.until_us
        marks[:, finest] = _AT_ONCE
        return start_us + _LENGTHS[rung] <= marks[series_id % PARTS, rung]


_LENGTHS = np.array([LENGTH_US[rung] for rung in Rung], dtype=np.int64)


def marks_at(now_us: int, *, lag_us: int) -> tuple[int, ...]:
    """The marks of `DERIVED` that panes over for *lag_us* at *now_us* are done up to."""
    return tuple((now_us - lag_us) // LENGTH_US[rung] * LENGTH_US[rung] for rung in DERIVED)


def are_stale(marks: Marks, now_us: int) -> bool:
    """Whether a mark is so far behind *now_us* that nothing may be written before it has moved on."""
    return any(now_us - STALE_US - LENGTH_US[rung] > until_us for rung, until_us in marks.lowest().items())


def there(span: Span, finest: Rung, until_us: Mapping[Rung, int]) -> Iterator[Span]:
    """The runs of panes that stand for *span*: as far as its rung is not done, those of finer ones.

    Args:
        span: panes of a measure.
        finest: the finest rung of the measure.
        until_us: up to where each derived rung is done.
    """
    if span.rung <= finest or span.rung not in until_us:
        yield span
        return
    joint_us = min(max(until_us[span.rung], span.start_us), span.end_us)
    if span.start_us < joint_us:
        yield Span(span.rung, span.start_us, joint_us)
    if joint_us < span.end_us:
        yield from there(Span(Rung(span.rung - 1), joint_us, span.end_us), finest, until_us)
