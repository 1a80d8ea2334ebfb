"""Business hours: which instants of a zone lie within them, and how much time they make; reads no clock."""

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from shared.domain.calendars import Calendar

MINUTE_US = 60_000_000
DAY_US = 1440 * MINUTE_US
WEEK_US = 7 * DAY_US
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
"""How the days of the week are written, in the order of ISO 8601."""

_MONDAY_US = -3 * DAY_US
"""A Monday at midnight: the epoch was a Thursday."""


@dataclass(frozen=True, slots=True)
class BusinessHours:
    """On some days of the week, the time at which clocks show *from_minute* or later but not *to_minute*.

    Where clocks are set back over business hours the time counts twice, where they are set forward not at
    all: an instant counts by what the clocks show.

    Attributes:
        days: the days of the week, ascending, Monday being 0.
        from_minute: the first minute of the day, 0 to 1439.
        to_minute: the minute that is no longer one, up to 1440; after *from_minute*.
        closed: days without business, ascending, counted from 1970-01-01.
    """

    days: tuple[int, ...]
    from_minute: int
    to_minute: int
    closed: tuple[int, ...] = ()

    def holds(self, times_us: npt.NDArray[np.int64], calendar: Calendar) -> npt.NDArray[np.bool_]:
        """Whether each instant is within business hours."""
        shown_us = times_us + calendar.offsets_us(times_us)
        is_open = np.zeros(7, dtype=np.bool_)
        is_open[list(self.days)] = True
        of_day_us = shown_us % DAY_US
        day_of_week = (shown_us - _MONDAY_US) // DAY_US % 7
        is_closed = np.isin(shown_us // DAY_US, self.closed)
        is_time = (of_day_us >= self.from_minute * MINUTE_US) & (of_day_us < self.to_minute * MINUTE_US)
        found: npt.NDArray[np.bool_] = is_time & is_open[day_of_week] & ~is_closed
        return found

    def time_within(self, start_us: int, end_us: int, calendar: Calendar) -> int:
        """The business time in [*start_us*, *end_us*), in microseconds."""
        return sum(
            self._shown_within(start + offset, stop + offset)
            for start, stop, offset in _even_stretches(start_us, end_us, calendar)
        )

    def _shown_within(self, start_us: int, end_us: int) -> int:
        """The business time between two times of clocks that are not set in between."""
        return self._until(end_us) - self._until(start_us) - self._closed_within(start_us, end_us)

    def _closed_within(self, start_us: int, end_us: int) -> int:
        """What would be business time if no day were closed."""
        first = bisect_left(self.closed, start_us // DAY_US)
        until = bisect_left(self.closed, end_us // DAY_US + 1)
        total_us = 0
        for day in self.closed[first:until]:
            if (day * DAY_US - _MONDAY_US) // DAY_US % 7 in self.days:
                opens_us = max(day * DAY_US + self.from_minute * MINUTE_US, start_us)
                closes_us = min(day * DAY_US + self.to_minute * MINUTE_US, end_us)
                total_us += max(closes_us - opens_us, 0)
        return total_us

    def _until(self, shown_us: int) -> int:
        """The business time from a certain Monday until the clocks show *shown_us*, were they never set."""
        length_us = (self.to_minute - self.from_minute) * MINUTE_US
        weeks, rest_us = divmod(shown_us - _MONDAY_US, WEEK_US)
        opened = (day * DAY_US + self.from_minute * MINUTE_US for day in self.days)
        part_us = sum(min(max(rest_us - open_us, 0), length_us) for open_us in opened)
        return weeks * len(self.days) * length_us + part_us


def _even_stretches(start_us: int, end_us: int, calendar: Calendar) -> Iterator[tuple[int, int, int]]:
    """The stretches that make up [*start_us*, *end_us*), in each of which the clocks are never set.

    Yields:
        The start, the end, and how far the clocks are ahead of UTC in between.
    """
    place_us = start_us
    for until_us in (*range(start_us + DAY_US, end_us, DAY_US), end_us):
        change_us = calendar.offset_change(max(place_us, until_us - DAY_US), until_us)
        if change_us is not None and change_us < end_us:
            yield place_us, change_us, calendar.offset_us(place_us)
            place_us = change_us
    if place_us < end_us:
        yield place_us, end_us, calendar.offset_us(place_us)
