"""Order statistics and rates of plain numbers; it knows no scenario."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

__all__ = ["Spread", "histogram_quantile", "median", "per_second", "quantile", "spread"]


@dataclass(frozen=True, slots=True)
class Spread:
    """How a number of durations in seconds are distributed."""

    count: int
    p50_s: float
    p99_s: float
    max_s: float


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest of *values* that at least *share* of them do not exceed: always one that was measured.

    Raises:
        ValueError: there are no values.
    """
    if not values:
        raise ValueError("nothing was measured")
    return sorted(values)[max(math.ceil(share * len(values)), 1) - 1]


def spread(values: Sequence[float]) -> Spread:
    """The distribution of *values*.

    Raises:
        ValueError: there are no values.
    """
    return Spread(len(values), quantile(values, 0.5), quantile(values, 0.99), max(values))


def per_second(count: float, seconds: float) -> float:
    """*count* in each of *seconds*; 0 of no time, in which nothing can have been measured."""
    return count / seconds if seconds > 0 else 0.0


def histogram_quantile(buckets: Sequence[tuple[float, float]], share: float) -> float | None:
    """The value below which *share* of a histogram lies, by Prometheus' rule; None when it is empty.

    Within a bucket values count as evenly spread; of the last, open one the lower edge is given.

    Args:
        buckets: upper edge and cumulative count of each, the last edge infinite.
        share: between 0 and 1.
    """
    total = buckets[-1][1] if buckets else 0
    if not total:
        return None
    lower, before = 0.0, 0.0
    for upper, count in buckets:
        if count >= share * total and count > before:
            return (
                lower
                if math.isinf(upper)
                else lower + (upper - lower) * (share * total - before) / (count - before)
            )
        lower, before = upper, count
    raise AssertionError("the last bucket holds everything")
