"""Formulas: exact numbers out of other KPIs, and null where there is none."""

from decimal import Decimal

import pytest

from shared.domain.expressions import ExpressionError, parse_formula

CASES = [
    ("a / b", {"a": "3", "b": "4"}, "0.75"),
    ("a / b * 100", {"a": "1", "b": "3"}, "33.33333333333333333333333333333333"),
    ("a / b", {"a": "1", "b": "0"}, None),
    ("a / b", {"a": "0", "b": "0"}, None),
    ("a + b", {"a": "1", "b": None}, None),
    ("a + b", {"a": "1"}, None),
    ("0.1 * 3 + a", {"a": "0"}, "0.3"),
    ("a - 0.1 if a > 0.1 else 0", {"a": "0.1"}, "0"),
    ("coalesce(a / b, 0)", {"a": "1", "b": "0"}, "0"),
    ("1 if a == None else 2", {"a": None}, "1"),
    ("max(a, b, 0) % 3", {"a": "-1", "b": "7.5"}, "1.5"),
    ("round(a, 2)", {"a": "0.125"}, "0.12"),
    ("1 if a in (0.1, 2) else -1", {"a": "0.1"}, "1"),
]


@pytest.mark.parametrize(("text", "values", "expected"), CASES, ids=[f"{t} of {v}" for t, v, _ in CASES])
def test_evaluate(text: str, values: dict[str, str | None], expected: str | None) -> None:
    """A formula is exact to 34 digits; a null operand or a zero denominator makes it null."""
    numbers = {name: None if value is None else Decimal(value) for name, value in values.items()}

    assert (None if expected is None else Decimal(expected)) == parse_formula(text).evaluate(numbers)


def test_names() -> None:
    """A formula tells which KPIs it reads, and where it names each first."""
    formula = parse_formula("on_time /\n departures + on_time")

    assert frozenset({"on_time", "departures"}) == formula.names
    assert {("on_time", 1, 1), ("departures", 2, 2)} == set(formula.places)


REFUSED = [
    ("data.a", "a formula reads other KPIs by their slugs"),
    ("1 + 1", "a formula names at least one other KPI"),
    ("a > b", "a number is needed here"),
    ("has(a)", "there is no function 'has'"),
    ("1 if a == 'x' else 2", "a number is never equal to a text"),
    ("a + null", "unknown name 'null': write None"),
]


@pytest.mark.parametrize(("text", "message"), REFUSED, ids=[text for text, _ in REFUSED])
def test_refused(text: str, message: str) -> None:
    """A formula is a number over KPIs and nothing else."""
    with pytest.raises(ExpressionError) as caught:
        parse_formula(text)

    assert caught.value.message.startswith(message)
