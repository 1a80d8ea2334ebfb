"""Which KPIs add up over their series, which are quotients of two that do, and which are neither."""

from fractions import Fraction
from typing import Any

import pytest

from shared.domain.expressions import Operand
from shared.domain.quotients import (
    Amount,
    IndivisibleChangeError,
    Linear,
    Of,
    Quotient,
    Shape,
    Terms,
    amounts_in,
    shape_of,
)
from tests.unit.domain.kpi_builders import a_catalogue, a_kpi

PRICES = {"value": "data.price", "scale": 2}
A, B = Amount(Operand("a")), Amount(Operand("b"))
MEAN = Amount(Operand("mean"))
EVENTS = Amount(Operand("mean"), Of.EVENTS)


def shape(formula: str, **fields: Any) -> Shape:
    """The shape of *formula* over two sums, a mean, and a KPI of *fields*."""
    kpis = [
        a_kpi("a", aggregate="sum", **PRICES),
        a_kpi("b"),
        a_kpi("mean", aggregate="avg", **PRICES),
        a_kpi("share", formula="a / b"),
        a_kpi("odd", **(fields or {"aggregate": "min", **PRICES})),
        a_kpi("asked", formula=formula),
    ]
    return shape_of(a_catalogue(*kpis), "asked")


def terms(**times: int) -> Terms:
    """So many times each KPI."""
    return {Amount(Operand(slug)): Fraction(number) for slug, number in times.items()}


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("a + b", Linear(terms(a=1, b=1))),
        ("a - 2 * b", Linear(terms(a=1, b=-2))),
        ("-(a + b) / 4", Linear({A: Fraction(-1, 4), B: Fraction(-1, 4)})),
        ("0.1 * a", Linear({A: Fraction(1, 10)})),
        ("a + b - a", Linear(terms(b=1))),
        ("prev(a) + b", Linear({Amount(Operand("a", is_previous=True)): Fraction(1), B: Fraction(1)})),
        ("100 * a / (a + b)", Quotient(terms(a=100), terms(a=1, b=1))),
        ("1 - a / b", Quotient(terms(a=-1, b=1), terms(b=1))),
        ("a / b + 1", Quotient(terms(a=1, b=1), terms(b=1))),
        ("a / b + share", Quotient(terms(a=2), terms(b=1))),
        ("share / 2", Quotient({A: Fraction(1, 2)}, terms(b=1))),
        ("mean + 0", Quotient({MEAN: Fraction(1)}, {EVENTS: Fraction(1)})),
        ("2 + mean", Quotient({MEAN: Fraction(1), EVENTS: Fraction(2)}, {EVENTS: Fraction(1)})),
    ],
    ids=str,
)
def test_shapes(formula: str, expected: Shape) -> None:
    """A formula comes to sums of what adds up over series, or to a quotient of two, exactly."""
    assert expected == shape(formula)


@pytest.mark.parametrize(
    ("formula", "reason"),
    [
        ("a + 1", "a sum + a number"),
        ("a * b", "a sum * a sum"),
        ("a / b * b", "a quotient * a sum"),
        ("a / b + b / a", "a quotient + a quotient"),
        ("mean - share", "a quotient - a quotient"),
        ("share / mean", "a quotient / a quotient"),
        ("a / 0", "a sum / a number"),
        ("a % b", "a sum % a sum"),
        ("abs(a)", "abs()"),
        ("a if b > 1 else b", "chooses"),
        ("share(a)", "total(a)"),
        ("a - total(a)", "total(a)"),
        ("b + odd", "odd is a min"),
        ("b + 0 * odd", "odd is a min"),
        ("max(a, b)", "max()"),
    ],
)
def test_refusals(formula: str, reason: str) -> None:
    """What neither adds up nor is a quotient is refused, with what stands in the way and what would not."""
    with pytest.raises(IndivisibleChangeError) as refusal:
        shape(formula)

    assert reason in refusal.value.reason
    assert "'asked'" in str(refusal.value)
    assert "counts, sums" in str(refusal.value)


@pytest.mark.parametrize(
    "fields",
    [
        {"aggregate": "min", **PRICES},
        {"aggregate": "max", **PRICES},
        {"aggregate": "first", **PRICES},
        {"aggregate": "last", **PRICES},
        {"aggregate": "stddev", **PRICES},
        {"aggregate": "percentile", "percentile": 95, **PRICES},
        {"aggregate": "distinct", "value": "data.customer"},
        {"aggregate": "time_since_last"},
    ],
    ids=lambda fields: str(fields["aggregate"]),
)
def test_refused_aggregates(fields: dict[str, Any]) -> None:
    """An aggregate that is no sum of what its parts are is refused by its name."""
    with pytest.raises(IndivisibleChangeError, match=f"odd is a {fields['aggregate']}"):
        shape("odd + 0", **fields)


def test_rates_and_amounts() -> None:
    """A rate adds up, and a mean needs its sum and its events."""
    assert Linear({Amount(Operand("odd")): Fraction(1)}) == shape("+odd", aggregate="rate")
    assert {MEAN, EVENTS} == set(amounts_in(shape("mean - 1")))
