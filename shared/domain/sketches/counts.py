"""How often each of some integers was met, as sorted arrays; it does not know what the integers mean."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from shared.domain.arrays import NONE, Int64s, run_starts


def summed(keys: Sequence[Int64s], counts: Int64s) -> tuple[list[Int64s], Int64s]:
    """*counts* added up by *keys*, sorted by them, the first weighing most; what comes to 0 is left out."""
    if not len(counts):
        return list(keys), counts
    order = np.lexsort(tuple(reversed(keys)))
    ordered = [key[order] for key in keys]
    first = run_starts(ordered)
    totals = np.add.reduceat(counts[order], first)
    left = totals != 0
    return [key[first][left] for key in ordered], totals[left]


@dataclass(frozen=True, slots=True, eq=False)
class Counts:
    """Integers in ascending order and how often each was met, never 0 times; none at all by default."""

    items: Int64s = field(default_factory=lambda: NONE)
    counts: Int64s = field(default_factory=lambda: NONE)

    @classmethod
    def of(cls, items: Int64s, counts: Int64s | None = None) -> "Counts":
        """The counts of *items* in any order, each met once or as often as *counts* says."""
        ones = np.ones(len(items), dtype=np.int64)
        (found,), totals = summed([items], ones if counts is None else counts)
        return cls(found, totals)

    @property
    def total(self) -> int:
        """How often anything was met."""
        return int(self.counts.sum())

    def __len__(self) -> int:
        return len(self.items)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Counts):
            return NotImplemented
        return np.array_equal(self.items, other.items) and np.array_equal(self.counts, other.counts)

    def __hash__(self) -> int:
        return hash((self.items.tobytes(), self.counts.tobytes()))

    def merged(self, other: "Counts") -> "Counts":
        """What was met in both together."""
        items = np.concatenate((self.items, other.items))
        return Counts.of(items, np.concatenate((self.counts, other.counts)))

    def positive(self) -> "Counts":
        """Only what was met more often than it was taken away."""
        left = self.counts > 0
        return self if left.all() else Counts(self.items[left], self.counts[left])

    def hold(self, other: "Counts") -> bool:
        """Whether everything of *other* is here, and as often."""
        places = np.searchsorted(self.items, other.items)
        if not len(other):
            return True
        if not len(self) or places[-1] == len(self):
            return False
        there = self.items[places] == other.items
        return bool(there.all() and (self.counts[places] >= other.counts).all())
