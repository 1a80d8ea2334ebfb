"""What an event is, what makes it unacceptable, and where its copies meet; it knows no bytes of senders."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from hashlib import blake2b

import numpy as np

from shared.domain.errors import BadInputError

MAX_EVENT_BYTES = 64 * 1024
"""An event as it arrives, its attributes in headers not counted."""

MAX_DEPTH = 16
"""Objects and arrays within each other, `data` itself being the first."""

MAX_KEYS = 200
"""Members of one object."""

MAX_STRING_BYTES = 4096
"""One string, or the name of a member, in UTF-8."""

MAX_ATTRIBUTE_CHARACTERS = 256
"""`id`, `source`, `type` and `retracts`."""

MAX_DIGITS = 38
"""Digits a number is written with, its exponent not counted."""

MAX_EXPONENT = 30
"""The largest exponent a number may be written with, and the largest negative one."""

MAX_SKEW = timedelta(minutes=5)
"""How far in the future an event may be: clocks of senders are not perfect."""

RETENTION = timedelta(days=400)
"""How far in the past an event may be: panes are kept no longer."""


_MICROSECOND = timedelta(microseconds=1)

KEY_BYTES = 16
"""Of the digest that stands for an event's identity."""

_DIGEST = blake2b(digest_size=KEY_BYTES)
"""Never fed itself: a copy of it costs half of what a new one does."""


class Reason(StrEnum):
    """Why an event cannot be used; dead letters, answers and metrics carry these words."""

    EMPTY_RECORD = "empty_record"
    EVENT_TOO_LARGE = "event_too_large"
    NOT_UTF8 = "not_utf8"
    MALFORMED_JSON = "malformed_json"
    NOT_AN_OBJECT = "not_an_object"
    DUPLICATE_KEY = "duplicate_key"
    TOO_DEEP = "too_deep"
    TOO_MANY_KEYS = "too_many_keys"
    STRING_TOO_LONG = "string_too_long"
    LONE_SURROGATE = "lone_surrogate"
    NUL_CHARACTER = "nul_character"
    NUMBER_NOT_FINITE = "number_not_finite"
    NUMBER_TOO_LONG = "number_too_long"
    NUMBER_OUT_OF_RANGE = "number_out_of_range"
    UNKNOWN_FORMAT = "unknown_format"
    UNSUPPORTED_SPECVERSION = "unsupported_specversion"
    UNSUPPORTED_CONTENT_TYPE = "unsupported_content_type"
    BINARY_DATA = "binary_data"
    DATA_NOT_AN_OBJECT = "data_not_an_object"
    MISSING_ATTRIBUTE = "missing_attribute"
    INVALID_ATTRIBUTE = "invalid_attribute"
    INVALID_TIME = "invalid_time"
    LEAP_SECOND = "leap_second"
    TIME_IN_FUTURE = "time_in_future"
    TIME_TOO_OLD = "time_too_old"
    SCHEMA_VIOLATION = "schema_violation"


@dataclass(frozen=True, slots=True)
class Rejected:
    """An event that cannot be used: *reason* for machines, *detail* a sentence that names the field."""

    reason: Reason
    detail: str


class RefusedEventError(BadInputError):
    """An event breaks a rule; the message names the field and the rule.

    Attributes:
        reason: the same for machines.
    """

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


def out_of_time(age_us: int) -> Rejected | None:
    """Why an event of so many microseconds ago, below 0 in the future, is refused; None if it is not."""
    skew_us, retention_us = MAX_SKEW // _MICROSECOND, RETENTION // _MICROSECOND
    if age_us < -skew_us:
        detail = f"time is {-age_us / 1e6:.0f} s in the future; at most {skew_us / 1e6:.0f} s are accepted"
        return Rejected(Reason.TIME_IN_FUTURE, detail)
    if age_us > retention_us:
        detail = f"time is {age_us / 86_400e6:.1f} days ago; at most {RETENTION.days} days are accepted"
        return Rejected(Reason.TIME_TOO_OLD, detail)
    return None


def event_key(source: str, event_id: str) -> bytes:
    """Sixteen bytes that stand for the identity of an event: every copy of it has the same."""
    digest = _DIGEST.copy()
    digest.update(f"{source}\0{event_id}".encode())
    return digest.digest()


def partition_of(key: bytes, partitions: int) -> int:
    """The partition of `tidemark.events` where all events with *key*, and their retractions, meet."""
    return int.from_bytes(key[:4], "big") % partitions


def partitions_of(keys: Sequence[bytes], partitions: int) -> list[int]:
    """`partition_of` for each of *keys*, worked out together."""
    beginnings = np.frombuffer(b"".join(keys), dtype=">u4")[:: KEY_BYTES // 4]
    found: list[int] = (beginnings % np.uint32(partitions)).tolist()
    return found
