"""Business hours: by what the clocks show."""

from datetime import timedelta

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
    return BusinessHours(tuple(days), start, end)


def told(hours: BusinessHours) -> Hours:
    return Hours(tuple(day + 1 for day in hours.days), hours.from_minute, hours.to_minute)


@given(hours=business_hours(), place=places())
def test_an_instant_counts_by_what_the_clocks_show(hours: BusinessHours, place: tuple[str, int]) -> None:
    """The oracle, which asks the clocks of one instant, agrees on each."""
    zone, at = place
    times = np.array([at - HOUR_US, at - 1, at, at + 1, at + HOUR_US], dtype=np.int64)

    found = hours.holds(times, Calendar(zone)).tolist()

    assert [hours_hold(told(hours), zone, as_datetime(int(time))) for time in times] == found


@settings(max_examples=40)
@given(hours=business_hours(), place=places(), length=st.integers(0, 60 * HOUR_US))
def test_the_time_within(hours: BusinessHours, place: tuple[str, int], length: int) -> None:
    """The business time of an interval is what its minutes add up to."""
    zone, start = place

    found = hours.time_within(start, start + length, Calendar(zone))

    expected = business_time(told(hours), zone, as_datetime(start), as_datetime(start + length))
    assert expected == timedelta(microseconds=found)


def test_a_week() -> None:
    """Five days of eight and a half hours make 42.5 h, in any week without a change of the clocks."""
    start = us("2026-06-01T05:17:21Z")

    assert round(42.5 * HOUR_US) == OFFICE.time_within(
        start, start + 7 * 24 * HOUR_US, Calendar("Europe/Berlin")
    )


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
