"""How windows move on while no event comes, and the same window one period earlier; it reads no clock."""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from shared.domain.calendars import Calendar
from shared.domain.reckonings import Period
from shared.domain.windows.covers import begins_with
from shared.domain.windows.names import Previous, Sliding, Window
from shared.domain.windows.rungs import Rung, edge_after, edge_before, joins_days, retained_from


def last_instant(
    window: Window, at_us: int, first_us: int, *, finest: Rung, age_us: int, calendar: Calendar
) -> int:
    """The last instant at which *window* still has all of the pane that starts at *first_us*.

    Args:
        window: the window, in which the pane is the oldest that is not empty. Of a calendar window it is the
            last instant of the period that holds *at_us*, however old the pane.
        at_us: the instant at which the pane is within it.
        first_us: the start of the pane in microseconds; which rung it is of does not matter.
        finest: the finest rung of the KPI, by which the end of the window moves.
        age_us: how old the instants asked about are when they are asked about; 0 for the present.
        calendar: the KPI's zone.
    """
    if not isinstance(window, Sliding):
        return calendar.next_period_start(window.period, at_us, reckoning=window.reckoning) - 1
    ends = retained_from(finest, age_us)
    begins = begins_with(window, at_us, ends, now_us=at_us + age_us, calendar=calendar)
    last_end_us = edge_after(first_us + 1, begins, calendar) + window.length_us - 1
    if begins is Rung.D1 and ends is not Rung.D1:
        midnight_us = calendar.day_start(last_end_us)
        if not joins_days(midnight_us, ends, last_end_us + age_us - midnight_us):
            ends = Rung.D1
    return edge_before(last_end_us, ends, calendar)


@dataclass(frozen=True, slots=True)
class Shift:
    """The instant at which a window is what it was one period earlier.

    Attributes:
        at_us: the instant.
        is_moving: whether it moves on with the instant asked for, rather than resting.
        until_us: the first later instant asked for, at which that may no longer be so.
    """

    at_us: int
    is_moving: bool
    until_us: int | None


@lru_cache(maxsize=1024)
def earlier(window: Window, at_us: int, calendar: Calendar) -> Shift:
    """Where *window* at *at_us* has to be looked at to see it one period earlier.

    A sliding window: its length earlier. A window to date: as many local days into the period before, at the
    same time by the clock, or at the end of that period if it is shorter; an hour: as much time into the hour
    before. A previous window: the period before that.
    """
    if isinstance(window, Sliding):
        return Shift(at_us - window.length_us, is_moving=True, until_us=None)
    start_us = calendar.period_start(window.period, at_us, reckoning=window.reckoning)
    end_us = calendar.next_period_start(window.period, at_us, reckoning=window.reckoning)
    if isinstance(window, Previous):
        return Shift(start_us - 1, is_moving=False, until_us=end_us)
    before_us = calendar.period_start(window.period, start_us - 1, reckoning=window.reckoning)
    if window.period is Period.HOUR:
        return _held(before_us + at_us - start_us, start_us, until_us=end_us)
    return _days_in(at_us, start_us, before_us, calendar)


def _days_in(at_us: int, start_us: int, before_us: int, calendar: Calendar) -> Shift:
    """The same day and time by the clock, counted from *before_us* as *at_us* is from *start_us*."""
    days = calendar.day_of(at_us) - calendar.day_of(start_us)
    shown = datetime.combine(calendar.day_of(before_us) + days, calendar.local(at_us).time())
    target_us = calendar.wall_us(shown)
    until_us = calendar.next_day_start(at_us)
    ends = [until_us, calendar.offset_change(at_us, until_us)]
    if target_us < start_us:
        change_us = calendar.offset_change(target_us, target_us + until_us - at_us)
        ends.append(None if change_us is None else at_us + change_us - target_us)
    return _held(target_us, start_us, until_us=min(end for end in ends if end is not None))


def _held(target_us: int, end_us: int, *, until_us: int) -> Shift:
    """*target_us*, held before *end_us*, where the period that it lies in is over."""
    if target_us < end_us:
        return Shift(target_us, is_moving=True, until_us=until_us)
    return Shift(end_us - 1, is_moving=False, until_us=until_us)
