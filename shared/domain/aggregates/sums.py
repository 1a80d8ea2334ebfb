"""Partials that are sums and extremes of scaled values, exact integers throughout."""

from dataclasses import dataclass

NO_LOW = 2**63 - 1
"""The smallest of no values: no scaled value is as large, and every other is smaller."""

NO_HIGH = -(2**63)
"""The largest of no values."""


@dataclass(frozen=True, slots=True)
class Numbers:
    """What a set of events comes to; the one without arguments is the identity of `merged`.

    Attributes:
        n: how many events; below 0 for events taken away.
        total: sum of their values, scaled to integers.
        low: the smallest scaled value; `NO_LOW` of none, and of events taken away.
        high: the largest scaled value; `NO_HIGH` of none, and of events taken away.
    """

    n: int = 0
    total: int = 0
    low: int = NO_LOW
    high: int = NO_HIGH

    def merged(self, other: "Numbers") -> "Numbers":
        """The partial of both sets together."""
        low, high = min(self.low, other.low), max(self.high, other.high)
        return Numbers(self.n + other.n, self.total + other.total, low, high)

    def may_hang_on(self, removed: "Numbers") -> bool:
        """Whether an extreme may be of the *removed* events: it cannot be told without the others."""
        return removed.low <= self.low or removed.high >= self.high


@dataclass(frozen=True, slots=True)
class Squares:
    """What the spread of a set of events is worked out from; sums only, so events can be taken away.

    Attributes:
        n: how many events; below 0 for events taken away.
        total: sum of their values, scaled to integers.
        squares: sum of the squares of these integers.
    """

    n: int = 0
    total: int = 0
    squares: int = 0

    def merged(self, other: "Squares") -> "Squares":
        """The partial of both sets together."""
        return Squares(self.n + other.n, self.total + other.total, self.squares + other.squares)

    def may_hang_on(self, removed: "Squares") -> bool:  # noqa: ARG002 - as every partial is asked
        """No: what was added can be taken away again."""
        return False
