"""Business hours: by what the clocks show."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.business_hours import BusinessHours
from shared.domain.calendars import Calendar, as_datetime
from tests.oracle.definitions import Hours
from tests.oracle.views import business_time, hours_hold
from tests.unit.domain.test_calendars import HOUR_US, places, us

OFFICE = BusinessHours((0, 1, 2, 3, 4), 9 * 60, 17 * 60 + 30)


@st.composite
def business_hours(draw: st.DrawFn) -> BusinessHours:
    """Any days and minutes; often those of the night, in which clocks are set."""
    days = draw(st.sets(st.integers(0, 6), min_size=1).map(sorted))
    start = draw(st.integers(0, 1439) | st.integers(0, 240))
    end = draw(st.integers(start + 1, 1440) | st.integers(start + 1, min(start + 240, 1440)))
    closed = draw(st.sets(st.integers(-400, 22_000) | st.integers(20_000, 20_800), max_size=40))
    return BusinessHours(tuple(days), start, end, tuple(sorted(closed)))


@st.composite
def hours_near(draw: st.DrawFn) -> tuple[BusinessHours, tuple[str, int]]:
    """The same at an instant that often lies beside a closed day."""
    hours, (zone, at) = draw(business_hours()), draw(places())
    near = draw(st.sets(st.integers(-1, 3), min_size=1))
    closed = {*hours.closed, *(at // (24 * HOUR_US) + each for each in near)}
    days = draw(st.just(tuple(range(7))) | st.just(hours.days))
    return replace(hours, days=days, closed=tuple(sorted(closed))), (zone, at)


def told(hours: BusinessHours) -> Hours:
    closed = tuple(date(1970, 1, 1) + timedelta(days=day) for day in hours.closed)
    return Hours(tuple(day + 1 for day in hours.days), hours.from_minute, hours.to_minute, closed)


@given(asked=hours_near())
def test_an_instant_counts_by_what_the_clocks_show(asked: tuple[BusinessHours, tuple[str, int]]) -> None:
    """The oracle, which asks the clocks of one instant, agrees on each."""
    hours, (zone, at) = asked
    times = np.array([at - HOUR_US, at - 1, at, at + 1, at + HOUR_US], dtype=np.int64)

    found = hours.holds(times, Calendar(zone)).tolist()

    assert [hours_hold(told(hours), zone, as_datetime(int(time))) for time in times] == found


@settings(max_examples=40)
@given(asked=hours_near(), length=st.integers(0, 60).map(lambda hours: hours * HOUR_US + 7))
def test_the_time_within(asked: tuple[BusinessHours, tuple[str, int]], length: int) -> None:
    """The business time of an interval is what its minutes add up to."""
    hours, (zone, start) = asked

    found = hours.time_within(start, start + length, Calendar(zone))

    expected = business_time(told(hours), zone, as_datetime(start), as_datetime(start + length))
    assert expected == timedelta(microseconds=found)


def test_a_week() -> None:
    """Five days of eight and a half hours make 42.5 h, in any week without a change of the clocks."""
    start = us("2026-06-01T05:17:21Z")

    assert round(42.5 * HOUR_US) == OFFICE.time_within(
        start, start + 7 * 24 * HOUR_US, Calendar("Europe/Berlin")
    )


def test_a_week_with_holidays() -> None:
    """A closed Wednesday takes 8.5 h, a closed Saturday nothing, half of a closed Monday only half."""
    holidays = [date(2026, 6, 1), date(2026, 6, 3), date(2026, 6, 6)]
    closed = replace(OFFICE, closed=tuple((day - date(1970, 1, 1)).days for day in holidays))
    noon, berlin = us("2026-06-01T10:00Z"), Calendar("Europe/Berlin")
    times = np.array([us("2026-06-03T10:00Z"), us("2026-06-04T10:00Z")], dtype=np.int64)

    # Of 5.5 h of Monday, 4 times 8.5 h and 3 h of the next Monday: 34 h less 8.5 h, and 3 h.
    assert round(28.5 * HOUR_US) == closed.time_within(noon, noon + 7 * 24 * HOUR_US, berlin)
    assert closed.holds(times, berlin).tolist() == [False, True]


def test_a_night_that_is_there_twice() -> None:
    """02:00 to 03:00 counts twice when clocks go back, and not at all when they go forward."""
    night = BusinessHours((6,), 120, 180)
    autumn, spring = us("2026-10-24T22:00Z"), us("2026-03-28T23:00Z")

    found = [night.time_within(at, at + 23 * HOUR_US, Calendar("Europe/Berlin")) for at in (autumn, spring)]

    assert found == [2 * HOUR_US, 0]


def test_the_edges() -> None:
    """The first microsecond of business counts, the first one after it does not."""
    opens, closes = us("2026-06-01T07:00Z"), us("2026-06-01T15:30Z")
    times = np.array([opens - 1, opens, closes - 1, closes], dtype=np.int64)

    assert OFFICE.holds(times, Calendar("Europe/Berlin")).tolist() == [False, True, True, False]
