"""What a value means and how it was worked out, in words for people; it works nothing out itself."""

from decimal import Context, Decimal

from shared.domain.aggregates import (
    PER_US,
    Aggregate,
    Distinct,
    Ends,
    Numbers,
    Partial,
    Per,
    Squares,
)
from shared.domain.business_hours import DAYS, BusinessHours
from shared.domain.definitions import Kpi
from shared.domain.expressions.spelling import number_text
from shared.domain.targets import Direction, Judgement, Status

_UNROUNDED = Context(prec=100)
"""More digits than any sum of values has."""

_OF_VALUES = {
    Aggregate.SUM: "the sum of the values, 0 without events",
    Aggregate.AVG: "the sum of the values divided by how many there are, to 34 digits",
    Aggregate.MIN: "the smallest value",
    Aggregate.MAX: "the largest value",
    Aggregate.FIRST: "the value of the earliest event, of two at one instant that of the smaller key",
    Aggregate.LAST: "the value of the latest event, of two at one instant that of the larger key",
    Aggregate.STDDEV: "the standard deviation of a sample of the values, to 34 digits",
    Aggregate.DISTINCT: "how many different values there are, exactly up to 1,024 and within 2 % above",
    Aggregate.TIME_SINCE_LAST: "the seconds from the latest event to the instant",
}

_PER = {Per.SECOND: "second", Per.MINUTE: "minute", Per.HOUR: "hour"}


def shown(scaled: int, scale: int) -> Decimal:
    """The number that an integer at *scale* decimals stands for, exactly."""
    return Decimal(scaled).scaleb(-scale, _UNROUNDED)


def rule_in_words(kpi: Kpi) -> str:
    """How *kpi* makes a number of its events, or of other KPIs."""
    if kpi.aggregate is None:
        return "worked out of other KPIs, to 34 digits; no data where one of them has none, or to divide by 0"
    rounding = ""
    if kpi.value is not None and kpi.aggregate is not Aggregate.DISTINCT:
        rounding = f"; each value rounded half to even, to {kpi.scale} decimals"
    return f"{_aggregate_in_words(kpi, kpi.aggregate)}{rounding}"


def _aggregate_in_words(kpi: Kpi, aggregate: Aggregate) -> str:
    match aggregate:
        case Aggregate.COUNT:
            return "how many events there are" + (" that have the value" if kpi.value else "")
        case Aggregate.RATE:
            what = "how many events there are" if kpi.value is None else "the sum of the values"
            hours = "" if kpi.business_hours is None else ", business hours only"
            return f"{what} per {_PER[kpi.per or Per.SECOND]} of the window{hours}, to 34 digits"
        case Aggregate.PERCENTILE:
            percent = number_text(kpi.percentile)
            return f"the value that {percent} % of the values do not exceed, within 1 % of it"
        case _:
            return _OF_VALUES[aggregate]


def hours_in_words(hours: BusinessHours, zone: str) -> str:
    """When *hours* are, by the clocks of *zone*."""
    days = ", ".join(DAYS[day] for day in hours.days)
    closed = ", closed on holidays" if hours.closed else ""
    return f"{days} {_clock(hours.from_minute)} to {_clock(hours.to_minute)} ({zone}){closed}"


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def arithmetic_in_words(kpi: Kpi, partial: Partial, value: Decimal | None, *, length_us: int) -> str:
    """The last step from what the events come to, to the *value* of a KPI of events.

    Args:
        kpi: whose value it is.
        partial: what the events come to.
        value: as told.
        length_us: how long the window is; only a rate is divided by it.
    """
    result, rule, n = number_text(value), kpi.rule, partial.n
    match partial:
        case Numbers() if rule.aggregate is Aggregate.AVG:
            return f"{number_text(shown(partial.total, rule.scale))} / {n} = {result}"
        case Numbers() if rule.aggregate is Aggregate.RATE:
            whole = shown(partial.total if rule.has_value else n, rule.scale if rule.has_value else 0)
            seconds, per = (number_text(shown(us, 6).normalize()) for us in (length_us, PER_US[rule.per]))
            return f"{number_text(whole)} / {seconds} s * {per} s = {result}"
        case Squares() if n > 1:
            total, squares = shown(partial.total, rule.scale), shown(partial.squares, 2 * rule.scale)
            below = f"({n} * {n - 1})"
            return f"sqrt(({n} * {number_text(squares)} - ({number_text(total)}) ** 2) / {below}) = {result}"
        case Distinct():
            kind = "estimated" if partial.registers is not None else "counted"
            return f"{result} different values, {kind}, in {n} events"
        case Ends() if rule.aggregate is Aggregate.TIME_SINCE_LAST:
            return f"{result} s since the latest of {n} events"
        case _:
            return f"{_NAMES.get(rule.aggregate, rule.aggregate.value)} of {n} events = {result}"


_NAMES = {
    Aggregate.MIN: "smallest value",
    Aggregate.MAX: "largest value",
    Aggregate.FIRST: "first value",
    Aggregate.LAST: "last value",
    Aggregate.STDDEV: "standard deviation",
}


def judgement_in_words(
    judgement: Judgement, value: Decimal | None, direction: Direction, *, origin: str = ""
) -> str:
    """By which rule *value* has the status of *judgement*.

    Args:
        judgement: how it stands to its target.
        value: what is judged.
        direction: which way is better.
        origin: where the target comes from, in words; empty where there is nothing to say.
    """
    if judgement.status is Status.NO_TARGET:
        return "nothing is aimed at there and then"
    if judgement.target is None:
        return f"the target{f', {origin},' if origin else ''} follows something that has no data"
    aim = f"{number_text(judgement.target)} is the target{f', {origin}' if origin else ''}"
    told = f"{aim}: {_aim_in_words(judgement, direction)}"
    return f"{told}; {number_text(value)} is {judgement.status.replace('_', ' ')}"


def _aim_in_words(judgement: Judgement, direction: Direction) -> str:
    warning = judgement.warning
    if direction is Direction.BAND:
        around = number_text(judgement.tolerance or Decimal(0))
        risk = "" if warning is None else f", at risk up to {number_text(warning)} away from it"
        return f"on track up to {around} away from it{risk}; nearer is better"
    than = "or more" if direction is Direction.UP else "or less"
    risk = "" if warning is None else f", at risk from {number_text(warning)}"
    return f"on track with that {than}{risk}; {direction.value} is better"
