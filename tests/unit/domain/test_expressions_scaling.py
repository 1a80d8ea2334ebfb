"""Scaled integers equal decimal arithmetic, whatever the numbers."""

from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.expressions import MAX_SCALED, scaled_values

WIDE = Context(prec=500, rounding=ROUND_HALF_EVEN)


def oracle(values: list[Any], scale: int) -> tuple[list[int], list[int]]:
    """Every number by Decimal alone."""
    exact = [Decimal(repr(value)) if isinstance(value, float) else Decimal(value) for value in values]
    whole = [int(WIDE.to_integral_value(WIDE.scaleb(number, scale))) for number in exact]
    outside = [i for i, number in enumerate(whole) if abs(number) > MAX_SCALED]
    return [0 if i in outside else number for i, number in enumerate(whole)], outside


def scaled(values: list[Any], scale: int) -> tuple[list[int], list[int]]:
    numbers, outside = scaled_values(values, scale)
    assert str(numbers.dtype) == "int64"
    return numbers.tolist(), outside


TIES = st.builds(
    lambda whole, scale: float(f"{whole}5e-{scale + 1}"), st.integers(-(10**14), 10**14), st.integers(0, 9)
)
FLOATS = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.floats(-1e6, 1e6),
    TIES,
    st.builds(round, st.floats(-1e9, 1e9), st.integers(0, 10)),
    st.sampled_from([0.0, -0.0, 5e-324, 2.0**52, 2.0**52 - 0.5, 9.2e18, 9.3e18, 1e308]),
)
INTS = st.one_of(
    st.integers(-(10**40), 10**40), st.integers(-1000, 1000), st.sampled_from([MAX_SCALED, -MAX_SCALED - 1])
)
DECIMALS = st.one_of(
    st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**20), max_value=10**20),
    st.sampled_from(
        [Decimal("1e6000"), Decimal("-1e-6000"), Decimal("0.5"), Decimal("1.5"), Decimal("0e30")]
    ),
)


@settings(deadline=None, max_examples=300)
@given(
    st.one_of(st.lists(FLOATS), st.lists(INTS), st.lists(FLOATS | INTS), st.lists(FLOATS | INTS | DECIMALS)),
    st.integers(0, 9),
)
def test_equals_decimal(values: list[Any], scale: int) -> None:
    """The fast way and the exact way agree on every number, ties included."""
    assert oracle(values, scale) == scaled(values, scale)


CASES = [
    ([0.5, 1.5, 2.5, -0.5], 0, [0, 2, 2, 0]),
    ([0.125, 0.135, 1.005], 2, [12, 14, 100]),
    ([2.675, 1.115], 2, [268, 112]),
    ([1, 2], 2, [100, 200]),
    ([1, 0.1], 1, [10, 1]),
    ([Decimal("0.25")], 1, [2]),
    ([], 3, []),
]


@pytest.mark.parametrize(("values", "scale", "expected"), CASES)
def test_half_even(values: list[Any], scale: int, expected: list[int]) -> None:
    """Rounding is half-even on the decimal that was written, not on its float: 2.675 is a tie."""
    assert (expected, []) == scaled(values, scale)


def test_not_finite() -> None:
    """What is not finite does not fit, and harms no other row."""
    assert scaled([1.0, float("nan"), float("inf")], 0) == ([1, 0, 0], [1, 2])
