"""Percentiles of scaled values from counts of buckets; every number is an integer, on every machine alike.

The sketch is DDSketch (Masson, Rim, Lee: PVLDB 12(12), 2019) with a relative error of 1 %: a value v > 0 lies
in bucket i = ceil(log v / log gamma), gamma = (1 + 0.01) / (1 - 0.01) = 101/99. Instead of logarithms it uses
the largest integer of each bucket, the floor of gamma to the i. Bucket i has the number i + 1, its mirror
for negative values -(i + 1), and zero has a bucket of its own.
"""

from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from functools import cache

import numpy as np

from shared.domain.arrays import Int64s
from shared.domain.sketches.counts import Counts

_GAMMA = Fraction(101, 99)
_LARGEST = 2**63 - 1


@cache
def bucket_ends() -> Int64s:
    """The largest integer of bucket 0, 1, 2, ...; the last one ends where 64 bits do."""
    ends, above, below = [1], _GAMMA.numerator, _GAMMA.denominator
    while ends[-1] < _LARGEST:
        ends.append(min(above // below, _LARGEST))
        above, below = above * _GAMMA.numerator, below * _GAMMA.denominator
    return np.array(ends, dtype=np.int64)


def bucket_numbers(values: Int64s) -> Int64s:
    """The number of the bucket of each of *values*."""
    numbers = np.searchsorted(bucket_ends(), np.abs(values)).astype(np.int64) + 1
    return np.sign(values) * numbers


def representative(number: int) -> Fraction:
    """What stands for the values of a bucket: within 1 % of each of them, exact where there is only one."""
    if number == 0:
        return Fraction(0)
    ends, place = bucket_ends(), abs(number) - 1
    high = int(ends[place])
    low = int(ends[place - 1]) + 1 if place else 1
    middle = Fraction(2 * low * high, low + high)
    return middle if number > 0 else -middle


@dataclass(frozen=True, slots=True)
class Quantiles:
    """What a set of events comes to; the one without arguments is the identity of `merged`.

    Attributes:
        buckets: how many values each bucket holds; below 0 for events taken away.
    """

    buckets: Counts = field(default_factory=Counts)

    @classmethod
    def of(cls, values: Int64s) -> "Quantiles":
        """The partial of scaled *values*."""
        return cls(Counts.of(bucket_numbers(values)))

    @property
    def n(self) -> int:
        """How many events."""
        return self.buckets.total

    def merged(self, other: "Quantiles") -> "Quantiles":
        """The partial of both sets together."""
        return Quantiles(self.buckets.merged(other.buckets))

    def may_hang_on(self, removed: "Quantiles") -> bool:  # noqa: ARG002 - as every partial is asked
        """No: what was added can be taken away again."""
        return False

    def at(self, percent: Decimal) -> Fraction | None:
        """What stands for the lowest value whose cumulative count is above percent/100 * (n - 1).

        Args:
            percent: 0 to 100.

        Returns:
            The scaled value; None of no events.
        """
        if self.n <= 0:
            return None
        rank = int(Fraction(percent) * (self.n - 1) / 100)
        place = int(np.searchsorted(np.cumsum(self.buckets.counts), rank, side="right"))
        return representative(int(self.buckets.items[place]))
