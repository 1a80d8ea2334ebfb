"""What any two aggregates of the same events owe each other."""

from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from functools import reduce

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.aggregates import (
    NO_EVENTS,
    Aggregate,
    Distinct,
    Kind,
    Numbers,
    Partial,
    Quantiles,
    Rule,
    Squares,
    finalise,
    merged,
)

values = st.lists(st.integers(-(10**12), 10**12) | st.integers(-9, 9), min_size=1, max_size=60)
percents = st.integers(0, 100).map(Decimal)

ERROR = Decimal("0.01")
"""The relative error that a percentile may have."""


def of(events: list[int], kind: Kind) -> Partial:
    """The partial of *events*, merged from one for each."""
    single: dict[Kind, Callable[[int], Partial]] = {
        Kind.NUMBERS: lambda v: Numbers(1, v, v, v),
        Kind.SQUARES: lambda v: Squares(1, v, v * v),
        Kind.QUANTILES: lambda v: Quantiles.of(np.array([v], dtype=np.int64)),
        Kind.DISTINCT: lambda v: Distinct.of(np.array([v], dtype=np.int64)),
    }
    return reduce(merged, (single[kind](value) for value in events), NO_EVENTS[kind])


def number(
    events: list[int], kind: Kind, aggregate: Aggregate, *, percentile: Decimal = Decimal(0)
) -> Decimal:
    """The value of *events*, of which there are some."""
    rule = Rule(aggregate, percentile=percentile)
    found = finalise(of(events, kind), rule, at_us=0, length_us=1)
    assert found is not None
    return found


@given(events=values, percent=percents)
def test_percentiles_lie_within(events: list[int], percent: Decimal) -> None:
    """A percentile lies between the smallest and the largest value, give or take its error."""
    found = number(events, Kind.QUANTILES, Aggregate.PERCENTILE, percentile=percent)

    assert min(events) - abs(min(events)) * ERROR <= found <= max(events) + abs(max(events)) * ERROR


@given(events=values, one=percents, other=percents)
def test_percentiles_rise(events: list[int], one: Decimal, other: Decimal) -> None:
    """A higher percentile is no lower."""
    lower, higher = sorted((one, other))

    assert number(events, Kind.QUANTILES, Aggregate.PERCENTILE, percentile=lower) <= number(
        events, Kind.QUANTILES, Aggregate.PERCENTILE, percentile=higher
    )


@given(events=values)
def test_means_make_up_sums(events: list[int]) -> None:
    """The mean lies between the extremes, and as many means as events are the sum, to 34 digits."""
    mean = number(events, Kind.NUMBERS, Aggregate.AVG)

    assert min(events) <= mean <= max(events)
    assert abs(Fraction(mean) * len(events) - sum(events)) <= abs(Fraction(sum(events))) / 10**33


@given(events=values)
def test_deviations_are_no_less_than_nothing(events: list[int]) -> None:
    """A deviation is not negative, is 0 only of equal values, and at most the distance of the extremes."""
    twice = [*events, *events]
    found = number(twice, Kind.SQUARES, Aggregate.STDDEV)

    assert 0 <= found <= max(events) - min(events)
    assert (found == 0) == (len(set(events)) == 1)


@given(events=values)
def test_no_more_different_than_there_are(events: list[int]) -> None:
    """There are at most as many different values as events, and at least one."""
    assert 1 <= number(events, Kind.DISTINCT, Aggregate.DISTINCT) <= len(events)
