"""What filters and values select, against a plain walk over the tree."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.expressions import (
    ExpressionError,
    Selected,
    Selector,
    compile_selectors,
    parse_filter,
    parse_value,
    reads_heads,
)
from tests.unit.domain.expression_walker import FailedError, exact, is_number, walk


@dataclass(frozen=True, slots=True)
class AHead:
    """The head of an event."""

    id: str = "e1"
    source: str = "/desk"
    type: str = "flight"
    subject: str | None = None


def a_selector(where: str | None = None, value: str | None = None) -> Selector:
    return Selector(
        None if where is None else parse_filter(where), None if value is None else parse_value(value)
    )


def selected(datas: list[dict[str, Any]], where: str | None = None, value: str | None = None) -> Selected:
    return compile_selectors([a_selector(where, value)])(datas, [AHead()] * len(datas))[0]


def passes(where: str, **data: Any) -> bool:
    return selected([data], where).rows == [0]


def number(value: str, **data: Any) -> Any:
    values = selected([data], None, value).values
    assert values is not None
    return values[0] if values else None


FILTERS = [
    ("data.c == 'AA'", {"c": "AA"}, True),
    ("data.c == 'AA'", {"c": ["AA"]}, False),
    ("data.c != 'AA'", {}, False),
    ("not (data.c == 'AA')", {}, False),
    ("data.c == 'AA' or data.d == 1", {"d": 1}, False),
    ("data.d == 1 or data.c == 'AA'", {"d": 1}, True),
    ("data.x == None", {"x": None}, True),
    ("data.x == None", {}, False),
    ("data.x != None", {"x": 0}, True),
    ("has(data.x)", {"x": None}, True),
    ("has(data.x.y)", {"x": {"z": 1}}, False),
    ("not has(data.x.y)", {"x": [1]}, True),
    ("data.x > 1", {"x": None}, False),
    ("not (data.x > 1)", {"x": None}, False),
    ("data.x > 0", {"x": True}, False),
    ("not (data.x > 2)", {"x": True}, False),
    ("data.x > 1", {"x": "2"}, False),
    ("number(data.x) > 1", {"x": "2"}, True),
    ("data.x > '2013-01-01'", {"x": "2013-06-01"}, True),
    ("data.x == 1", {"x": True}, False),
    ("data.x != 1", {"x": True}, True),
    ("data.x == True", {"x": 1}, False),
    ("data.x == True", {"x": True}, True),
    ("data.x in (0, 1)", {"x": False}, False),
    ("data.x in ('AA', 'UA')", {"x": "UA"}, True),
    ("data.x in ('a', 'b', 'c', 'd', 'e')", {"x": "e"}, True),
    ("data.x in ('a', 'b', 'c', 'd', 'e')", {"x": ["e"]}, False),
    ("data.x not in ('a', 'b', 'c', 'd', 'e')", {"x": ["e"]}, True),
    ("data.x not in ('a', 'b', 'c', 'd', 'e')", {}, False),
    ("'a' in data.x", {"x": "cat"}, True),
    ("'vip' in data.tags", {"tags": ["new", "vip"]}, True),
    ("1 < data.x <= 3", {"x": 3}, True),
    ("1 < data.x + 1 < 4", {"x": 3}, False),
    ("data.x and not data.y", {"x": True, "y": False}, True),
    ("data.x", {"x": 1}, False),
    ("data.x * 3 == 0.3", {"x": 0.1}, True),
    ("data.x == 100000000000000000000000", {"x": 1e23}, True),
    ("data.x == data.y", {"x": 1e23, "y": 10**23}, True),
    ("startswith(lower(data.x), 'new')", {"x": "New York"}, True),
    ("contains(data.x, 'York') and endswith(data.x, 'k')", {"x": "New York"}, True),
    ("type == 'flight' and source != 'x' and id == 'e1'", {}, True),
    ("subject == None", {}, False),
    ("not has(subject)", {}, True),
    ("data['order-id'] == 'a'", {"order-id": "a"}, True),
    ("coalesce(data.x, data.y, 'none') == 'none'", {"x": None}, True),
    ("data.x == 1 if has(data.x) else data.y == 2", {"y": 2}, True),
    ("data.x / data.y > 1", {"x": 1, "y": 0}, False),
]


@pytest.mark.parametrize(("where", "data", "expected"), FILTERS, ids=[f"{w} on {d}" for w, d, _ in FILTERS])
def test_filter(where: str, data: dict[str, Any], expected: bool) -> None:  # noqa: FBT001 - a table of cases
    """A filter is true only where every operand it needed was there and of the right type."""
    assert expected == passes(where, **data)


VALUES = [
    ("data.x", {"x": 5}, 5),
    ("data.x", {"x": 0.1}, 0.1),
    ("data.x", {"x": True}, None),
    ("data.x", {"x": "5"}, None),
    ("number(data.x)", {"x": "5"}, 5),
    ("number(data.x)", {"x": "-0.50"}, Decimal("-0.50")),
    ("number(data.x)", {"x": "5 "}, None),
    ("number(data.x)", {"x": "٣"}, None),
    ("number(data.x)", {"x": True}, None),
    ("data.x * 3", {"x": 0.1}, Decimal("0.3")),
    ("data.x + data.y", {"x": 0.1, "y": 0.2}, Decimal("0.3")),
    ("data.x + 1", {"x": True}, None),
    ("data.x / 4", {"x": 1}, Decimal("0.25")),
    ("data.x / data.y", {"x": 1, "y": 0}, None),
    ("data.x % data.y", {"x": -7, "y": 3}, 2),
    ("data.x % data.y", {"x": -7.5, "y": 3}, Decimal("1.5")),
    ("-data.x", {"x": 2.5}, Decimal("-2.5")),
    ("abs(data.x)", {"x": -3}, 3),
    ("min(data.x, data.y, 9)", {"x": 4, "y": 2.5}, 2.5),
    ("max(data.x, 0)", {"x": -4}, 0),
    ("round(data.x, 1)", {"x": 0.25}, Decimal("0.2")),
    ("round(data.x)", {"x": 2.5}, Decimal(2)),
    ("coalesce(data.x, 0)", {}, 0),
    ("coalesce(data.x / data.y, data.z, 7)", {"x": 1, "y": 0}, 7),
    ("coalesce(data.x, data.y)", {"x": None, "y": None}, None),
    ("1 if data.x == 'a' else 0", {"x": "a"}, 1),
    ("data.x if data.x > 0 else None", {"x": -1}, None),
    ("data.x * data.x", {"x": 10**38 - 1}, (10**38 - 1) ** 2),
]


@pytest.mark.parametrize(("value", "data", "expected"), VALUES, ids=[f"{v} on {d}" for v, d, _ in VALUES])
def test_value(value: str, data: dict[str, Any], expected: Any) -> None:
    """A value is the exact decimal result, or null; it is never a float's error and never a guess."""
    found = number(value, **data)

    assert (expected, type(expected)) == (found, type(found))


def test_failures_are_counted() -> None:
    """Rows that could not be judged are counted apart from rows that were judged and left out."""
    datas: list[dict[str, Any]] = [
        {"x": 2, "y": 1},
        {"x": 0, "y": 1},
        {"y": 1},
        {"x": 2},
        {"x": 2, "y": None},
    ]

    assert Selected([0], [1], 2) == selected(datas, "data.x > 1", "data.y")


def test_equal_selectors() -> None:
    """Selectors are answered in their order, and equal ones alike however they are written."""
    select = compile_selectors(
        [a_selector("data.x>1"), a_selector(value="data.x"), a_selector("(data.x > 1)"), a_selector()]
    )

    assert [outcome[:2] for outcome in select([{"x": 1}, {"x": 2}], None)] == [
        ([1], None),
        ([0, 1], [1, 2]),
        ([1], None),
        ([0, 1], None),
    ]


def test_reads_heads() -> None:
    """A caller learns whether heads are needed."""
    assert (
        reads_heads([a_selector("data.x == 1", "data.type")]),
        reads_heads([a_selector("data.x == 1"), a_selector("coalesce(subject, 'a') == 'a'")]),
    ) == (False, True)


def test_no_selectors() -> None:
    """Nothing asked, nothing answered."""
    assert compile_selectors([])([{}], None) == []


DATA = ["data.a", "data.b", "data.o.a", "data.o.p.b"]
HEADS = ["type", "subject"]
NUMERALS = ["0", "1", "-1", "2.5", "0.1", str(2**60), "1e23"]
STRINGS = ["'a'", "'ab'", "''", "'2.5'"]
MEMBERS = st.lists(st.sampled_from([*NUMERALS, *STRINGS, "None", "True"]), min_size=1, max_size=6).map(
    lambda members: f"({', '.join(members)},)"
)
Texts = st.SearchStrategy[str]


def _numbers(conditions: Texts, numbers: Texts) -> Texts:
    return st.one_of(
        numbers,
        st.builds("({} {} {})".format, numbers, st.sampled_from("+-*/%"), numbers),
        st.builds("{}({})".format, st.sampled_from(["abs", "number", "round", "-", "+"]), numbers),
        st.builds("round({}, {})".format, numbers, st.integers(0, 3)),
        st.builds("{}({}, {})".format, st.sampled_from(["min", "max", "coalesce"]), numbers, numbers),
        st.builds("({} if {} else {})".format, numbers, conditions, numbers),
    )


def _conditions(conditions: Texts, numbers: Texts, texts: Texts) -> Texts:
    order = st.sampled_from(["<", "<=", ">", ">=", "==", "!="])
    return st.one_of(
        conditions,
        st.builds("({} {} {})".format, numbers, order, numbers),
        st.builds("({} {} {} {} {})".format, numbers, order, numbers, order, numbers),
        st.builds("({} {} {})".format, texts, order, texts),
        st.builds("({} {} {})".format, texts, st.sampled_from(["in", "not in"]), texts),
        st.builds("({} {} {})".format, texts | numbers, st.sampled_from(["in", "not in"]), MEMBERS),
        st.builds("({} {} {})".format, st.sampled_from(DATA), order, st.sampled_from(["None", "True"])),
        st.builds("({} {} {})".format, conditions, st.sampled_from(["and", "or"]), conditions),
        st.builds("(not {})".format, conditions),
        st.builds("has({})".format, st.sampled_from(DATA + HEADS)),
        st.builds("{}({}, {})".format, st.sampled_from(["startswith", "endswith", "contains"]), texts, texts),
        st.builds("({} if {} else {})".format, conditions, conditions, conditions),
    )


def _nested(levels: int) -> tuple[Texts, Texts]:
    """Conditions and numbers of so many levels."""
    if levels == 0:
        return st.sampled_from([*DATA, "True", "False"]), st.sampled_from(DATA + NUMERALS)
    conditions, numbers = _nested(levels - 1)
    names = st.sampled_from(DATA + HEADS + STRINGS)
    texts = st.one_of(
        names,
        st.builds("{}({})".format, st.sampled_from(["lower", "upper"]), names),
        st.builds("coalesce({}, {})".format, names, names),
    )
    return _conditions(conditions, numbers, texts), _numbers(conditions, numbers)


CONDITIONS, NUMBERS = _nested(3)
FIELDS = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from([0, 1, -1, 3, 2**60, 10**23, 0.0, 1.0, 0.1, 2.5, 1e23, "a", "ab", "", "2.5", "12"]),
    st.lists(st.sampled_from([1, "a", None, True]), max_size=2),
)
EVENTS = st.fixed_dictionaries(
    {},
    optional={
        "a": FIELDS,
        "b": FIELDS,
        "o": st.one_of(
            FIELDS,
            st.fixed_dictionaries(
                {}, optional={"a": FIELDS, "p": st.one_of(FIELDS, st.fixed_dictionaries({"b": FIELDS}))}
            ),
        ),
    },
)


def _walked(text: str, data: dict[str, Any]) -> Any:
    try:
        return walk(text, {"data": data, "type": "flight", "source": "/desk", "id": "e1", "subject": None})
    except FailedError:
        return FailedError


@settings(deadline=None, max_examples=300)
@given(CONDITIONS, st.lists(EVENTS, min_size=1, max_size=4))
def test_filter_equals_walk(text: str, datas: list[dict[str, Any]]) -> None:
    """Whatever a filter says, the compiled form selects what a plain walk over the tree selects."""
    try:
        found = selected(datas, text)
    except ExpressionError:
        return
    walked = [_walked(text, data) for data in datas]

    assert [i for i, result in enumerate(walked) if result is True] == found.rows
    assert found.failed == sum(result is not True and result is not False for result in walked)


@settings(deadline=None, max_examples=300)
@given(CONDITIONS, NUMBERS, st.lists(EVENTS, min_size=1, max_size=4))
def test_value_equals_walk(where: str, value: str, datas: list[dict[str, Any]]) -> None:
    """Whatever a value says, beside whatever filter, it is the number that a plain walk finds."""
    try:
        selectors = [a_selector(where, value), a_selector(None, value), a_selector(value=value)]
    except ExpressionError:
        return
    found = compile_selectors(selectors)(datas, [AHead()] * len(datas))
    walked = [_walked(value, data) for data in datas]

    kept = [(i, exact(result)) for i, result in enumerate(walked) if is_number(result)]
    assert found[1].values is not None
    assert kept == [(i, exact(x)) for i, x in zip(found[1].rows, found[1].values, strict=True)]
    passing = {i for i, data in enumerate(datas) if _walked(where, data) is True}
    assert [i for i, _ in kept if i in passing] == found[0].rows


INTEGERS = [
    "1152921504606846976 * round(1152921504606846976, 0)",
    "1152921504606846976 * round(data.a)",
    "1152921504606846976 * number('1152921504606846976')",
]


@pytest.mark.parametrize("text", INTEGERS)
def test_integers_stay_exact(text: str) -> None:
    """An integer that is rounded or read from a text is an integer still: 2^60 squared has all 37 digits."""
    data = {"a": 2**60}

    assert selected([data], value=text).values == [2**120] == [_walked(text, data)]


@settings(deadline=None, max_examples=300)
@given(CONDITIONS)
def test_canonical_is_stable(text: str) -> None:
    """The normal form is an expression of its own, and its own normal form."""
    try:
        canonical = parse_filter(text).canonical
    except ExpressionError:
        return

    assert canonical == parse_filter(canonical).canonical
