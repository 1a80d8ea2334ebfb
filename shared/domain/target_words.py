"""Where the target of a value comes from, in words for people; it works no target out."""

from collections.abc import Collection
from datetime import date
from itertools import pairwise
from typing import assert_never

from shared.domain.calendars import Calendar, instant_us
from shared.domain.definitions import Kpi
from shared.domain.expressions.spelling import number_text
from shared.domain.readings import Reading
from shared.domain.targets import (
    Base,
    Fixed,
    Follow,
    Goal,
    Point,
    Ramp,
    Spread,
    Stepped,
    goal_for,
    stretch_of,
)
from shared.domain.targets.schedules import step_at

_BASES = {
    Base.SAME: "over the same window",
    Base.PREVIOUS: "a period earlier",
    Base.LAST_YEAR: "a year earlier",
}


def origin_in_words(kpi: Kpi, reading: Reading, *, visible: Collection[str]) -> str:
    """Which rule of *kpi* makes the target of *reading*; empty where there is none, or it is one value ever.

    Args:
        kpi: whose reading it is.
        reading: what is held against the target.
        visible: the KPIs that may be named.
    """
    goal = goal_for(kpi.goals, reading.window, reading.dimensions)
    if goal is None:
        return ""
    calendar = Calendar(kpi.zone)
    start_us, end_us = instant_us(reading.window_start), instant_us(reading.window_end)
    stretch = stretch_of(kpi.window_of(reading.window), start_us, end_us, calendar)
    told = _rule_in_words(goal, calendar.day_of(stretch.last_us), visible)
    named = ", ".join(f"{name}={value or ''}" for name, value in goal.dimensions)
    return " ".join(part for part in (told, f"for {named}" if named else "") if part)


def _rule_in_words(goal: Goal, day: date, visible: Collection[str]) -> str:
    match goal.rule:
        case Fixed():
            return ""
        case Stepped(steps, times, benchmark):
            step = step_at(steps, day)
            since = "" if step is None else f"from {step.first} on"
            if benchmark is None:
                return since
            return f"{_times(number_text(times))}what the benchmark {benchmark!r} has {since}".rstrip()
        case Spread(steps, phasing):
            first = phasing.reckoning.first_day(phasing.every, day)
            step = step_at(steps, first)
            amount = number_text(None if step is None else step.value)
            return f"the share of the window in {amount} for the {phasing.every.value} from {first} on"
        case Ramp(points):
            return _line_in_words(points, day)
        case Follow(slug, times, base, is_total):
            name = slug if slug in visible else "another KPI"
            whole = "the total of " if is_total else ""
            return f"{_times(number_text(times))}{whole}{name} {_BASES[base]}"
        case _:
            assert_never(goal.rule)


def _times(text: str) -> str:
    return "" if text == "1" else f"{text} times "


def _line_in_words(points: tuple[Point, ...], day: date) -> str:
    for one, other in pairwise(points):
        if one.on <= day < other.on:
            values = number_text(one.value), number_text(other.value)
            return f"on the line from {values[0]} on {one.on} to {values[1]} on {other.on}"
    return f"from {points[-1].on} on, where the line ends"
