"""What an expression may say, and how it is told apart from what it may not."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.expressions import (
    ExpressionError,
    compile_selectors,
    parse_filter,
    parse_formula,
    parse_value,
)
from shared.domain.expressions.selecting import Selector

CANONICAL = [
    ("data.a=='x'", "data.a == 'x'"),
    ('((data.a == "x"))', "data.a == 'x'"),
    ("data['a'] == 1", "data.a == 1"),
    ("data['order-id'] == 1", "data['order-id'] == 1"),
    ("data['class'].b == 1", "data['class'].b == 1"),
    ("data.größe == 1", "data['größe'] == 1"),
    ("data.a in ['x',\n 'y']", "data.a in ('x', 'y')"),
    ("data.a == 1 # late\n  and data.b", "data.a == 1 and data.b"),
    ("data.a == 1\r\nor data.b", "data.a == 1 or data.b"),
    ("not data.a or (data.b and 1 < data.c < -2)", "not data.a or (data.b and 1 < data.c < -2)"),
    ("(1 if data.b else 2.50) + 1_000 > 0x10", "(1 if data.b else 2.5) + 1000 > 16"),
    ("round(data.a * (1 - data.b), 2) == None", "round(data.a * (1 - data.b), 2) == None"),
]


@pytest.mark.parametrize(("text", "expected"), CANONICAL, ids=[text for text, _ in CANONICAL])
def test_canonical(text: str, expected: str) -> None:
    """Equal filters have one normal form, which no release may change: panes are found by it."""
    assert expected == parse_filter(text).canonical


def test_paths() -> None:
    """A filter tells which fields it reads."""
    parsed = parse_filter("data.a.b == 1 and has(data['x y']) and type == 'z'")

    assert {"data.a.b", "data['x y']", "type"} == parsed.paths


REFUSED = [
    ("", 1, 1, "the expression is empty"),
    ("amount > 3", 1, 1, "unknown name 'amount': fields of the event are written data.amount"),
    ("data.a == true", 1, 11, "unknown name 'true': write True"),
    ("data == 1", 1, 1, "data is the whole object: name a field of it, as in data.amount"),
    ("type.a == 1", 1, 1, "type has no fields: fields of the event are written data.amount"),
    ("data.a == 1 and\n  data.b == q", 2, 13, "unknown name 'q': fields of the event are written data.q"),
    ("data['ä'] == 'ö' and q", 1, 22, "unknown name 'q': fields of the event are written data.q"),
    ("data.a = 1", 1, 8, "write == to compare"),
    ("data.a == '&&' && data.b", 1, 16, "write `and` instead of &&"),
    ("data.a == 1 || data.b", 1, 13, "write `or` instead of ||"),
    ("!data.a", 1, 1, "write `not` instead of !"),
    ("data.a ==", 1, 10, "the expression is not complete"),
    ("(data.a == 1", 1, 13, "the expression is not complete"),
    ("data.a == 1)", 1, 12, "a closing bracket has no opening one"),
    ("data.a) == (1", 1, 1, "a closing bracket has no opening one"),
    ("data.a == 'x", 1, 11, "unterminated string literal"),
    ("data.a data.b", 1, 1, "this is not how an expression is written"),
    ("data.a + 1", 1, 1, "a condition is needed here, and this is a number"),
    ("data.a and 1", 1, 12, "a condition is needed here, and this is a number"),
    ("'a' * 1000000000 == data.a", 1, 1, "a number is needed here, and this is a text"),
    ("'%99999d' % 1 == 'a'", 1, 1, "a number is needed here, and this is a text"),
    ("data.a ** 9 > 1", 1, 1, "numbers combine by + - * / and % only"),
    ("data.a > None", 1, 10, "the operator > orders two numbers or two texts"),
    ("data.a > True", 1, 10, "the operator > orders two numbers or two texts"),
    ("1 == 'a'", 1, 6, "a number is never equal to a text"),
    ("data.a is None", 1, 11, "write == None or != None instead of `is`"),
    ("data.a in ()", 1, 11, "a list holds one or more constants, as in ('AA', 'UA')"),
    ("data.a in (data.b,)", 1, 11, "a list holds one or more constants, as in ('AA', 'UA')"),
    ("data.a in 5", 1, 11, "to the right of `in` stands a list, a text or a field"),
    ("data.a in (1,) == data.b", 1, 11, "a list may only end a chain of comparisons"),
    ("[data.a]", 1, 1, "a list may stand only to the right of `in`"),
    ("data.a == 1e999", 1, 11, "the number is too large"),
    ("data.a == 0.12345678901234567", 1, 11, "a number with a fraction has at most 15 significant digits"),
    (f"data.a == {10**38}", 1, 11, "an integer has at most 38 digits"),
    ("data.a == 1j", 1, 11, "a constant of type complex is not allowed"),
    ("data.a == b'x'", 1, 11, "a constant of type bytes is not allowed"),
    ("data.a == '\\ud800'", 1, 11, "a text holds no NUL and no lone surrogate"),
    (f"data.a == '{'x' * 257}'", 1, 11, "a text has at most 256 characters"),
    ("data.a == 'x'\x00", 1, 14, "the character U+0000 is not allowed"),
    ("data.a[0] == 1", 1, 8, "in square brackets stands the name of a field, as in data['order-id']"),
    ("(data.a or data.b).c", 1, 1, "fields are read from data only, as in data.amount"),
    ("data.\ufb01 == 1", 1, 1, "write ['...'] around the name 'fi'"),
    ("min(data.a) > 1", 1, 1, "min() takes 2 to 16 arguments"),
    ("has(data.a, data.b)", 1, 1, "has() takes one argument"),
    ("has(data.a + 1)", 1, 5, "has() takes a field, as in has(data.amount)"),
    ("round(data.a, data.b) > 1", 1, 15, "round() takes a number of decimals from 0 to 15"),
    ("number(None) > 1", 1, 8, "number() takes a field, a text or a number"),
    ("lambda: 1", 1, 1, "lambda is not allowed in an expression"),
    ("f'{data.a}' == 'x'", 1, 1, "a text with f'' is not allowed in an expression"),
    ("(a := data.a) == 1", 1, 2, ":= is not allowed in an expression"),
    ("any(x for x in data.a)", 1, 1, "there is no function 'any'"),
    ("data.a.lower() == 'x'", 1, 1, "there are no methods"),
    ("~data.a == 1", 1, 1, "the operator ~ is not allowed"),
    ("x" * 2001, 1, 2001, "the expression is longer than 2000 characters"),
    ("(" * 300 + ")" * 300, 1, 200, "too many nested parentheses"),
    ("not " * 40 + "data.a", 1, 129, "the expression is nested more than 32 deep"),
    ("-" * 1900 + "1", 1, 33, "the expression is nested more than 32 deep"),
    ("data.a" + " or 1" * 300, 1, 1, "the expression has more than 256 parts"),
    ("data.a in (" + "1," * 650 + ")", 1, 12, "the expression has more than 256 parts"),
]


@pytest.mark.parametrize(("text", "line", "column", "message"), REFUSED, ids=[r[0][:30] for r in REFUSED])
def test_refused(text: str, line: int, column: int, message: str) -> None:
    """What may not be said is refused in plain words that point at the spot."""
    with pytest.raises(ExpressionError) as caught:
        parse_filter(text)

    assert (line, column) == (caught.value.line, caught.value.column)
    assert caught.value.message.startswith(message)


def test_long_when_written_out() -> None:
    """A normal form can always be read again: it keeps to the length that a text may have."""
    text = "data.a in (" + "'\N{LANGUAGE TAG}'," * 200 + ")"

    with pytest.raises(ExpressionError, match="when written out"):
        parse_filter(text)


def test_caret() -> None:
    """The text of an error shows the line and a caret under the spot."""
    with pytest.raises(ExpressionError) as caught:
        parse_filter("data.a == 1 and\n\tdata.b == q")

    assert str(caught.value) == (
        "line 2, column 12: unknown name 'q': fields of the event are written data.q\n"
        "   data.b == q\n"
        "             ^"
    )


def test_caret_of_long_line() -> None:
    """Of a long line only the part around the spot is shown."""
    with pytest.raises(ExpressionError) as caught:
        parse_filter("data.a == 1 and " * 50 + "q")
    _, shown, caret = str(caught.value).split("\n")

    assert len(shown) <= 102
    assert shown[caret.index("^")] == "q"


@pytest.mark.parametrize("text", ["data.a == 1", "'12'", "True", "None", "not data.a", "lower(data.a)"])
def test_value_is_a_number(text: str) -> None:
    """What can never be a number is refused as a value."""
    with pytest.raises(ExpressionError, match="a number is needed here"):
        parse_value(text)


NESTS = ["({} + 1)", "-({})", "(1 if {} > 1 else 2)", "coalesce({}, 1)", "max({}, 1)", "round({}, 1)",
         "(1 if not ({} == 1) else 2)", "(1 if 0 < {} < 3 else 2)", "(1 if {} in (1, 2) else 2)"]  # fmt: skip


def refusal(parse: Callable[[str], object], text: str) -> ExpressionError | None:
    try:
        parse(text)
    except ExpressionError as error:
        return error
    return None


@pytest.mark.parametrize("nest", NESTS)
def test_deepest(nest: str) -> None:
    """Whatever is within the limits compiles, however deep it is."""
    text = "data.a"
    while refusal(parse_value, nest.format(text)) is None:
        text = nest.format(text)

    assert compile_selectors([Selector(value=parse_value(text))])([{"a": 1}], None)[0].failed == 0


@settings(deadline=None, max_examples=300)
@given(
    st.text(max_size=60)
    | st.text(alphabet="data.xy()[]'\"=<>!&|+-*/% \n\\#:,0123456789eandornotif", max_size=40)
)
def test_any_text(text: str) -> None:
    """No text whatever ends in anything but an expression or an error with a place in the text."""
    errors = [
        error for parse in (parse_filter, parse_value, parse_formula) if (error := refusal(parse, text))
    ]
    lines = text.replace("\r\n", "\n").split("\n")

    assert all(1 <= error.line <= len(lines) for error in errors)
    assert all(1 <= error.column <= len(lines[error.line - 1]) + 1 for error in errors)
    assert all(error.message in str(error) for error in errors)
