"""JSON that everybody downstream reads alike: the limits, checked cheaply first and exactly when in doubt.

A document whose canonical form equals what was sent, white space apart, has no member twice, no number that
changes on the way and no unusual escape; most documents are proven right by that comparison and a few
counts. Whatever is not proven goes through the exact check, which is slower and names the reason.
"""

import json
import re
from collections.abc import Collection
from decimal import Decimal
from typing import Any, NoReturn

import msgspec

from shared.contracts.rfc3339 import shortened
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

_INTEGER_BOUND = 10**MAX_DIGITS

_WHITE_SPACE = b" \t\n\r"
_STRUCTURE = re.compile(r'"(?:[^"\\]++|\\.?)*+"?|[{}\[\]]', re.DOTALL)
"""Strings, closed or not, and brackets: each character is looked at once, whatever a sender invents."""
_DIGITS = re.compile(r"[0-9]+")
_SURROGATE = re.compile("[\ud800-\udfff]")

_decode = msgspec.json.Decoder(float_hook=Decimal).decode
_encode = msgspec.json.Encoder(decimal_format="number").encode


def document(raw: bytes, *, max_depth: int = MAX_DEPTH) -> Any:
    """The JSON value in *raw*, numbers that are not integers as the decimals that were written.

    Args:
        raw: UTF-8, as it arrived.
        max_depth: how many objects and arrays may lie within each other.

    Raises:
        RefusedEventError: the value breaks a rule.
    """
    if len(raw) > MAX_EVENT_BYTES:
        detail = f"the event has {len(raw)} bytes; at most {MAX_EVENT_BYTES} are accepted"
        raise RefusedEventError(Reason.EVENT_TOO_LARGE, detail)
    try:
        found = _decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ArithmeticError):
        return _exact(raw, max_depth)
    return found if _is_proven(raw, found, max_depth) else _exact(raw, max_depth)


def _is_proven(raw: bytes, found: Any, max_depth: int) -> bool:
    """Whether cheap conditions that suffice say that *raw* keeps every rule."""
    return (
        len(raw) <= MAX_STRING_BYTES
        and b"\\u" not in raw
        and _is_modest((found,), max_depth)
        and _is_canonical(raw, found)
    )


def _is_canonical(raw: bytes, found: Any) -> bool:
    canonical = _encode(found)
    return canonical == raw or canonical.translate(None, _WHITE_SPACE) == raw.translate(None, _WHITE_SPACE)


def _is_modest(values: Collection[Any], depth: int) -> bool:
    """Whether *values* have room for *depth* levels, few members and short numbers without an exponent."""
    for value in values:
        kind = type(value)
        if kind is str:
            continue
        if kind is dict:
            if depth == 0 or len(value) > MAX_KEYS or not _is_modest(value.values(), depth - 1):
                return False
        elif kind is list:
            if depth == 0 or not _is_modest(value, depth - 1):
                return False
        elif (kind is int and not -_INTEGER_BOUND < value < _INTEGER_BOUND) or (
            kind is Decimal and not _is_plain(value)
        ):
            return False
    return True


def _is_plain(number: Decimal) -> bool:
    text = str(number)
    return len(text) <= MAX_DIGITS and "E" not in text


def _exact(raw: bytes, max_depth: int) -> Any:
    """The same value, by a parser that checks rule after rule."""
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        raise RefusedEventError(Reason.NOT_UTF8, f"byte {error.start} is not UTF-8") from error
    _check_depth(text, max_depth)
    try:
        found = json.loads(
            text,
            object_pairs_hook=_object,
            parse_float=_number,
            parse_int=_integer,
            parse_constant=_refuse_constant,
        )
    except json.JSONDecodeError as error:
        raise RefusedEventError(Reason.MALFORMED_JSON, f"the JSON is malformed: {error}") from error
    _check_strings(found, "$")
    return found


def _check_depth(text: str, max_depth: int) -> None:
    if text.count("{") + text.count("[") <= max_depth:
        return
    depth = 0
    for piece in _STRUCTURE.findall(text):
        depth += (piece in "{[") - (piece in "}]")
        if depth > max_depth:
            detail = f"objects and arrays lie more than {max_depth} deep"
            raise RefusedEventError(Reason.TOO_DEEP, detail)


def _object(members: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(members) > MAX_KEYS:
        detail = f"an object has {len(members)} members; at most {MAX_KEYS} are accepted"
        raise RefusedEventError(Reason.TOO_MANY_KEYS, detail)
    found = dict(members)
    if len(found) < len(members):
        names = [name for name, _ in members]
        twice = next(name for name in names if names.count(name) > 1)
        raise RefusedEventError(Reason.DUPLICATE_KEY, f"member {shortened(twice)} is there more than once")
    return found


def _integer(literal: str) -> int:
    _check_digits(literal)
    return int(literal)


def _number(literal: str) -> Decimal:
    mantissa, _, exponent = literal.lower().partition("e")
    _check_digits(mantissa)
    # A written exponent may itself be longer than any number should be.
    if len(exponent) > 8 or abs(int(exponent or 0)) > MAX_EXPONENT:
        detail = f"the exponent of {shortened(literal)} is not within {-MAX_EXPONENT} and {MAX_EXPONENT}"
        raise RefusedEventError(Reason.NUMBER_OUT_OF_RANGE, detail)
    return Decimal(literal)


def _check_digits(mantissa: str) -> None:
    digits = sum(map(len, _DIGITS.findall(mantissa)))
    if digits > MAX_DIGITS:
        detail = f"a number is written with {digits} digits; at most {MAX_DIGITS} are accepted"
        raise RefusedEventError(Reason.NUMBER_TOO_LONG, detail)


def _refuse_constant(name: str) -> NoReturn:
    raise RefusedEventError(Reason.NUMBER_NOT_FINITE, f"{name} is no finite number")


def _check_strings(value: Any, path: str) -> None:
    if isinstance(value, str):
        _check_string(value, path)
    elif isinstance(value, list):
        for place, element in enumerate(value):
            _check_strings(element, f"{path}[{place}]")
    elif isinstance(value, dict):
        for name, element in value.items():
            _check_string(name, f"a name in {path}")
            _check_strings(element, f"{path}.{name}")


def _check_string(text: str, path: str) -> None:
    where = shortened(path)
    if _SURROGATE.search(text):
        raise RefusedEventError(Reason.LONE_SURROGATE, f"{where} holds half of a surrogate pair")
    if "\0" in text:
        raise RefusedEventError(Reason.NUL_CHARACTER, f"{where} holds a NUL character")
    size = len(text.encode())
    if size > MAX_STRING_BYTES:
        detail = f"{where} has {size} bytes of text; at most {MAX_STRING_BYTES} are accepted"
        raise RefusedEventError(Reason.STRING_TOO_LONG, detail)
