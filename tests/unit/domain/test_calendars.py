"""Local hours, days and longer periods, whatever the clocks do."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.calendars import Calendar, as_datetime, instant_us
from shared.domain.reckonings import Period, Reckoning
from tests.oracle import calendars as oracle
from tests.unit.domain.reckoned import RECKONINGS, years_of

ZONES = (
    "UTC", "Europe/Berlin", "Asia/Kolkata", "Asia/Kathmandu", "Australia/Adelaide", "Australia/Lord_Howe",
    "America/St_Johns", "America/Havana", "America/Sao_Paulo", "Pacific/Apia", "Africa/Casablanca",
)  # fmt: skip
HOUR_US = 3_600_000_000


def us(text: str) -> int:
    """Microseconds of an RFC 3339 instant."""
    return instant_us(datetime.fromisoformat(text).astimezone(UTC))


def sets_of_clocks(zone: str) -> list[int]:
    """The instants at which the clocks of *zone* are set from 2009 to 2026."""
    calendar = Calendar(zone)
    days = range(us("2009-01-01T00:00Z"), us("2027-01-01T00:00Z"), 24 * HOUR_US)
    changes = (calendar.offset_change(day, day + 24 * HOUR_US) for day in days)
    return [change for change in changes if change is not None]


CHANGES = {zone: sets_of_clocks(zone) for zone in ZONES}
"""Where mistakes would be."""


@st.composite
def places(draw: st.DrawFn) -> tuple[str, int]:
    """A zone and an instant: any, or about one at which its clocks are set, or about a full hour."""
    zone = draw(st.sampled_from(ZONES))
    whenever = st.integers(us("2009-01-01T00:00Z"), us("2027-01-01T00:00Z"))
    nearly = st.sampled_from((-HOUR_US, -1, 0, 1, HOUR_US // 2, HOUR_US)) | st.integers(
        -3 * HOUR_US, 30 * HOUR_US
    )
    about = st.builds(
        lambda at, by: at + by, st.sampled_from(CHANGES[zone] or [us("2026-03-01T00:00Z")]), nearly
    )
    full = whenever.map(lambda at: at - at % (HOUR_US // 4)).flatmap(lambda at: st.integers(at - 1, at + 1))
    return zone, draw(whenever | about | full)


@given(place=places(), period=st.sampled_from(list(Period)), reckoning=RECKONINGS)
def test_the_oracle_agrees(place: tuple[str, int], period: Period, reckoning: Reckoning) -> None:
    """Walking minute by minute and day by day finds the same begin and end of every period."""
    (zone, at), calendar = place, Calendar(place[0])

    start = calendar.period_start(period, at, reckoning=reckoning)
    end = calendar.next_period_start(period, at, reckoning=reckoning)

    assert as_datetime(start) == oracle.begin(period, as_datetime(at), zone, years_of(reckoning))
    assert as_datetime(end) == oracle.end(period, as_datetime(at), zone, years_of(reckoning))


@given(place=places(), period=st.sampled_from(list(Period)), reckoning=RECKONINGS)
def test_periods_partition_time(place: tuple[str, int], period: Period, reckoning: Reckoning) -> None:
    """Every instant lies in exactly one period of each kind, the one before ends where it begins."""
    (_, at), calendar = place, Calendar(place[0])

    start = calendar.period_start(period, at, reckoning=reckoning)
    end = calendar.next_period_start(period, at, reckoning=reckoning)

    assert start <= at < end
    assert calendar.period_start(period, end - 1, reckoning=reckoning) == start
    assert calendar.period_start(period, end, reckoning=reckoning) == end
    assert calendar.next_period_start(period, start - 1, reckoning=reckoning) == start


@pytest.mark.parametrize(
    ("zone", "at", "start", "end"),
    [
        # Hours begin a quarter past those of UTC.
        ("Asia/Kathmandu", "2026-06-01T18:20Z", "2026-06-01T18:15Z", "2026-06-01T19:15Z"),
        # 02:00 to 03:00 is there twice: two hours.
        ("Europe/Berlin", "2026-10-25T00:59Z", "2026-10-25T00:00Z", "2026-10-25T01:00Z"),
        ("Europe/Berlin", "2026-10-25T01:00Z", "2026-10-25T01:00Z", "2026-10-25T02:00Z"),
        # At 02:00 the clocks go back to 01:30: half an hour until 02:00 comes again.
        ("Australia/Lord_Howe", "2026-04-04T15:10Z", "2026-04-04T15:00Z", "2026-04-04T15:30Z"),
        ("Australia/Lord_Howe", "2026-04-04T14:59Z", "2026-04-04T14:00Z", "2026-04-04T15:00Z"),
        # At 02:00 they go forward to 02:30.
        ("Australia/Lord_Howe", "2026-10-03T15:40Z", "2026-10-03T15:30Z", "2026-10-03T16:00Z"),
    ],
)
def test_hours(zone: str, at: str, start: str, end: str) -> None:
    """A local hour begins when the clocks show a full one, and when they are set."""
    calendar = Calendar(zone)

    assert us(start) == calendar.period_start(Period.HOUR, us(at))
    assert us(end) == calendar.next_period_start(Period.HOUR, us(at))


@pytest.mark.parametrize(
    ("period", "day", "year_start", "first"),
    [
        (Period.WEEK, date(2027, 1, 3), 1, date(2026, 12, 28)),
        (Period.WEEK, date(2026, 12, 28), 1, date(2026, 12, 28)),
        (Period.MONTH, date(2028, 2, 29), 1, date(2028, 2, 1)),
        (Period.QUARTER, date(2026, 5, 31), 1, date(2026, 4, 1)),
        (Period.QUARTER, date(2026, 1, 31), 2, date(2025, 11, 1)),
        (Period.YEAR, date(2026, 3, 31), 4, date(2025, 4, 1)),
        (Period.YEAR, date(2026, 4, 1), 4, date(2026, 4, 1)),
        (Period.YEAR, date(2026, 12, 31), 1, date(2026, 1, 1)),
    ],
)
def test_first_days(period: Period, day: date, year_start: int, first: date) -> None:
    """Weeks begin on Monday; quarters and years with the first month of the year."""
    assert first == Reckoning(year_start).first_day(period, day)


def test_a_day_that_never_was() -> None:
    """Samoa went from 29 to 31 December 2011: one day ends where the other begins."""
    calendar = Calendar("Pacific/Apia")

    assert calendar.next_day_start(us("2011-12-30T09:59Z")) == us("2011-12-30T10:00Z")
    assert calendar.day_of(us("2011-12-30T10:00Z")) == date(2011, 12, 31)


def test_clocks_that_go_back_over_midnight() -> None:
    """In St John's a minute of Sunday came before the last hour of Saturday again: Sunday had begun."""
    calendar = Calendar("America/St_Johns")

    assert calendar.day_of(us("2009-11-01T02:45Z")) == date(2009, 11, 1)
    assert calendar.day_start(us("2009-11-01T02:45Z")) == us("2009-11-01T02:30Z")


@given(places=st.lists(places(), min_size=1, max_size=20))
def test_offsets(places: list[tuple[str, int]]) -> None:
    """The offsets of an array of instants are those that the zone's clocks have."""
    zone = places[0][0]
    times = [at for _, at in places]
    info = ZoneInfo(zone)
    expected = [as_datetime(at).astimezone(info).utcoffset() for at in times]

    found = Calendar(zone).offsets_us(np.array(times, dtype=np.int64))

    assert expected == [timedelta(microseconds=int(offset)) for offset in found]
