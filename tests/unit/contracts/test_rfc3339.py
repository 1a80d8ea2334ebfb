"""Times: what is accepted, how it is written down, and how many are read at once."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contracts.rfc3339 import LENGTH, text_of_us, time_text, times_us, us_of_text, utc_text
from shared.domain.events import Reason, RefusedEventError

INSTANTS = st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30))  # noqa: DTZ001
OFFSETS = st.integers(-23 * 60 - 59, 23 * 60 + 59).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2013-01-01T10:15:00Z", "2013-01-01T10:15:00.000000Z"),
        ("2013-01-01T10:15:00.000001Z", "2013-01-01T10:15:00.000001Z"),
        ("2013-01-01T10:15:00.1Z", "2013-01-01T10:15:00.100000Z"),
        # Nanoseconds are cut off, not rounded: an instant never moves into the next second.
        ("2013-01-01T10:15:59.999999999Z", "2013-01-01T10:15:59.999999Z"),
        ("2013-01-01T10:15:00+05:30", "2013-01-01T04:45:00.000000Z"),
        ("2013-01-01T00:30:00-01:00", "2013-01-01T01:30:00.000000Z"),
        ("2013-01-01T10:15:00-00:00", "2013-01-01T10:15:00.000000Z"),
        ("2012-02-29T23:59:59.5+00:01", "2012-02-29T23:58:59.500000Z"),
        ("2013-01-01t10:15:00z", "2013-01-01T10:15:00.000000Z"),
    ],
)
def test_accepted(text: str, expected: str) -> None:
    """Every RFC 3339 time is one instant, written in UTC with six digits."""
    assert utc_text(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "2013-01-01",
        "2013-01-01T10:15Z",
        "2013-01-01T10:15:00",
        "2013-01-01 10:15:00Z",
        "2013-01-01T10:15:00,5Z",
        "2013-01-01T10:15:00.Z",
        "2013-01-01T10:15:00+0100",
        "2013-01-01T10:15:00+01",
        "2013-01-01T10:15:00+24:00",
        "2013-01-01T24:00:00Z",
        "2013-01-01T10:60:00Z",
        "2013-02-29T10:15:00Z",
        "2013-W01-2T10:15:00Z",
        "20130101T101500Z",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+00:01",
        "1357035300",
        "\uff12013-01-01T10:15:00Z",
        "2013-01-01T10:15:00Z\n",
        " 2013-01-01T10:15:00Z",
    ],
)
def test_refused(text: str) -> None:
    """What leaves the instant open, or names none, is no time."""
    with pytest.raises(RefusedEventError) as refusal:
        utc_text(text)

    assert refusal.value.reason is Reason.INVALID_TIME


@pytest.mark.parametrize("text", ["2016-12-31T23:59:60Z", "2016-12-31T23:59:60.5+00:00"])
def test_leap_second(text: str) -> None:
    """A leap second is refused by its own name: which second it belongs to is for the sender to say."""
    with pytest.raises(RefusedEventError) as refusal:
        utc_text(text)

    assert refusal.value.reason is Reason.LEAP_SECOND


@given(INSTANTS, OFFSETS)
def test_any_offset(at: datetime, offset: timezone) -> None:
    """The instant is the same whatever offset it is written with."""
    aware = at.replace(tzinfo=UTC).astimezone(offset)

    assert utc_text(aware.isoformat()) == time_text(aware)


@given(st.lists(INSTANTS))
def test_many_at_once(instants: list[datetime]) -> None:
    """Reading many times at once gives what reading each of them gives."""
    texts = [time_text(at.replace(tzinfo=UTC)) for at in instants]

    assert times_us(texts).tolist() == [us_of_text(text) for text in texts]


@given(st.integers(-62_135_596_800_000_000, 253_402_300_799_999_999))
def test_microseconds(at_us: int) -> None:
    """A clean time says its microsecond exactly, from year 1 to year 9999, in 27 characters."""
    text = text_of_us(at_us)

    assert (us_of_text(text), len(text)) == (at_us, LENGTH)


def test_beyond() -> None:
    """An instant that no clean time can say is refused."""
    with pytest.raises(OverflowError):
        text_of_us(10**18)
