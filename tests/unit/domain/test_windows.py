"""The window arithmetic: what a window stands for and which panes make it up."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.calendars import Calendar, instant_us
from shared.domain.windows import (
    HOUR_US,
    RETENTION_US,
    WRITTEN_US,
    Interval,
    Rung,
    Sliding,
    Today,
    grain,
    interval,
    parse_window,
)

ZONES = ("UTC", "Europe/Berlin", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia", "America/Havana")


def us(text: str) -> int:
    """Microseconds of an RFC 3339 instant."""
    return instant_us(datetime.fromisoformat(text).astimezone(UTC))


instants = st.integers(us("2009-01-01T00:00:00Z"), us("2027-01-01T00:00:00Z"))


@pytest.mark.parametrize(
    ("text", "window"),
    [
        ("1m", Sliding("1m", timedelta(minutes=1))),
        ("90s", Sliding("90s", timedelta(seconds=90))),
        ("24h", Sliding("24h", timedelta(hours=24))),
        ("30d", Sliding("30d", timedelta(days=30))),
        ("today", Today()),
    ],
)
def test_parse(text: str, window: Sliding | Today) -> None:
    """A window is named by its length or its period."""
    assert window == parse_window(text)


@pytest.mark.parametrize("text", ["", "59s", "31d", "0m", "1w", "-5m", "5 m", "yesterdays"])
def test_parse_refuses(text: str) -> None:
    """What is no window, or out of range, is refused."""
    with pytest.raises(ValueError, match="window"):
        parse_window(text)


@pytest.mark.parametrize(
    ("text", "rung"),
    [
        ("5m", Rung.S1),
        ("301s", Rung.S10),
        ("1h", Rung.S10),
        ("61m", Rung.M1),
        ("24h", Rung.M1),
        ("25h", Rung.M15),
        ("7d", Rung.M15),
        ("8d", Rung.H1),
        ("30d", Rung.H1),
        ("today", Rung.M1),
    ],
)
def test_grain(text: str, rung: Rung) -> None:
    """The trailing edge moves at the grain of the window's length."""
    assert rung == grain(parse_window(text))


def test_interval_is_half_open_and_live() -> None:
    """The end follows the instant at the finest rung, the start lags at the grain.

    | 12:00:00 [-- 1h, trailing edge every 10 s --) 13:00:07 |
    """
    at = us("2026-03-01T13:00:06.500Z")

    found = interval(parse_window("1h"), at, finest=Rung.S1, now_us=at, calendar=Calendar("UTC"))

    assert Interval(us("2026-03-01T12:00:00Z"), us("2026-03-01T13:00:07Z"), Rung.S1) == found


@pytest.mark.parametrize(
    ("zone", "at", "start"),
    [
        ("Europe/Berlin", "2026-03-29T12:00:00Z", "2026-03-28T23:00:00Z"),  # 23 h day
        ("Europe/Berlin", "2026-10-25T22:30:00Z", "2026-10-24T22:00:00Z"),  # 25 h day
        ("Asia/Kathmandu", "2026-06-01T18:20:00Z", "2026-06-01T18:15:00Z"),  # +5:45
        ("America/Havana", "2026-03-08T12:00:00Z", "2026-03-08T05:00:00Z"),  # midnight is skipped
        ("Pacific/Apia", "2011-12-30T11:00:00Z", "2011-12-30T10:00:00Z"),  # 30 December never was
    ],
)
def test_today_begins_at_local_midnight(zone: str, at: str, start: str) -> None:
    """Today begins at the first instant of the local day, whatever the clocks do."""
    found = interval(Today(), us(at), finest=Rung.M1, now_us=us(at), calendar=Calendar(zone))

    assert us(start) == found.start_us


@given(at=instants, zone=st.sampled_from(ZONES))
def test_days_partition_time(at: int, zone: str) -> None:
    """Every instant lies in exactly one local day, and days are 23 to 25 hours long (24.5 on Lord Howe)."""
    calendar = Calendar(zone)

    start, end = calendar.day_start(at), calendar.next_day_start(at)

    assert start <= at < end
    assert calendar.day_start(end - 1) == start
    assert calendar.day_start(end) == end
    assert end - start in {round(h * HOUR_US) for h in (23, 23.5, 24, 24.5, 25)}


def test_rungs_are_written_longer_than_read() -> None:
    """Writer and reader may differ about the time by an hour and never read a pane that lacks events."""
    assert all(WRITTEN_US[rung] >= RETENTION_US[rung] + HOUR_US for rung in Rung)
