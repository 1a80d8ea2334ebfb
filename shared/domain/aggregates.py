"""The mergeable partial of a pane and how it becomes a value; exact integers until the last step."""

from dataclasses import dataclass
from decimal import Context, Decimal
from enum import StrEnum
from typing import assert_never

EXACT = Context(prec=34)
"""Quotients carry 34 significant digits, those of IEEE 754 decimal128; everything else is exact."""

_UNROUNDED = Context(prec=100)
"""More digits than a sum of 64-bit integers can have, so that shifting the point never rounds."""


class Aggregate(StrEnum):
    """How the events of a window become one number."""

    COUNT = "count"
    SUM = "sum"
    AVG = "avg"
    MIN = "min"
    MAX = "max"


@dataclass(frozen=True, slots=True)
class Partial:
    """What a set of events comes to; `merged` is associative and commutative, `EMPTY` its identity.

    Attributes:
        n: how many events.
        total: sum of their values, scaled to integers.
        low: the smallest scaled value; 0 where there is none.
        high: the largest scaled value; 0 where there is none.
    """

    n: int
    total: int
    low: int
    high: int

    def merged(self, other: "Partial") -> "Partial":
        """The partial of both sets together."""
        if self.n == 0:
            return other
        if other.n == 0:
            return self
        low, high = min(self.low, other.low), max(self.high, other.high)
        return Partial(self.n + other.n, self.total + other.total, low, high)


EMPTY = Partial(0, 0, 0, 0)


def finalise(partial: Partial, aggregate: Aggregate, *, scale: int) -> Decimal | None:
    """The value of *partial*: count and sum of nothing are 0, everything else of nothing is None.

    Args:
        partial: the merged panes of a window.
        aggregate: what is asked of them.
        scale: decimal places the integers were scaled by.
    """
    match aggregate:
        case Aggregate.COUNT:
            return Decimal(partial.n)
        case Aggregate.SUM:
            return Decimal(partial.total).scaleb(-scale, _UNROUNDED)
        case Aggregate.AVG:
            total = Decimal(partial.total).scaleb(-scale, _UNROUNDED)
            return EXACT.divide(total, Decimal(partial.n)) if partial.n else None
        case Aggregate.MIN:
            return Decimal(partial.low).scaleb(-scale, _UNROUNDED) if partial.n else None
        case Aggregate.MAX:
            return Decimal(partial.high).scaleb(-scale, _UNROUNDED) if partial.n else None
        case _:
            assert_never(aggregate)
