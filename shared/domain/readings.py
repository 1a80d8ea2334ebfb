"""A KPI's value over a window at an instant, and how it follows from the partials of its panes; pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from shared.domain.aggregates import EMPTY, Aggregate, Partial, finalise
from shared.domain.calendars import Calendar
from shared.domain.windows import (
    DAY_US,
    Interval,
    Rung,
    Span,
    Window,
    cover,
    interval,
    next_change,
)

Dimensions = Mapping[str, str | None]
"""A combination of dimension values by name; empty is the total."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A KPI over a window at an instant.

    Attributes:
        value: None where there is no data for it; counts and sums of nothing are 0.
        n: how many events went into it; for a formula, into the KPIs it is made of.
        window_start: the first instant of the window.
        window_end: the instant the window ends before.
        as_of: everything that had reached the clean topic before this instant is counted.
        complete: the watermark has passed the window's end.
        valid_until: when the value may change although no event comes; None is never.
    """

    slug: str
    version: int
    window: str
    dimensions: Dimensions
    value: Decimal | None
    n: int
    window_start: datetime
    window_end: datetime
    as_of: datetime
    complete: bool
    valid_until: datetime | None


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of the panes of one measure: a window at an instant.

    Attributes:
        finest: the finest rung of the measure.
        zone: where its days begin.
    """

    window: Window
    at_us: int
    finest: Rung
    zone: str


@dataclass(frozen=True, slots=True)
class Plan:
    """How a question is answered: the interval it stands for and the panes that make it up.

    Attributes:
        ahead: the panes after the end that a later instant will include; None for an instant of the past.
    """

    whole: Interval
    spans: tuple[Span, ...]
    ahead: Span | None


AHEAD_US = DAY_US
"""How far after the end of a window events may already be counted: the clocks that judged them may be ahead.

One look at the index finds the earliest of them, however long the stretch.
"""


def plan(question: Question, *, now_us: int) -> Plan:
    """The panes that answer *question* as seen at *now_us*."""
    calendar = Calendar(question.zone)
    whole = interval(
        question.window, question.at_us, finest=question.finest, now_us=now_us, calendar=calendar
    )
    spans = cover(whole, now_us=now_us, calendar=calendar)
    end_us = whole.end_us
    ahead = Span(question.finest, end_us, end_us + AHEAD_US) if question.at_us >= now_us else None
    return Plan(whole, spans, ahead)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the panes of one series said to a question.

    Attributes:
        first_us: start of the oldest pane that is not empty; None without one.
        ahead_us: start of the earliest pane that is not empty after the end of the window.
    """

    partial: Partial
    first_us: int | None
    ahead_us: int | None


NOTHING = Answer(EMPTY, None, None)


def value_of(answer: Answer, aggregate: Aggregate, *, scale: int) -> Decimal | None:
    """The value of *answer* under *aggregate*."""
    return finalise(answer.partial, aggregate, scale=scale)


def changes_at(question: Question, answer: Answer) -> int | None:
    """The instant after which the answer may differ although no event comes; None is never."""
    instants = [answer.ahead_us] if answer.ahead_us is not None else []
    if answer.first_us is not None:
        calendar = Calendar(question.zone)
        change = next_change(question.window, answer.first_us, finest=question.finest, calendar=calendar)
        instants.append(max(change, question.at_us))
    return min(instants, default=None)
