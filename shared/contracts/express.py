"""Structured events that cheap conditions prove to keep every rule; it refuses none and leaves some over.

What is proven here is what `intake` would accept, with the same attributes and the same data: nothing is
decoded that need not be, and the bytes of the data are passed on as they are, white space apart. Whatever is
left over goes through `intake`, which is slower, takes every form there is and names reasons.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import msgspec
import numpy as np
from msgspec import UNSET, Meta, Raw, UnsetType

from shared.contracts.rfc3339 import utc_text
from shared.domain.events import (
    MAX_ATTRIBUTE_CHARACTERS,
    MAX_DEPTH,
    MAX_DIGITS,
    MAX_KEYS,
    MAX_STRING_BYTES,
    RefusedEventError,
)

_Name = Annotated[str, Meta(min_length=1, max_length=MAX_ATTRIBUTE_CHARACTERS)]
_Text = Annotated[str, Meta(min_length=1, max_length=MAX_STRING_BYTES)]
_Extension = str | UnsetType


class ProvenEvent(msgspec.Struct, kw_only=True, gc=False, omit_defaults=True):
    """An event that keeps every rule, ready to be encoded: as a `CleanEvent`, its data still bytes."""

    specversion: Literal["1.0"]
    id: _Name
    source: _Name
    type: _Name
    time: str
    subject: _Text | None = None
    retracts: _Name | None = None
    data: Raw
    datacontenttype: _Extension = UNSET
    dataschema: _Extension = UNSET
    partitionkey: _Extension = UNSET
    traceparent: _Extension = UNSET
    tracestate: _Extension = UNSET


_REQUIRED = 6
"""Members that every proven event has: specversion, id, source, type, time and data."""

_LET_GO = ("datacontenttype", "dataschema", "partitionkey", "traceparent", "tracestate")
"""Attributes that are accepted and not kept; one that is not known here leaves its event over."""

_SPACES = (b" ", b"\n", b"\t", b"\r")
_APART = re.compile(rb'"[ \n\t\r]+:')
"""A name that does not stand right before its colon would not be counted."""

_LONG_INTEGER = re.compile(rb"[0-9]{%d}" % (MAX_DIGITS + 1))
_EIGHT_DIGITS = np.uint64(0x0101010101010101)


def _checked_literal(literal: str) -> None:
    """Refuse a number that might be too long or has, or would get, an exponent."""
    if len(literal) > MAX_DIGITS or "e" in literal or "E" in literal or "0.00000" in literal:
        raise ValueError


_envelope = msgspec.json.Decoder(ProvenEvent).decode
_data = msgspec.json.Decoder(dict[str, Any], float_hook=_checked_literal).decode


def proven_events(values: Sequence[bytes]) -> list[ProvenEvent | None]:
    """The event in each of *values* that is proven to be one; None says nothing against the others."""
    look = _Look.at(b",".join(values))
    return [_proven(value, look) for value in values]


@dataclass(frozen=True, slots=True)
class _Look:
    """What a glance at many values together says; what none of them holds is not looked for in each.

    Attributes:
        is_plain: all are ASCII without control characters, white space apart.
    """

    is_plain: bool
    has_escapes: bool
    has_spaces: bool
    has_lists: bool
    has_long_integers: bool

    @classmethod
    def at(cls, joined: bytes) -> "_Look":
        return cls(
            is_plain=joined.isascii() and b"\x7f" not in joined,
            has_escapes=b"\\" in joined,
            has_spaces=any(space in joined for space in _SPACES),
            has_lists=b"[" in joined,
            has_long_integers=_may_hold_long_integer(joined),
        )


def _may_hold_long_integer(joined: bytes) -> bool:
    """Whether two whole words side by side are digits, as they are within any 23 digits in a row."""
    letters = np.frombuffer(joined, dtype=np.uint8, count=len(joined) // 8 * 8)
    words = ((letters - np.uint8(ord("0"))) < 10).view(np.uint64) == _EIGHT_DIGITS
    return bool((words[1:] & words[:-1]).any())


def _proven(value: bytes, look: _Look) -> ProvenEvent | None:
    if not _is_countable(value, look):
        return None
    try:
        event = _envelope(value)
        if not _has_each_once(event, value.count(b'":'), look) or not _has_fine_names(event, look):
            return None
        event.time = utc_text(event.time)
        if look.has_spaces:
            event.data = _compact(event.data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, RefusedEventError):
        return None
    return event


def _compact(data: Raw) -> Raw:
    found = bytes(data)
    return Raw(msgspec.json.format(found, indent=-1)) if any(space in found for space in _SPACES) else data


def _is_countable(value: bytes, look: _Look) -> bool:
    """Whether every quotation mark delimits a text, so that a mark and a colon are the end of a name.

    A value this short holds no text that is too long, either.
    """
    return (
        len(value) <= MAX_STRING_BYTES
        and not (look.has_escapes and b"\\" in value)
        and not (look.has_spaces and _APART.search(value))
        and not (look.has_long_integers and _LONG_INTEGER.search(value))
    )


def _has_each_once(event: ProvenEvent, members: int, look: _Look) -> bool:
    """Whether an event, which was sent with so many *members* in all, has none twice and is modest in size.

    Each member that is there twice, in the envelope or in its data, and each that is not known here, is one
    more than is expected.
    """
    found = _data(event.data)
    own = len(found)
    if own + _REQUIRED != members or look.has_lists:
        own = _members(found)
        if _most_levels(bytes(event.data)) > MAX_DEPTH:
            return False
        return own <= MAX_KEYS and members == own + _REQUIRED + _others(event)
    return own <= MAX_KEYS


def _most_levels(data: bytes) -> int:
    return data.count(b"{") + data.count(b"[")


def _members(value: Any) -> int:
    """How many members the objects in *value* have when each name counts once."""
    if type(value) is dict:
        return len(value) + sum(map(_members, value.values()))
    return sum(map(_members, value)) if type(value) is list else 0


def _others(event: ProvenEvent) -> int:
    """How many of the attributes that may be missing are there; those that are not kept are let go."""
    count = (event.subject is not None) + (event.retracts is not None)
    for name in _LET_GO:
        if getattr(event, name) is not UNSET:
            count += 1
            setattr(event, name, UNSET)
    return count


def _has_fine_names(event: ProvenEvent, look: _Look) -> bool:
    if look.is_plain:
        return True
    names = (event.id, event.source, event.type, event.subject or "", event.retracts or "")
    return "".join(names).isprintable()
