"""What a value is compared with, and how it stands to that: instant, change, better or worse; no reader."""

from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_EVEN, Context, Decimal, InvalidOperation, Overflow
from enum import StrEnum
from typing import Literal, assert_never

from shared.domain.calendars import Calendar
from shared.domain.holidays import Holiday, a_year_before
from shared.domain.reckonings import GREGORIAN, Period, Reckoning
from shared.domain.targets import Direction
from shared.domain.windows import Previous, Sliding, ToDate, Window, earlier


class Against(StrEnum):
    """What a value is compared with."""

    PREVIOUS = "previous"
    """The window one period earlier, as `prev` in a formula means it."""
    LAST_WEEK = "last_week"
    LAST_MONTH = "last_month"
    LAST_YEAR = "last_year"


class Alignment(StrEnum):
    """What of the calendar has to meet in a month or a year before."""

    DATE = "date"
    """The day of the month, or the month's last one where it is shorter."""
    WEEKDAY = "weekday"
    """The day of the week: a month is four weeks then, and a year 52."""


class Judgement(StrEnum):
    """What a change means by the direction of the KPI."""

    BETTER = "better"
    WORSE = "worse"
    SAME = "same"


@dataclass(frozen=True, slots=True)
class Change:
    """What became of a base.

    Attributes:
        absolute: the value less the base, exactly.
        relative: that divided by the size of the base, to 34 digits; its sign is that of the change, whatever
            the sign of the base. None where the base is 0.
    """

    absolute: Decimal
    relative: Decimal | None


TOLERATED = 20
"""Windows are of one length if rounding to panes makes them differ by no more than this part, a twentieth."""

_TRAPS = [InvalidOperation, Overflow]

_DIFFERENCES = Context(prec=200, rounding=ROUND_HALF_EVEN, traps=_TRAPS)
"""Room for every digit of what panes and formulas yield; a mere minus sign would round to fewer."""

_QUOTIENTS = Context(prec=34, rounding=ROUND_HALF_EVEN, traps=_TRAPS)
"""As many digits as formulas have, and room for a larger exponent than theirs."""

_DAY = timedelta(days=1)
_PERIODS = {Against.LAST_MONTH: Period.MONTH, Against.LAST_YEAR: Period.YEAR}


def compared_at(
    against: Against,
    window: Window,
    at_us: int,
    calendar: Calendar,
    *,
    align: Alignment = Alignment.DATE,
    reckoning: Reckoning = GREGORIAN,
    holidays: Sequence[Holiday] = (),
) -> int:
    """The instant at which *window* is what its value at *at_us* is compared with, in microseconds.

    That of a week, month or year before is when the zone's clocks showed the same time: where they jumped
    over it, the first instant after the jump, and where they showed it twice, the first of both. The 31st
    stands for the last day of shorter months, and 29 February for that of other years. Where months and years
    are of whole weeks it is the same weekday of the week with the same number, whatever the alignment. Week
    53 stands beside week 52, and the last week of a longer month beside the last one of a shorter.

    Args:
        against: which one is meant.
        window: only `Against.PREVIOUS` depends on it.
        at_us: the instant of the value.
        calendar: the KPI's zone.
        align: what of the calendar has to meet; of a month or a year only.
        reckoning: which days the KPI's months and years have.
        holidays: where days of the week meet in a year before, one with a name stands beside the day that had
            that name then, if there was one.
    """
    if against is Against.PREVIOUS:
        return earlier(window, at_us, calendar).at_us
    shown = calendar.local(at_us)
    if against is Against.LAST_YEAR and (align is Alignment.WEEKDAY or reckoning.years is not None):
        holiday = a_year_before(holidays, shown.date())
        if holiday is not None:
            return calendar.wall_us(datetime.combine(holiday, shown.time()))
    if reckoning.years is not None and against in _PERIODS:
        day = reckoning.as_far_before(_PERIODS[against], shown.date())
        return calendar.wall_us(datetime.combine(day, shown.time()))
    return calendar.wall_us(_before(shown, against, align))


def _before(
    shown: datetime,
    against: Literal[Against.LAST_WEEK, Against.LAST_MONTH, Against.LAST_YEAR],
    align: Alignment,
) -> datetime:
    by_weekday = align is Alignment.WEEKDAY
    match against:
        case Against.LAST_WEEK:
            return shown - 7 * _DAY
        case Against.LAST_MONTH:
            return shown - 28 * _DAY if by_weekday else _months_before(shown, 1)
        case Against.LAST_YEAR:
            return shown - 364 * _DAY if by_weekday else _months_before(shown, 12)
        case _:
            assert_never(against)


def _months_before(shown: datetime, months: int) -> datetime:
    years, month = divmod(shown.month - 1 - months, 12)
    year, month = shown.year + years, month + 1
    return shown.replace(year=year, month=month, day=min(shown.day, monthrange(year, month)[1]))


def excess_us(window: Window, at_us: int, start_us: int, end_us: int, calendar: Calendar) -> int:
    """By how much [*start_us*, *end_us*), which stands for *window* at *at_us*, is longer than the window.

    Panes of the distant past are coarser, a day at last, and a window consists of whole ones: an hour is a
    day then, and a day up to an instant is all of it.
    """
    return end_us - start_us - _length_us(window, at_us, calendar)


def _length_us(window: Window, at_us: int, calendar: Calendar) -> int:
    if isinstance(window, Sliding):
        return window.length_us
    start_us = calendar.period_start(window.period, at_us, reckoning=window.reckoning)
    match window:
        case ToDate():
            return at_us - start_us
        case Previous():
            return start_us - calendar.period_start(window.period, start_us - 1, reckoning=window.reckoning)
        case _:
            assert_never(window)


def are_alike(length_us: int, excess: int, other_excess: int) -> bool:
    """Whether rounding makes a window that is *length_us* long about as much too long as another one.

    What is counted in windows of different lengths cannot be compared.
    """
    return abs(excess - other_excess) * TOLERATED <= length_us


def difference(value: Decimal, base: Decimal) -> Decimal:
    """*value* less *base*, exactly."""
    return _DIFFERENCES.subtract(value, base)


def change(value: Decimal | None, base: Decimal | None) -> Change | None:
    """What became of *base*; None where there is nothing to compare."""
    if value is None or base is None:
        return None
    absolute = difference(value, base)
    relative = _QUOTIENTS.divide(absolute, base.copy_abs()) if base else None
    return Change(absolute, relative)


def judgement(
    value: Decimal | None, base: Decimal | None, *, direction: Direction, target: Decimal | None
) -> Judgement | None:
    """Whether *value* is better than *base*; None where there is nothing to compare.

    Args:
        value: what is judged.
        base: what it is compared with.
        direction: which way is better; of a band, the one of both is that is nearer to the target.
        target: of a band, what it lies around; without it there is no better.
    """
    if value is None or base is None:
        return None
    merits = merit(value, direction, target), merit(base, direction, target)
    if merits[0] is None or merits[1] is None:
        return None
    if merits[0] == merits[1]:
        return Judgement.SAME
    return Judgement.BETTER if merits[0] > merits[1] else Judgement.WORSE


def merit(value: Decimal, direction: Direction, target: Decimal | None) -> Decimal | None:
    """A number that is the larger the better *value* is; None of a band without a target.

    Args:
        value: what is judged.
        direction: which way is better.
        target: of a band, what it lies around.
    """
    match direction:
        case Direction.UP:
            return value
        case Direction.DOWN:
            return value.copy_negate()
        case Direction.BAND:
            return None if target is None else difference(value, target).copy_abs().copy_negate()
        case _:
            assert_never(direction)
