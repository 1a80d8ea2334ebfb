"""Values in words."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.aggregates import Distinct, End, Ends, Numbers, Partial, Quantiles, Squares
from shared.domain.business_hours import BusinessHours
from shared.domain.explanations import (
    arithmetic_in_words,
    hours_in_words,
    judgement_in_words,
    rule_in_words,
    shown,
)
from shared.domain.expressions import parse_formula
from shared.domain.expressions.spelling import spelled
from shared.domain.targets import Aim, Direction, judge
from tests.unit.api.builders import a_kpi

HOUR_US = 3_600_000_000


@given(st.integers(-(10**30), 10**30), st.integers(0, 18))
def test_shown_is_exact(scaled: int, scale: int) -> None:
    """An integer at a scale is shown with all its digits."""
    assert shown(scaled, scale) * 10**scale == scaled or abs(scaled) >= 10**28
    assert format(shown(scaled, scale), "f").replace(".", "").lstrip("-0") == str(abs(scaled)).lstrip("0")


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("a / b", "6.00 / 0"),
        ("prev(a) - a", "4 - 6.00"),
        ("share(a) * 100", "6.00 / 10 * 100"),
        ("a / share(a)", "6.00 / (6.00 / 10)"),
        ("prev(total(c)) + c", "(no data) + (-3)"),
        ("max(a, c)", "max(6.00, (-3))"),
    ],
)
def test_a_formula_with_numbers(formula: str, expected: str) -> None:
    """Every operand is replaced by its number, and functions stay."""
    values: dict[str, Decimal | None] = {
        "a": Decimal("6.00"),
        "b": Decimal(0),
        "c": Decimal(-3),
        "prev(a)": Decimal(4),
        "total(a)": Decimal(10),
    }

    assert spelled(parse_formula(formula), values) == expected


@pytest.mark.parametrize(
    ("fields", "partial", "value", "expected"),
    [
        ({"aggregate": "count"}, Numbers(3), "3", "count of 3 events = 3"),
        (
            {"aggregate": "avg", "value": "data.x", "scale": 1},
            Numbers(4, 100, 1, 50),
            "2.5",
            "10.0 / 4 = 2.5",
        ),
        ({"aggregate": "max", "value": "data.x"}, Numbers(2, 9, 4, 5), "5", "largest value of 2 events = 5"),
        ({"aggregate": "rate", "per": "min"}, Numbers(30), "0.5", "30 / 3600 s * 60 s = 0.5"),
        (
            {"aggregate": "stddev", "value": "data.x", "scale": 1},
            Squares(2, 60, 2000),
            "1.414",
            "sqrt((2 * 20.00 - (6.0) ** 2) / (2 * 1)) = 1.414",
        ),
        (
            {"aggregate": "stddev", "value": "data.x"},
            Squares(1, 6, 36),
            None,
            "standard deviation of 1 events = no data",
        ),
        (
            {"aggregate": "distinct", "value": "data.x"},
            Distinct(3),
            "0",
            "0 different values, counted, in 3 events",
        ),
        (
            {"aggregate": "percentile", "value": "data.x", "percentile": 95},
            Quantiles(),
            None,
            "percentile of 0 events = no data",
        ),
        (
            {"aggregate": "time_since_last"},
            Ends(2, End(1, b"", 0), End(2, b"", 0)),
            "12.5",
            "12.5 s since the latest of 2 events",
        ),
    ],
)
def test_the_last_step(fields: dict[str, Any], partial: Partial, value: str | None, expected: str) -> None:
    """The last step to a value is told with the numbers that it takes."""
    kpi = a_kpi(**fields)
    number = None if value is None else Decimal(value)

    assert arithmetic_in_words(kpi, partial, number, length_us=HOUR_US) == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"aggregate": "count"}, "how many events there are"),
        ({"aggregate": "count", "value": "data.x"}, "how many events there are that have the value; each"),
        (
            {"aggregate": "sum", "value": "data.x", "scale": 2},
            "the sum of the values, 0 without events; each",
        ),
        ({"aggregate": "rate", "per": "h"}, "how many events there are per hour of the window, to 34 digits"),
        ({"aggregate": "distinct", "value": "data.x"}, "how many different values there are"),
        (
            {"aggregate": "percentile", "value": "data.x", "percentile": "99.5"},
            "the value that 99.5 % of the values do not exceed",
        ),
    ],
)
def test_the_rule(fields: dict[str, Any], expected: str) -> None:
    """How a number is made of events can be read."""
    assert rule_in_words(a_kpi(**fields)).startswith(expected)


def test_the_hours() -> None:
    """Business hours are told with their days, times and zone."""
    assert hours_in_words(BusinessHours((0, 4), 540, 1050), "Asia/Kolkata") == (
        "mon, fri 09:00 to 17:30 (Asia/Kolkata)"
    )


@pytest.mark.parametrize(
    ("value", "aim", "direction", "expected"),
    [
        (1, None, Direction.UP, "nothing is aimed at there and then"),
        (1, Aim(None), Direction.UP, "the target follows something that has no data"),
        (
            Decimal("0.78"),
            Aim(Decimal("0.80"), Decimal("0.75")),
            Direction.UP,
            (
                "0.80 is the target: on track with that or more, at risk from 0.75; up is better;"
                " 0.78 is at risk"
            ),
        ),
        (
            9,
            Aim(Decimal(5)),
            Direction.DOWN,
            "5 is the target: on track with that or less; down is better; 9 is off track",
        ),
        (
            6,
            Aim(Decimal(5), Decimal(2), Decimal(1)),
            Direction.BAND,
            (
                "5 is the target: on track up to 1 away from it, at risk up to 2 away from it;"
                " nearer is better; 6 is on track"
            ),
        ),
        (
            None,
            Aim(Decimal(5)),
            Direction.UP,
            "5 is the target: on track with that or more; up is better; no data is no data",
        ),
    ],
)
def test_the_status(value: Decimal | None, aim: Aim | None, direction: Direction, expected: str) -> None:
    """By which rule a value has its status can be read."""
    number = None if value is None else Decimal(value)

    assert judgement_in_words(judge(number, aim, direction=direction), number, direction) == expected
