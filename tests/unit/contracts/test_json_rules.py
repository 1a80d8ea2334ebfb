"""The rules of JSON: what passes unchanged, what is refused, and for which reason."""

import json
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contracts.json_rules import document
from shared.domain.events import (
    MAX_DEPTH,
    MAX_DIGITS,
    MAX_EVENT_BYTES,
    MAX_EXPONENT,
    MAX_KEYS,
    MAX_STRING_BYTES,
    Reason,
    RefusedEventError,
)

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
NUMBERS = st.integers(-(10**38) + 1, 10**38 - 1) | st.decimals(
    allow_nan=False, allow_infinity=False, min_value=-(10**15), max_value=10**15, places=6
)


def values(leaves: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """JSON values with *leaves*, a few levels deep."""
    return st.recursive(
        st.none() | st.booleans() | TEXTS | leaves,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
        max_leaves=12,
    )


_exact = msgspec.json.Encoder(decimal_format="number")


def refusal(raw: bytes) -> Reason | None:
    """Why *raw* is refused; None when it is not."""
    try:
        document(raw)
    except RefusedEventError as error:
        return error.reason
    return None


@given(values(NUMBERS))
def test_unchanged(value: Any) -> None:
    """A value within the limits arrives as it was written, every number exact."""
    assert document(_exact.encode(value)) == value


@given(
    values(st.integers(-(10**38) + 1, 10**38 - 1)), st.sampled_from([None, 1]), st.sampled_from([True, False])
)
def test_any_spelling(value: Any, indent: int | None, ascii_only: Any) -> None:
    """White space and escapes make no difference."""
    raw = json.dumps(value, indent=indent, ensure_ascii=ascii_only).encode()

    assert document(raw) == value


@pytest.mark.parametrize(
    "literal",
    [
        "0.1",
        "12.50",
        "0.1234567890123456789",
        "12345678901234567890.5",
        "1E+5",
        "1e-7",
        "-0.0",
        "1e30",
        "1e-30",
    ],
)
def test_digits_survive(literal: str) -> None:
    """A number keeps every digit it was written with, beyond what a float can hold."""
    assert document(f'{{"x":{literal}}}'.encode()) == {"x": Decimal(literal)}


def _deep(levels: int) -> bytes:
    return b"[" * levels + b"]" * levels


def _wide(keys: int) -> bytes:
    return json.dumps({f"k{place}": 1 for place in range(keys)}).encode()


def _long(size: int) -> bytes:
    return json.dumps({"x": "a" * size}).encode()


def _large(size: int) -> bytes:
    pairs = (MAX_EVENT_BYTES - 100) // 2000
    body = {f"k{place}": "a" * 1980 for place in range(pairs)}
    short = json.dumps(body | {"rest": ""})
    return json.dumps(body | {"rest": "a" * (size - len(short))}).encode()


def _digits(count: int) -> bytes:
    return b'{"x":' + b"9" * count + b"}"


def _fraction(count: int) -> bytes:
    return b'{"x":0.' + b"9" * (count - 1) + b"}"


def _exponent(exponent: int) -> bytes:
    return f'{{"x":1e{exponent}}}'.encode()


@pytest.mark.parametrize(
    ("make", "limit", "reason"),
    [
        (_deep, MAX_DEPTH, Reason.TOO_DEEP),
        (_wide, MAX_KEYS, Reason.TOO_MANY_KEYS),
        (_long, MAX_STRING_BYTES, Reason.STRING_TOO_LONG),
        (_large, MAX_EVENT_BYTES, Reason.EVENT_TOO_LARGE),
        (_digits, MAX_DIGITS, Reason.NUMBER_TOO_LONG),
        (_fraction, MAX_DIGITS, Reason.NUMBER_TOO_LONG),
        (_exponent, MAX_EXPONENT, Reason.NUMBER_OUT_OF_RANGE),
        (lambda n: _exponent(-n), MAX_EXPONENT, Reason.NUMBER_OUT_OF_RANGE),
    ],
    ids=["depth", "keys", "string", "event", "digits", "fraction", "exponent", "small"],
)
def test_limits(make: Any, limit: int, reason: Reason) -> None:
    """A limit is the last that is accepted: one less and the limit itself pass, one more does not."""
    assert [refusal(make(limit + step)) for step in (-1, 0, 1)] == [None, None, reason]


def test_string_is_measured_in_bytes() -> None:
    """A string of 4 KiB is 4 KiB in UTF-8, not 4,096 characters."""
    assert refusal(json.dumps({"x": "é" * 2049}, ensure_ascii=False).encode()) is Reason.STRING_TOO_LONG


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", Reason.MALFORMED_JSON),
        (b"{", Reason.MALFORMED_JSON),
        (b'{"a":1,}', Reason.MALFORMED_JSON),
        (b'{"a":01}', Reason.MALFORMED_JSON),
        (b'{"a":1} x', Reason.MALFORMED_JSON),
        (b'{"a":"\n"}', Reason.MALFORMED_JSON),
        (b"\xef\xbb\xbf{}", Reason.MALFORMED_JSON),
        (b"{'a':1}", Reason.MALFORMED_JSON),
        (b'{"a":"\xff"}', Reason.NOT_UTF8),
        (b'{"a":"\xed\xa0\x80"}', Reason.NOT_UTF8),
        (b'{"a":1,"a":1}', Reason.DUPLICATE_KEY),
        (b'{"a":1,"\\u0061":2}', Reason.DUPLICATE_KEY),
        (b'{"a":{"b":[{"c":1,"c":2}]}}', Reason.DUPLICATE_KEY),
        (b'{"a":NaN}', Reason.NUMBER_NOT_FINITE),
        (b'{"a":Infinity}', Reason.NUMBER_NOT_FINITE),
        (b'{"a":-Infinity}', Reason.NUMBER_NOT_FINITE),
        (b'{"a":1e999}', Reason.NUMBER_OUT_OF_RANGE),
        (b'{"a":1E+999999999999999999999}', Reason.NUMBER_OUT_OF_RANGE),
        (b'{"a":' + b"1" * 5000 + b"}", Reason.NUMBER_TOO_LONG),
        (b'{"a":"\\ud800"}', Reason.LONE_SURROGATE),
        (b'{"\\udc00":1}', Reason.LONE_SURROGATE),
        (b'{"a":"\\u0000"}', Reason.NUL_CHARACTER),
        (b'{"\\u0000":1}', Reason.NUL_CHARACTER),
        (b"[" * 60_000, Reason.TOO_DEEP),
        (b'{"a":' * 10_000, Reason.TOO_DEEP),
    ],
)
def test_reasons(raw: bytes, reason: Reason) -> None:
    """What readers would understand differently, or not at all, is refused by its own name."""
    assert refusal(raw) is reason


@pytest.mark.parametrize(
    "raw",
    [
        b"[" * 17 + b'"' + b'\\"' * 32_000,
        b"[" * 17 + b'"' + b'\\"' * 32_000 + b"\\",
        b'"' * 60_000 + b"[" * 17,
    ],
    ids=["open", "cut", "quotes"],
)
@pytest.mark.timeout(5)
def test_no_sender_can_stall(raw: bytes) -> None:
    """Text made to be looked at again and again is looked at once: this ends at once, not in minutes."""
    assert refusal(raw) in {Reason.TOO_DEEP, Reason.MALFORMED_JSON}


@given(st.binary(max_size=60) | st.text(max_size=60).map(lambda text: text.encode(errors="surrogatepass")))
def test_any_bytes(raw: bytes) -> None:
    """Whatever arrives, there is a value or a reason, never another error."""
    refusal(raw)
