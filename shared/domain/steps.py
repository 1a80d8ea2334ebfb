"""How far apart the points of a history lie, by the clock or by the calendar, and its whole periods."""

import re
from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.domain.calendars import Calendar
from shared.domain.errors import BadInputError
from shared.domain.reckonings import Period, Reckoning
from shared.domain.windows import DAY_US, SECOND_US

_STEP = re.compile(r"([1-9]\d{0,6})(s|m|h|d|w|mo)", re.ASCII)
_UNIT_S = {"s": 1, "m": 60, "h": 3_600}
_UNIT_DAYS = {"d": 1, "w": 7}
_MONTH_DAYS = 31

_FAR_DAYS = 1_000_000
"""Further on than this, 2,700 years, a day is a day: calendars end with the year 9999."""


class UnknownStepError(BadInputError):
    """It is no step: write a length such as 30s, 5m or 1h, or 1d, 1w, 1mo by the calendar."""


@dataclass(frozen=True, slots=True)
class Step:
    """A step from one point to the next; exactly one of its lengths is not 0.

    Attributes:
        text: as it is written.
        seconds: by the clock.
        days: by the calendar: the same time on a later day.
        months: the same time on the same day of a later month, or on its last one where it is shorter.
    """

    text: str
    seconds: int = 0
    days: int = 0
    months: int = 0

    def after(self, start_us: int, number: int, calendar: Calendar) -> int:
        """The instant *number* steps after *start_us*.

        Where the clocks jump over that time it is the first instant after the jump; where they show it
        twice, the first of both.
        """
        if self.seconds or not number:
            return start_us + number * self.seconds * SECOND_US
        far_days = number * (self.days + self.months * _MONTH_DAYS)
        if far_days > _FAR_DAYS:
            return start_us + far_days * DAY_US
        shown = calendar.local(start_us)
        if self.months:
            shown = _months_on(shown, number * self.months)
        return calendar.wall_us(shown + timedelta(days=number * self.days))


def parse_step(text: str) -> Step:
    """The step that *text* stands for.

    Raises:
        UnknownStepError: it is none.
    """
    match = _STEP.fullmatch(text)
    if match is None:
        raise UnknownStepError("write a length such as 30s, 5m or 1h, or 1d, 1w, 1mo by the calendar")
    number, unit = int(match[1]), match[2]
    if unit in _UNIT_S:
        return Step(text, seconds=number * _UNIT_S[unit])
    if unit in _UNIT_DAYS:
        return Step(text, days=number * _UNIT_DAYS[unit])
    return Step(text, months=number)


def instants(start_us: int, end_us: int, step: Step, calendar: Calendar) -> Iterator[int]:
    """*start_us* and what follows it by *step*, up to and including *end_us*, each later than the last."""
    number, last_us = 0, start_us - 1
    while True:
        at_us = step.after(start_us, number, calendar)
        if at_us > end_us:
            return
        if at_us > last_us:
            yield at_us
            last_us = at_us
        number += 1


def edges(
    period: Period, start_us: int, end_us: int, calendar: Calendar, *, reckoning: Reckoning
) -> Iterator[int]:
    """Where the whole *period*s between *start_us* and *end_us* begin, and where the last of them ends."""
    at_us = calendar.period_start(period, start_us, reckoning=reckoning)
    if at_us < start_us:
        at_us = calendar.next_period_start(period, at_us, reckoning=reckoning)
    while at_us <= end_us:
        yield at_us
        at_us = calendar.next_period_start(period, at_us, reckoning=reckoning)


def before(period: Period, end_us: int, number: int, calendar: Calendar, *, reckoning: Reckoning) -> int:
    """The begin of the *number*th whole *period* before *end_us*."""
    at_us = calendar.period_start(period, end_us, reckoning=reckoning)
    for _ in range(number):
        at_us = calendar.period_start(period, at_us - 1, reckoning=reckoning)
    return at_us


def _months_on(shown: datetime, months: int) -> datetime:
    years, month = divmod(shown.month - 1 + months, 12)
    year = shown.year + years
    return shown.replace(year=year, month=month + 1, day=min(shown.day, monthrange(year, month + 1)[1]))
