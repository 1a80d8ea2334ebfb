"""The oracle's reading of expressions, case by case."""

from decimal import Decimal
from fractions import Fraction

import pytest

from tests.oracle.expressions import holds, number

EVENT = {
    "data": {"a": 3, "b": Decimal("0.1"), "t": "Late", "yes": True, "none": None, "list": [1, "x"]},
    "type": "flight.departed",
    "subject": None,
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("data.a < 4", True),
        ("1 < data.a <= 3", True),
        ("data.missing < 4", False),
        ("not data.missing < 4", False),
        ("data.none < 4", False),
        ("data.none is None and data.missing is None", True),
        ("data.a is not None", True),
        ("has(data.a) and has(data.none) and not has(data.missing)", True),
        ("data.yes or data.missing", True),
        ("data.missing or data.yes", False),
        ("data.a", False),
        ("data.t < 4", False),
        ("data.t == 4", False),
        ("data.t != 4", True),
        ("data.yes == 1", False),
        ("data.t in ('Late', 'Early')", True),
        ("data.a not in [1, 2]", True),
        ("contains(data.list, 'x')", True),
        ("lower(data.t) == 'late'", True),
        ("type == 'flight.departed' and subject is None", True),
    ],
)
def test_filters(text: str, expected: bool) -> None:  # noqa: FBT001 - a column of the table
    """A condition holds only if everything that it had to look at is there and fits."""
    assert expected is holds(text, EVENT.__getitem__)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("data.a * data.b", Fraction(3, 10)),
        ("data.b + 0.2", Fraction(3, 10)),
        ("data.a / 7", Fraction(3, 7)),
        ("data.a / 0", None),
        ("-data.a % 2", Fraction(1)),
        ("data.missing + 1", None),
        ("data.yes + 1", None),
        ("coalesce(data.missing, data.none, 5)", Fraction(5)),
        ("data.a if data.yes else data.missing", Fraction(3)),
        ("max(data.a, 10) - min(data.a, 10)", Fraction(7)),
        ("round(2.5)", Fraction(2)),
        ("abs(-data.b)", Fraction(1, 10)),
        ("number('12.50')", Fraction(25, 2)),
        ("data.t", None),
    ],
)
def test_numbers(text: str, expected: Fraction | None) -> None:
    """Arithmetic is that of exact fractions; what has no number is null."""
    assert expected == number(text, EVENT.__getitem__)
