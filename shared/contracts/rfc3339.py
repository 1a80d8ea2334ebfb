"""Times as text: RFC 3339 in, UTC with six digits out, and arrays of microseconds; it reads no clock."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt

from shared.domain.events import Reason, RefusedEventError

LENGTH = 27
"""Characters of a clean time: 2013-01-01T10:15:00.000000Z."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

_USUAL = re.compile(r"[0-9-]{10}T[0-9:]{8}(?:\.[0-9]{6})?Z")
"""The two forms that most senders use; what they hold is left to the standard library's parser."""

_RFC3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:([0-9]{2})"
    r"(?:\.([0-9]+))?(?:([Zz])|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
)


def utc_text(text: str) -> str:
    """The instant *text* in UTC with six digits of a second; further digits are cut off.

    Raises:
        RefusedEventError: the text is no RFC 3339 time with seconds and an offset, or names a leap second.
    """
    if not _USUAL.fullmatch(text):
        return _utc_text(text)
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return _utc_text(text)
    return text if len(text) == LENGTH else f"{text[:19]}.000000Z"


def _utc_text(text: str) -> str:
    """The same for times in any form, with the reason when there is one against it."""
    match = _RFC3339.fullmatch(text)
    if match is None:
        raise RefusedEventError(
            Reason.INVALID_TIME,
            f"time {shortened(text)} is not RFC 3339 with seconds and an offset, as 2013-01-01T10:15:00Z is",
        )
    second, fraction, in_utc = match.groups()
    if second == "60":
        raise RefusedEventError(Reason.LEAP_SECOND, f"time {text} is a leap second; send the second before")
    at = _existing(text)
    if not in_utc:
        return _shifted(text, at)
    return f"{text[:10]}T{text[11:19]}.{(fraction or '')[:6]:0<6}Z"


def _existing(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text.upper())
    except ValueError as error:
        detail = f"time {shortened(text)} does not exist: {error}"
        raise RefusedEventError(Reason.INVALID_TIME, detail) from error


def _shifted(text: str, at: datetime) -> str:
    try:
        return time_text(at)
    except OverflowError as error:
        detail = f"time {shortened(text)} is not within the years 1 to 9999 in UTC"
        raise RefusedEventError(Reason.INVALID_TIME, detail) from error


def shortened(text: str) -> str:
    """*text* quoted for a message, its beginning only when it is long."""
    return repr(text if len(text) <= 64 else text[:61] + "...")


def time_text(at: datetime) -> str:
    """The aware instant *at* as a clean time."""
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def text_of_us(at_us: int) -> str:
    """The instant *at_us*, microseconds since 1970-01-01T00:00:00Z, as a clean time.

    Raises:
        OverflowError: the instant is not within the years 1 to 9999.
    """
    return time_text(_EPOCH + timedelta(microseconds=at_us))


def us_of_text(text: str) -> int:
    """The clean time *text* in microseconds since 1970-01-01T00:00:00Z."""
    return (datetime.fromisoformat(text) - _EPOCH) // _MICROSECOND


def times_us(texts: Sequence[str]) -> npt.NDArray[np.int64]:
    """Clean times in microseconds since 1970-01-01T00:00:00Z; what they hold is not checked again.

    Measured with 10,000 times on one core: 0.04 us each, against 0.28 us by the standard library.
    """
    if not texts:
        return np.zeros(0, dtype=np.int64)
    digits = np.frombuffer("".join(texts).encode("ascii"), dtype=np.uint8).reshape(len(texts), LENGTH)
    number = digits.astype(np.int64) - ord("0")
    days = _days(_decimal(number, 0, 4), _decimal(number, 5, 7), _decimal(number, 8, 10))
    hours = days * 24 + _decimal(number, 11, 13)
    seconds = (hours * 60 + _decimal(number, 14, 16)) * 60 + _decimal(number, 17, 19)
    return seconds * 1_000_000 + _decimal(number, 20, 26)


_SIGNS = [4, 7, 10, 13, 16, 19, 26]
_DIGITS = [column for column in range(LENGTH) if column not in _SIGNS]
_FIELDS = ((0, 4, 2, 9998), (5, 7, 1, 12), (8, 10, 1, 31), (11, 13, 0, 23), (14, 16, 0, 59), (17, 19, 0, 59))
"""Where year to second stand and what they may be; the outermost years have days that end in no year."""


def are_clean(texts: Sequence[str]) -> npt.NDArray[np.bool_]:
    """Which of *texts* `times_us` can read: texts of the clean form whose fields are in range.

    Measured with 10,000 times on one core: 0.10 us each.
    """
    joined = "".join(texts)
    clean = np.ones(len(texts), dtype=np.bool_)
    if set(map(len, texts)) != {LENGTH} or not joined.isascii():
        clean = np.array([len(text) == LENGTH and text.isascii() for text in texts], dtype=np.bool_)
        joined = "".join([text for text, fits in zip(texts, clean, strict=True) if fits])
    letters = np.frombuffer(joined.encode("ascii"), dtype=np.uint8).reshape(-1, LENGTH)
    number = letters.astype(np.int64) - ord("0")
    fine = (letters[:, _SIGNS] == np.frombuffer(b"--T::.Z", dtype=np.uint8)).all(axis=1)
    fine &= ((number[:, _DIGITS] >= 0) & (number[:, _DIGITS] <= 9)).all(axis=1)
    for start, end, least, most in _FIELDS:
        field = _decimal(number, start, end)
        fine &= (field >= least) & (field <= most)
    clean[clean] = fine
    return clean


def _decimal(number: npt.NDArray[np.int64], start: int, end: int) -> npt.NDArray[np.int64]:
    """The number that the digits in columns [start, end) spell."""
    total = number[:, start].copy()
    for column in range(start + 1, end):
        total *= 10
        total += number[:, column]
    return total


def _days(
    year: npt.NDArray[np.int64], month: npt.NDArray[np.int64], day: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """Days since 1970-01-01 in the proleptic Gregorian calendar, with the year beginning in March."""
    year = year - (month <= 2)
    days_before_month = (153 * ((month + 9) % 12) + 2) // 5
    return year * 365 + year // 4 - year // 100 + year // 400 + days_before_month + day - 719_469
