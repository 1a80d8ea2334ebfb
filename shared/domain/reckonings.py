"""How days make weeks, months, quarters and years: by the calendar or by whole weeks; it knows no zone."""

from bisect import bisect_right
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import assert_never

_DAY = timedelta(days=1)
_MONTHS = 12

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
"""The days of the week in the order of ISO 8601; their places are the numbers that dates give them."""


class Period(StrEnum):
    """A stretch of the calendar."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


class YearEnd(StrEnum):
    """Which of the days of one weekday ends a year."""

    LAST = "last"
    """The last one in the month."""
    NEAREST = "nearest"
    """The one nearest to the last day of the month, which may lie in the month after."""


@dataclass(frozen=True, slots=True)
class WeekYears:
    """Years of 52 or 53 whole weeks, of four quarters that each have three months of whole weeks.

    They are told apart by the calendar year in which the month after *month* begins, with which they would
    begin if months were not cut. A 53rd week belongs to the last month.

    Attributes:
        weeks: how many weeks the months of a quarter have, 13 together.
        month: the month with which a year ends, 1 to 12.
        weekday: the day on which it ends, Monday being 0.
        rule: which of these days.
    """

    weeks: tuple[int, int, int]
    month: int
    weekday: int
    rule: YearEnd

    @property
    def first_month(self) -> int:
        """The month of the calendar that the first month of a year stands for."""
        return self.month % _MONTHS + 1

    def begin(self, year: int) -> date:
        """The first day of *year*."""
        last = date(year, self.first_month, 1) - _DAY
        back = (last.weekday() - self.weekday) % 7
        if self.rule is YearEnd.NEAREST and back > 3:
            back -= 7
        return last - (back - 1) * _DAY

    def year_of(self, day: date) -> int:
        """The year that holds *day*."""
        return next(year for year in (day.year + 1, day.year, day.year - 1) if self.begin(year) <= day)

    def months(self, year: int) -> tuple[date, ...]:
        """The first days of the twelve months of *year*."""
        return _month_begins(self, year)

    def place(self, day: date) -> tuple[int, int]:
        """The year that holds *day*, and the number of its month, from 0."""
        year = self.year_of(day)
        return year, bisect_right(self.months(year), day) - 1


@lru_cache(maxsize=4096)
def _month_begins(years: WeekYears, year: int) -> tuple[date, ...]:
    found = [years.begin(year)]
    for number in range(_MONTHS - 1):
        found.append(found[-1] + 7 * years.weeks[number % 3] * _DAY)
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Reckoning:
    """Which days belong together.

    Attributes:
        year_start: the first month of the year, 1 to 12, by which quarters and years of months begin.
        week_start: the day with which weeks begin, Monday being 0; with years of weeks the day after their
            last.
        years: months, quarters and years of whole weeks, in place of those of the calendar.
    """

    year_start: int = 1
    week_start: int = 0
    years: WeekYears | None = None

    def first_day(self, period: Period, day: date) -> date:
        """The first day of the *period* that holds *day*; the period is a day or longer."""
        match period:
            case Period.DAY:
                return day
            case Period.WEEK:
                return day - (day.weekday() - self.week_start) % 7 * _DAY
            case Period.MONTH | Period.QUARTER | Period.YEAR:
                return self._month_begin(self._first_number(period, day))
            case Period.HOUR:
                raise ValueError("an hour is shorter than a day")
            case _:
                assert_never(period)

    def next_first_day(self, period: Period, first: date) -> date:
        """The first day of the *period* after the one that begins on *first*."""
        days = {Period.DAY: 1, Period.WEEK: 7}.get(period)
        if days is not None:
            return first + days * _DAY
        return self._month_begin(self._month_number(first) + _LONG[period])

    def between(self, period: Period, first: date, until: date) -> int:
        """How many times *period* fits between the first days *first* and *until* of two of them."""
        days = {Period.DAY: 1, Period.WEEK: 7}.get(period)
        if days is not None:
            return (until - first).days // days
        return (self._month_number(until) - self._month_number(first)) // _LONG[period]

    def month_of(self, day: date) -> int:
        """The month of the calendar, 1 to 12, that *day* belongs to, or that its month stands for."""
        return self._month_number(day) % _MONTHS + 1

    def month_begin(self, year: int, month: int) -> date:
        """The first day of the month that is, or stands for, *month* of the calendar year *year*."""
        return self._month_begin(year * _MONTHS + month - 1)

    def year_begin(self, year: int, quarter: int = 1) -> date:
        """The first day of a *quarter*, 1 to 4, of the year that begins in, or is called after, *year*."""
        first_month = self.year_start if self.years is None else self.years.first_month
        return self._month_begin(year * _MONTHS + first_month - 1 + 3 * (quarter - 1))

    def as_far_before(self, period: Period, day: date) -> date:
        """The day that lies as far in the *period* before as *day* does in its own.

        Past the end of that it is the same weekday of its last week: week 53 stands beside week 52.
        """
        first = self.first_day(period, day)
        before = self.first_day(period, first - _DAY)
        over = (day - first) - (first - before)
        return before + (day - first) - 7 * (max(over.days + 7, 0) // 7) * _DAY

    def part(self, period: Period) -> object:
        """What decides where a *period* begins; equal for two reckonings that agree on it."""
        if period in _LONG and self.years is not None:
            return self.years
        if period in (Period.QUARTER, Period.YEAR):
            return self.year_start
        return self.week_start if period is Period.WEEK else None

    def _first_number(self, period: Period, day: date) -> int:
        """The number of the first month of the *period* that holds *day*."""
        number = self._month_number(day)
        first_month = self.year_start if self.years is None else self.years.first_month
        return number - (number - (first_month - 1)) % _LONG[period]

    def _month_number(self, day: date) -> int:
        """The number of the month that holds *day*, counted on and on."""
        if self.years is None:
            return day.year * _MONTHS + day.month - 1
        year, number = self.years.place(day)
        return year * _MONTHS + self.years.first_month - 1 + number

    def _month_begin(self, number: int) -> date:
        if self.years is None:
            year, month = divmod(number, _MONTHS)
            return date(year, month + 1, 1)
        year, place = divmod(number - (self.years.first_month - 1), _MONTHS)
        return self.years.months(year)[place]


_LONG = {Period.MONTH: 1, Period.QUARTER: 3, Period.YEAR: 12}
"""The periods that are made of months, and of how many."""

GREGORIAN = Reckoning()
"""Weeks of ISO 8601, and the years of the calendar."""
