"""The windows there are: what they are called, how finely they move, what they stand for."""

from datetime import timedelta

import pytest

from shared.domain.calendars import Calendar, as_datetime
from shared.domain.reckonings import Period, Reckoning
from shared.domain.windows import (
    CALENDAR_WINDOWS,
    DAY_US,
    HOUR_US,
    INSTANTS_US,
    RETENTION_US,
    WRITTEN_US,
    Interval,
    Previous,
    Rung,
    Sliding,
    ToDate,
    Window,
    earlier,
    grain,
    interval,
    parse_window,
)
from tests.unit.domain.test_calendars import us


@pytest.mark.parametrize(
    ("text", "window"),
    [
        ("10s", Sliding("10s", timedelta(seconds=10))),
        ("90s", Sliding("90s", timedelta(seconds=90))),
        ("24h", Sliding("24h", timedelta(hours=24))),
        ("2w", Sliding("2w", timedelta(days=14))),
        ("400d", Sliding("400d", timedelta(days=400))),
        ("today", ToDate("today", Period.DAY)),
        ("wtd", ToDate("this_week", Period.WEEK)),
        ("this_year", ToDate("ytd", Period.YEAR)),
        ("last_day", Previous("yesterday", Period.DAY)),
        ("last_quarter", Previous("previous_quarter", Period.QUARTER)),
        ("previous_hour", Previous("previous_hour", Period.HOUR)),
    ],
)
def test_parse(text: str, window: Window) -> None:
    """A window is named by its length or its period, and other names of it come to the same."""
    assert window == parse_window(text)


def test_parse_calendar_windows() -> None:
    """Every calendar window keeps its own name, and takes the begin of the year along."""
    found = [parse_window(name, reckoning=Reckoning(4)) for name in CALENDAR_WINDOWS]

    assert list(CALENDAR_WINDOWS) == [window.name for window in found]
    assert all(not isinstance(window, Sliding) and window.reckoning == Reckoning(4) for window in found)


@pytest.mark.parametrize(
    "text", ["", "9s", "401d", "58w", "0m", "-5m", "5 m", "yesterdays", "previous_today", "999999999w", "٣m"]
)
def test_parse_refuses(text: str) -> None:
    """What is no window, or out of range, is refused."""
    with pytest.raises(ValueError, match="window"):
        parse_window(text)


@pytest.mark.parametrize(
    ("text", "rung"),
    [
        ("10s", Rung.S1),
        ("5m", Rung.S1),
        ("301s", Rung.S10),
        ("1h", Rung.S10),
        ("61m", Rung.M1),
        ("24h", Rung.M1),
        ("25h", Rung.M15),
        ("7d", Rung.M15),
        ("8d", Rung.H1),
        ("90d", Rung.H1),
        ("91d", Rung.D1),
        ("today", Rung.M1),
        ("this_hour", Rung.M1),
        ("ytd", Rung.M15),
        ("previous_hour", Rung.M15),
        ("previous_year", Rung.D1),
    ],
)
def test_grain(text: str, rung: Rung) -> None:
    """The trailing edge moves at the grain of the window's length; calendar windows need no finer panes."""
    assert rung == grain(parse_window(text))


def test_interval_is_half_open_and_live() -> None:
    """The end follows the instant at the finest rung, the start lags at the grain.

    | 12:00:00 [-- 1h, trailing edge every 10 s --) 13:00:07 |
    """
    at = us("2026-03-01T13:00:06.500Z")

    found = interval(parse_window("1h"), at, finest=Rung.S1, now_us=at, calendar=Calendar("UTC"))

    assert Interval(us("2026-03-01T12:00:00Z"), us("2026-03-01T13:00:07Z"), Rung.S1) == found


CASES = [
    ("today", "Europe/Berlin", "2026-03-29T12:00Z", "2026-03-28T23:00Z", "2026-03-29T12:00Z"),  # 23 h day
    ("today", "Europe/Berlin", "2026-10-25T22:30Z", "2026-10-24T22:00Z", "2026-10-25T22:30Z"),  # 25 h day
    ("today", "Asia/Kathmandu", "2026-06-01T18:20Z", "2026-06-01T18:15Z", "2026-06-01T18:20Z"),  # +5:45
    ("today", "America/Havana", "2026-03-08T12:00Z", "2026-03-08T05:00Z", "2026-03-08T12:00Z"),  # no midnight
    ("today", "Pacific/Apia", "2011-12-30T11:00Z", "2011-12-30T10:00Z", "2011-12-30T11:00Z"),
    ("yesterday", "Pacific/Apia", "2011-12-30T11:00Z", "2011-12-29T10:00Z", "2011-12-30T10:00Z"),
    ("yesterday", "Europe/Berlin", "2026-03-30T12:00Z", "2026-03-28T23:00Z", "2026-03-29T22:00Z"),
    ("previous_hour", "Asia/Kathmandu", "2026-06-01T18:20Z", "2026-06-01T17:15Z", "2026-06-01T18:15Z"),
    ("this_hour", "Asia/Kathmandu", "2026-06-01T18:20Z", "2026-06-01T18:15Z", "2026-06-01T18:20Z"),
    ("this_week", "UTC", "2026-06-07T23:59:01Z", "2026-06-01T00:00Z", "2026-06-08T00:00Z"),
    ("previous_week", "UTC", "2026-06-08T00:00Z", "2026-06-01T00:00Z", "2026-06-08T00:00Z"),
    ("mtd", "Asia/Tokyo", "2026-05-31T15:00:00.000001Z", "2026-05-31T15:00Z", "2026-05-31T15:01Z"),
    ("previous_month", "UTC", "2028-03-31T12:00Z", "2028-02-01T00:00Z", "2028-03-01T00:00Z"),
    ("qtd", "UTC", "2026-12-31T12:00Z", "2026-11-01T00:00Z", "2026-12-31T12:00Z"),  # the year begins in May
    ("previous_quarter", "UTC", "2026-05-01T00:00Z", "2026-02-01T00:00Z", "2026-05-01T00:00Z"),
    ("ytd", "UTC", "2026-04-30T12:00Z", "2025-05-01T00:00Z", "2026-04-30T12:00Z"),
    ("previous_year", "UTC", "2026-04-30T12:00Z", "2024-05-01T00:00Z", "2025-05-01T00:00Z"),
]


@pytest.mark.parametrize(("name", "zone", "at", "start", "end"), CASES)
def test_calendar_windows(name: str, zone: str, at: str, start: str, end: str) -> None:
    """They begin and end where the periods of the zone do, the year beginning in May."""
    window, finest = parse_window(name, reckoning=Reckoning(5)), min(grain(parse_window(name)), Rung.M1)

    found = interval(window, us(at), finest=finest, now_us=us(at), calendar=Calendar(zone))

    assert (us(start), us(end)) == (found.start_us, found.end_us)


EARLIER = [
    ("1h", "UTC", "2026-06-01T12:00:07Z", "2026-06-01T11:00:07Z"),
    ("today", "Europe/Berlin", "2026-03-30T10:00Z", "2026-03-29T10:00Z"),  # 12:00 on both days
    ("today", "Europe/Berlin", "2026-03-29T10:00Z", "2026-03-28T11:00Z"),  # 12:00 before and after the change
    ("today", "Europe/Berlin", "2026-03-30T00:30Z", "2026-03-29T01:00Z"),  # 02:30 was jumped over: 03:00
    ("today", "Europe/Berlin", "2026-10-26T01:30Z", "2026-10-25T00:30Z"),  # 02:30 was there twice: the first
    ("this_hour", "UTC", "2026-06-01T12:10Z", "2026-06-01T11:10Z"),
    # 15:00Z to 15:30Z, when 01:30 came again, is an hour of its own.
    ("this_hour", "Australia/Lord_Howe", "2026-04-04T16:10Z", "2026-04-04T15:29:59.999999Z"),
    ("this_week", "UTC", "2026-06-10T12:10Z", "2026-06-03T12:10Z"),
    ("mtd", "UTC", "2026-03-15T12:10Z", "2026-02-15T12:10Z"),
    ("mtd", "UTC", "2026-03-31T12:10Z", "2026-02-28T23:59:59.999999Z"),  # February has no 31st
    ("qtd", "UTC", "2026-05-20T12:10Z", "2026-02-19T12:10Z"),  # both are the 50th day
    ("ytd", "UTC", "2025-03-01T12:10Z", "2024-02-29T12:10Z"),  # both are the 60th day
    ("yesterday", "UTC", "2026-06-10T12:10Z", "2026-06-09T23:59:59.999999Z"),
    ("previous_month", "UTC", "2026-06-10T12:10Z", "2026-05-31T23:59:59.999999Z"),
]


@pytest.mark.parametrize(("name", "zone", "at", "before"), EARLIER)
def test_earlier(name: str, zone: str, at: str, before: str) -> None:
    """A period earlier is as many days in and at the same time by the clock, or at the period's end."""
    assert as_datetime(us(before)) == as_datetime(earlier(parse_window(name), us(at), Calendar(zone)).at_us)


def test_rungs_are_written_longer_than_read() -> None:
    """Writer and reader may differ about the time by an hour and never read a pane that lacks events."""
    assert all(WRITTEN_US[rung] >= RETENTION_US[rung] + HOUR_US for rung in Rung)


def test_days_are_kept_as_long_as_anything_asks_for_them() -> None:
    """The previous year, a year earlier, at the oldest instant that may be asked about, is there."""
    years = max(us(f"{year}-12-31T23:59Z") - us(f"{year - 2}-01-01T00:00Z") for year in (2024, 2025, 2026))

    assert RETENTION_US[Rung.D1] > INSTANTS_US + years
    # A year of 53 weeks, and the two of 52 beside it, by the end of the last of the three.
    assert RETENTION_US[Rung.D1] > INSTANTS_US + (371 + 2 * 364) * DAY_US
