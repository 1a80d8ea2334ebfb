"""Targets that change with time: values from a day on, lines between days, and amounts spread over periods.

Numbers are fractions until the last step: the parts of a period add up to its target exactly.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache

from shared.domain.calendars import Calendar
from shared.domain.reckonings import GREGORIAN, Period, Reckoning
from shared.domain.targets.judging import QUOTIENT

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Step:
    """What holds from the begin of a local day until the next step; a value of None is no target."""

    first: date
    value: Decimal | None
    warning: Decimal | None = None


Steps = tuple[Step, ...]
"""Each later than the one before it."""


@dataclass(frozen=True, slots=True)
class Point:
    """A value that a line goes through at the begin of a local day."""

    on: date
    value: Decimal


@dataclass(frozen=True, slots=True)
class Phasing:
    """How the target of each period is spread over its days; days count by their weights.

    Attributes:
        every: how long the periods are: a day or longer.
        reckoning: which days these have.
        weekdays: the weights of the days of the week, Monday first.
        months: the weights of the months, or of those that stand for them, January first; that of a
            day is the product of both.
        days: the weights of single days, in place of that product.
    """

    every: Period
    reckoning: Reckoning = GREGORIAN
    weekdays: tuple[Decimal, ...] = (Decimal(1),) * 7
    months: tuple[Decimal, ...] = (Decimal(1),) * 12
    days: tuple[tuple[date, Decimal], ...] = ()


@dataclass(frozen=True, slots=True)
class Amount:
    """What a target comes to over a stretch of time.

    Attributes:
        warning: where every period of the stretch has one.
        periods: how many periods the stretch is worth, parts of them included.
    """

    value: Fraction
    warning: Fraction | None
    periods: Fraction


def as_decimal(number: Fraction) -> Decimal:
    """*number* to 34 digits, half-even."""
    return QUOTIENT.divide(Decimal(number.numerator), Decimal(number.denominator))


def step_at(steps: Steps, day: date) -> Step | None:
    """The step that holds on *day*; None before the first one, and where that says there is no target."""
    place = bisect_right(steps, day, key=lambda step: step.first) - 1
    return None if place < 0 or steps[place].value is None else steps[place]


def on_line(points: Sequence[Point], at_us: int, calendar: Calendar) -> Fraction | None:
    """The value at *at_us* of the line through *points*; None before the first, flat after the last.

    Between two points it goes evenly with the time that passes, whatever the clocks do meanwhile.
    """
    edges = [calendar.wall_us(point.on) for point in points]
    place = bisect_right(edges, at_us) - 1
    if place < 0:
        return None
    value = Fraction(points[place].value)
    if place == len(points) - 1:
        return value
    done = Fraction(at_us - edges[place], edges[place + 1] - edges[place])
    return value + (Fraction(points[place + 1].value) - value) * done


def spread(steps: Steps, phasing: Phasing, start_us: int, end_us: int, calendar: Calendar) -> Amount | None:
    """The part of the targets of *steps*, one for each period, that falls to [*start_us*, *end_us*).

    Within a day time counts evenly. None where a period that the stretch touches has no target, or no day
    with a weight.
    """
    first = _period_first(phasing, calendar.day_of(start_us))
    last = _period_first(phasing, calendar.day_of(max(end_us - 1, start_us)))
    if first == last:
        until, before = (_done(phasing, first, at_us, calendar) for at_us in (end_us, start_us))
        return None if until is None or before is None else _times(step_at(steps, first), until - before)
    begun, ended = _done(phasing, first, start_us, calendar), _done(phasing, last, end_us, calendar)
    if begun is None or ended is None:
        return None
    parts = [_times(step_at(steps, first), 1 - begun), _times(step_at(steps, last), ended)]
    between = _between(steps, phasing, phasing.reckoning.next_first_day(phasing.every, first), last)
    return _added([*parts, *between])


def _between(steps: Steps, phasing: Phasing, first: date, last: date) -> list[Amount | None]:
    """The whole periods from *first* up to *last*, in one amount for each step."""
    found: list[Amount | None] = []
    while first < last:
        after = next((step.first for step in steps if step.first > first), last)
        until = min(after, last)
        found.append(
            _times(step_at(steps, first), Fraction(phasing.reckoning.between(phasing.every, first, until)))
        )
        first = until
    return found


def _times(step: Step | None, share: Fraction) -> Amount | None:
    if step is None or step.value is None:
        return None
    warning = None if step.warning is None else Fraction(step.warning) * share
    return Amount(Fraction(step.value) * share, warning, share)


def _added(amounts: Sequence[Amount | None]) -> Amount | None:
    found = [amount for amount in amounts if amount is not None]
    if len(found) < len(amounts):
        return None
    warnings = [amount.warning for amount in found if amount.warning is not None]
    warning = sum(warnings, Fraction(0)) if len(warnings) == len(found) else None
    value = sum((amount.value for amount in found), Fraction(0))
    return Amount(value, warning, sum((amount.periods for amount in found), Fraction(0)))


def _period_first(phasing: Phasing, day: date) -> date:
    return phasing.reckoning.first_day(phasing.every, day)


def _done(phasing: Phasing, first: date, at_us: int, calendar: Calendar) -> Fraction | None:
    """Which part of the period that begins on *first* is over at *at_us*; None where no day has a weight."""
    shares = _shares(phasing, first)
    if shares is None:
        return None
    day = calendar.day_of(at_us)
    passed = (day - first).days
    if passed >= len(shares) - 1:
        return Fraction(1)
    begin_us, end_us = calendar.wall_us(day), calendar.wall_us(day + _DAY)
    within = Fraction(at_us - begin_us, end_us - begin_us)
    return shares[passed] + (shares[passed + 1] - shares[passed]) * within


@lru_cache(maxsize=4096)
def _shares(phasing: Phasing, first: date) -> tuple[Fraction, ...] | None:
    """The part of the period that is over before each of its days, and 1 at the end."""
    following = phasing.reckoning.next_first_day(phasing.every, first)
    single = dict(phasing.days)
    totals = [Fraction(0)]
    for number in range((following - first).days):
        day = first + number * _DAY
        usual = Fraction(phasing.weekdays[day.weekday()]) * Fraction(
            phasing.months[phasing.reckoning.month_of(day) - 1]
        )
        totals.append(totals[-1] + (Fraction(single[day]) if day in single else usual))
    return tuple(total / totals[-1] for total in totals) if totals[-1] else None
