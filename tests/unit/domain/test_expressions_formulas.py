"""Formulas: exact numbers out of other KPIs, and null where there is none."""

from decimal import Decimal

import pytest

from shared.domain.expressions import ExpressionError, parse_formula, parse_value

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
    ("a - prev(a)", {"a": "5", "prev(a)": "3"}, "2"),
    ("a / total(a)", {"a": "1", "total(a)": "4"}, "0.25"),
    ("share(a)", {"a": "1", "total(a)": "4"}, "0.25"),
    ("share(a)", {"a": "0", "total(a)": "0"}, None),
    ("share(prev(a))", {"prev(a)": "1", "prev(total(a))": "8"}, "0.125"),
    ("total(prev(a))", {"prev(total(a))": "8"}, "8"),
    ("coalesce(prev(a), 0)", {"prev(a)": None}, "0"),
    ("prev(prev)", {"prev(prev)": "3", "prev": "4"}, "3"),
]


@pytest.mark.parametrize(("text", "values", "expected"), CASES, ids=[f"{t} of {v}" for t, v, _ in CASES])
def test_evaluate(text: str, values: dict[str, str | None], expected: str | None) -> None:
    """A formula is exact to 34 digits; a null operand or a zero denominator makes it null."""
    numbers = {name: None if value is None else Decimal(value) for name, value in values.items()}

    assert (None if expected is None else Decimal(expected)) == parse_formula(text).evaluate(numbers)


def test_places_of_errors() -> None:
    """What is wrong is shown where it stands: the argument, in its line."""
    with pytest.raises(ExpressionError) as caught:
        parse_formula("revenue -\n  prev(revenue / orders)")

    assert (caught.value.line, caught.value.column) == (2, 8)


def test_functions_are_no_names() -> None:
    """A KPI may be called as a function is; only the KPI's place is one."""
    formula = parse_formula("total(total) / other")

    assert [operand.text for operand in formula.operands] == ["other", "total(total)"]
    assert {("total", 1, 7), ("other", 1, 16)} == set(formula.places)


def test_events_have_no_periods() -> None:
    """In a filter or value of events there are no other periods and no totals."""
    with pytest.raises(ExpressionError, match="there is no function 'prev'"):
        parse_value("prev(data.amount)")


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
    ("prev(a / b)", "prev() takes the slug of a KPI, as in prev(revenue)"),
    ("total(1)", "total() takes the slug of a KPI"),
    ("prev(share(a))", "prev() takes the slug of a KPI"),
    ("prev(prev(a))", "prev() is said once for a KPI"),
    ("total(prev(total(a)))", "total() is said once for a KPI"),
    ("share(total(a))", "share() divides by the total already"),
    ("prev(a, 2)", "prev() takes one argument"),
    (
        "previous(a)",
        "there is no function 'previous'; there are abs, coalesce, max, min, prev, round, share, total",
    ),
]


@pytest.mark.parametrize(("text", "message"), REFUSED, ids=[text for text, _ in REFUSED])
def test_refused(text: str, message: str) -> None:
    """A formula is a number over KPIs and nothing else."""
    with pytest.raises(ExpressionError) as caught:
        parse_formula(text)

    assert caught.value.message.startswith(message)
