"""Partials and what becomes of them."""

from decimal import Context, Decimal
from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.aggregates import EMPTY, Aggregate, Partial, finalise

values = st.lists(st.integers(-(10**30), 10**30), max_size=8)


def of(numbers: list[int]) -> Partial:
    """The partial of *numbers*, one event each."""
    return reduce(Partial.merged, (Partial(1, n, n, n) for n in numbers), EMPTY)


def scaled(number: int, scale: int) -> Decimal:
    """*number* with the point moved, unrounded."""
    return Decimal(number).scaleb(-scale, Context(prec=100))


partials = values.map(of)


@given(one=partials, other=partials, third=partials)
def test_merge_is_associative_and_commutative(one: Partial, other: Partial, third: Partial) -> None:
    """Panes and shards may be merged in any order and grouping."""
    assert one.merged(other) == other.merged(one)
    assert one.merged(other).merged(third) == one.merged(other.merged(third))


@given(one=partials)
def test_nothing_is_neutral(one: Partial) -> None:
    """Merging with nothing changes nothing."""
    assert one == one.merged(EMPTY) == EMPTY.merged(one)


@given(numbers=values.filter(bool), scale=st.integers(0, 9))
def test_values_are_exact(numbers: list[int], scale: int) -> None:
    """Sum, least and largest are exact decimals, and the mean lies between the two."""
    partial = of(numbers)
    found = {aggregate: finalise(partial, aggregate, scale=scale) for aggregate in Aggregate}
    mean = found[Aggregate.AVG]

    assert scaled(sum(numbers), scale) == found[Aggregate.SUM]
    assert scaled(min(numbers), scale) == found[Aggregate.MIN]
    assert scaled(max(numbers), scale) == found[Aggregate.MAX]
    assert mean is not None
    assert scaled(min(numbers), scale) <= mean <= scaled(max(numbers), scale)


@pytest.mark.parametrize(
    ("aggregate", "value"), [("count", 0), ("sum", 0), ("avg", None), ("min", None), ("max", None)]
)
def test_empty_windows(aggregate: str, value: int | None) -> None:
    """Of nothing, count and sum are 0 and everything else is null."""
    assert value == finalise(EMPTY, Aggregate(aggregate), scale=2)
