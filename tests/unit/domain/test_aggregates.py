"""Partials of every kind and what becomes of them."""

from decimal import Context, Decimal
from fractions import Fraction
from functools import reduce
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.aggregates import (
    EMPTY,
    NO_EVENTS,
    Aggregate,
    Distinct,
    End,
    Ends,
    Kind,
    Numbers,
    Partial,
    Per,
    Quantiles,
    Rule,
    Squares,
    finalise,
    kind_of,
    may_hang_on,
    merged,
)

scaled_values = st.integers(-9_200_000_000_000_000_000, 9_200_000_000_000_000_000) | st.integers(-9, 9)
Event = tuple[int, int, int]
"""Time, number of the key, scaled value."""

logs = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 255), scaled_values), max_size=8)
kinds = pytest.mark.parametrize("kind", Kind)


def of(events: list[Event], kind: Kind) -> Partial:
    """The partial of *events*, merged one by one."""
    return reduce(merged, (one(event, kind) for event in events), NO_EVENTS[kind])


def one(event: Event, kind: Kind) -> Partial:
    """The partial of one event."""
    time_us, key, value = event
    end, array = End(time_us, bytes([key]) * 16, value), np.array([value], dtype=np.int64)
    single: dict[Kind, Partial] = {
        Kind.NUMBERS: Numbers(1, value, value, value),
        Kind.SQUARES: Squares(1, value, value * value),
        Kind.ENDS: Ends(1, end, end),
        Kind.QUANTILES: Quantiles.of(array),
        Kind.DISTINCT: Distinct.of(array),
    }
    return single[kind]


def value(partial: Partial, aggregate: Aggregate, *, scale: int = 0, **rule: object) -> Decimal | None:
    """The value of *partial* in a window of a minute that ends at 10 s."""
    asked = Rule(aggregate, scale, **rule)  # type: ignore[arg-type]  # as the tests spell them
    return finalise(partial, asked, at_us=10_000_000, length_us=60_000_000)


def scaled(number: int, scale: int) -> Decimal:
    """*number* with the point moved, unrounded."""
    return Decimal(number).scaleb(-scale, Context(prec=100))


@kinds
@given(log=logs, other=logs, third=logs)
def test_merge_is_associative_and_commutative(
    kind: Kind, log: list[Event], other: list[Event], third: list[Event]
) -> None:
    """Panes and shards may be merged in any order and grouping."""
    a, b, c = of(log, kind), of(other, kind), of(third, kind)

    assert merged(a, b) == merged(b, a)
    assert merged(merged(a, b), c) == merged(a, merged(b, c)) == of([*log, *other, *third], kind)


@kinds
@given(log=logs)
def test_nothing_is_neutral(kind: Kind, log: list[Event]) -> None:
    """Merging with nothing changes nothing."""
    partial, nothing = of(log, kind), NO_EVENTS[kind]

    assert partial == merged(partial, nothing) == merged(nothing, partial)


def test_kinds_do_not_mix() -> None:
    """Merging partials of different kinds is refused, and so is taking one away from another."""
    with pytest.raises(TypeError, match="do not merge"):
        merged(NO_EVENTS[Kind.NUMBERS], NO_EVENTS[Kind.ENDS])
    with pytest.raises(TypeError, match="never part"):
        may_hang_on(NO_EVENTS[Kind.NUMBERS], NO_EVENTS[Kind.ENDS])


@kinds
@given(log=logs.filter(bool), data=st.data())
def test_an_extreme_may_hang_on_its_event(kind: Kind, log: list[Event], data: st.DataObject) -> None:
    """Whoever takes an event away is warned whenever the rest cannot be told from what is kept."""
    removed = data.draw(st.sampled_from(log))
    rest = [*log]
    rest.remove(removed)
    whole, left = of(log, kind), of(rest, kind)
    keeps_extremes = (
        (isinstance(whole, Numbers) and isinstance(left, Numbers))
        and (whole.low, whole.high) == (left.low, left.high)
    ) or (
        (isinstance(whole, Ends) and isinstance(left, Ends))
        and (whole.first, whole.last)
        == (
            left.first,
            left.last,
        )
    )

    assert (
        kind in (Kind.SQUARES, Kind.QUANTILES, Kind.DISTINCT)
        or keeps_extremes
        or may_hang_on(whole, one(removed, kind))
    )


@given(log=logs.filter(bool), scale=st.integers(0, 9))
def test_values_are_exact(log: list[Event], scale: int) -> None:
    """Sum, least and largest are exact decimals, and the mean lies between the two."""
    numbers = [event[2] for event in log]
    partial = of(log, Kind.NUMBERS)
    mean = value(partial, Aggregate.AVG, scale=scale)

    assert scaled(sum(numbers), scale) == value(partial, Aggregate.SUM, scale=scale)
    assert scaled(min(numbers), scale) == value(partial, Aggregate.MIN, scale=scale)
    assert scaled(max(numbers), scale) == value(partial, Aggregate.MAX, scale=scale)
    assert mean is not None
    assert scaled(min(numbers), scale) <= mean <= scaled(max(numbers), scale)


@pytest.mark.parametrize("aggregate", Aggregate)
def test_empty_windows(aggregate: Aggregate) -> None:
    """Of nothing, count, sum, rate and distinct are 0 and everything else is null."""
    is_zero = aggregate in (Aggregate.COUNT, Aggregate.SUM, Aggregate.RATE, Aggregate.DISTINCT)

    found = {value(partial, aggregate, scale=2) for partial in (EMPTY, NO_EVENTS[kind_of(aggregate)])}

    assert found == {0 if is_zero else None}


@pytest.mark.parametrize("partial", [EMPTY, Numbers(3, 15, 1, 9)])
def test_rate_over_no_time(partial: Partial) -> None:
    """A rate over no time is unknown, with events or without."""
    assert finalise(partial, Rule(Aggregate.RATE), at_us=0, length_us=0) is None


@pytest.mark.parametrize(
    ("aggregate", "partial"),
    [
        (Aggregate.SUM, Numbers(0, 0, 3, 3)),
        (Aggregate.MIN, Numbers(0, 0, 3, 3)),
        (Aggregate.LAST, Ends(0, End(1, b"k" * 16, 3), End(1, b"k" * 16, 3))),
    ],
)
def test_emptied_by_corrections(aggregate: Aggregate, partial: Partial) -> None:
    """What was counted and taken away again is as if it had never been, whatever the extremes still say."""
    assert value(partial, aggregate) == value(EMPTY, aggregate)


@pytest.mark.parametrize(
    ("per", "of_count", "of_sum"), [("s", "0.05", "0.0025"), ("min", "3", "0.15"), ("h", "180", "9")]
)
def test_rate(per: str, of_count: str, of_sum: str) -> None:
    """A rate is the count, or the sum of the values, over the window: 3 events, 0.15 in all, in a minute."""
    partial = Numbers(3, 15, 1, 9)

    assert Decimal(of_count) == value(partial, Aggregate.RATE, per=Per(per))
    assert Decimal(of_sum) == value(partial, Aggregate.RATE, scale=2, per=Per(per), has_value=True)


def test_first_and_last() -> None:
    """Of events at one instant the smaller key is the earlier one, and the larger key the later one."""
    log = [(5, 2, 20), (5, 1, 10), (5, 3, 30), (4, 9, 90), (6, 8, 80), (6, 7, 70)]
    partial = of(log, Kind.ENDS)

    assert value(partial, Aggregate.FIRST) == 90
    assert value(partial, Aggregate.LAST) == 80
    assert value(of(log[:3], Kind.ENDS), Aggregate.FIRST) == 10
    assert value(of(log[:3], Kind.ENDS), Aggregate.LAST) == 30


@pytest.mark.parametrize(
    ("last_us", "seconds"), [(4_000_000, "6"), (9_999_999, "0.000001"), (10_000_000, "0"), (12_000_000, "0")]
)
def test_time_since_last(last_us: int, seconds: str) -> None:
    """It is exact to the microsecond, and 0 for events that a clock ahead of ours has stamped."""
    assert Decimal(seconds) == value(of([(last_us, 1, 0)], Kind.ENDS), Aggregate.TIME_SINCE_LAST)


@given(log=logs, scale=st.integers(0, 9))
def test_stddev(log: list[Event], scale: int) -> None:
    """The deviation of a sample is the exact root, rounded once to 34 digits; null of fewer than two."""
    found = value(of(log, Kind.SQUARES), Aggregate.STDDEV, scale=scale)
    numbers = [Fraction(event[2], 10**scale) for event in log]
    if len(numbers) < 2:
        assert found is None
        return
    mean = sum(numbers) / len(numbers)
    variance = sum((number - mean) ** 2 for number in numbers) / (len(numbers) - 1)
    assert found is not None
    half = Fraction(1, 2) * Fraction(10) ** (found.adjusted() - 33)

    assert max(Fraction(found) - half, Fraction(0)) ** 2 <= variance <= (Fraction(found) + half) ** 2


def test_stddev_of_a_perfect_square() -> None:
    """A root that is a short decimal comes out as one: 2, 4, 4, 4, 5, 5, 7, 9, 5 have the variance 4."""
    log = [(0, 0, number) for number in (2, 4, 4, 4, 5, 5, 7, 9, 5)]

    assert value(of(log, Kind.SQUARES), Aggregate.STDDEV) == 2


def test_every_aggregate_has_its_kind() -> None:
    """Every aggregate is made from one kind of partial, and every kind serves some aggregate."""
    assert {kind_of(aggregate) for aggregate in Aggregate} == set(Kind)
    for aggregate, kind in product(Aggregate, Kind):
        if kind_of(aggregate) is kind:
            assert value(of([(1, 1, 1), (2, 2, 1)], kind), aggregate) is not None
