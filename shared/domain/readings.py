"""A KPI's value over a window at an instant, and how it follows from the partials of its panes; pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from shared.domain.aggregates import EMPTY, Aggregate, Partial, Rule, finalise
from shared.domain.business_hours import BusinessHours
from shared.domain.calendars import Calendar
from shared.domain.windows import (
    Interval,
    Previous,
    Rung,
    Sliding,
    Span,
    Window,
    ahead,
    begins_with,
    cover,
    far_ahead,
    grain,
    interval,
    last_instant,
)

Dimensions = Mapping[str, str | None]
"""A combination of dimension values by name; empty is the total."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A KPI over a window at an instant.

    Attributes:
        value: None where there is no data for it; counts and sums of nothing are 0.
        n: how many events went into it; for a formula, into the KPIs it is made of, as they are at the
            instant and for these dimensions: what `prev` and `total` add is left out.
        window_start: the first instant of the window.
        window_end: the instant the window ends before.
        as_of: everything that had reached the clean topic before this instant is counted.
        complete: the watermark has passed the window's end.
        valid_until: up to here the value stays if no event comes; None is for ever.
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
        follows: the instant is past, but moves on with the present.
    """

    window: Window
    at_us: int
    finest: Rung
    zone: str
    follows: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """How a question is answered: the interval it stands for and the panes that make it up.

    Attributes:
        ahead: panes after the end that later instants will include; none where the instant rests in the past.
        named_us: how long the window's name says it is, in microseconds; None where that is not said, or
            where panes coarser than the window's own stand for it.
    """

    whole: Interval
    spans: tuple[Span, ...]
    ahead: tuple[Span, ...]
    named_us: int | None = None


def plan(question: Question, *, now_us: int) -> Plan:
    """The panes that answer *question* as seen at *now_us*."""
    calendar = Calendar(question.zone)
    whole = interval(
        question.window, question.at_us, finest=question.finest, now_us=now_us, calendar=calendar
    )
    spans = cover(whole, now_us=now_us, calendar=calendar)
    later = _later(question, whole, now_us=now_us, calendar=calendar)
    return Plan(whole, spans, later, _named_us(question, whole, now_us=now_us, calendar=calendar))


def _later(question: Question, whole: Interval, *, now_us: int, calendar: Calendar) -> tuple[Span, ...]:
    if question.follows or (isinstance(question.window, Previous) and question.at_us >= now_us):
        return far_ahead(whole, now_us=now_us, calendar=calendar)
    return (ahead(whole),) if question.at_us >= now_us else ()


def _named_us(question: Question, whole: Interval, *, now_us: int, calendar: Calendar) -> int | None:
    window, finest = question.window, question.finest
    if not isinstance(window, Sliding) or whole.finest is not finest:
        return None
    begins = begins_with(window, question.at_us, finest, now_us=now_us, calendar=calendar)
    return window.length_us if begins is max(grain(window), finest) else None


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

    @property
    def is_silent(self) -> bool:
        """Whether there is nothing within the window or after it, so that no later instant finds anything."""
        return self.first_us is None and self.ahead_us is None


NOTHING = Answer(EMPTY, None, None)


def value_of(answer: Answer, rule: Rule, *, at_us: int, length_us: int) -> Decimal | None:
    """The value of *answer* under *rule*, at the instant asked about and over a window that long."""
    return finalise(answer.partial, rule, at_us=at_us, length_us=length_us)


def measured_us(planned: Plan, zone: str, hours: BusinessHours | None) -> int:
    """How long the window is that a rate divides by, in microseconds; of *hours*, only the time in them.

    A sliding window is as long as it says, unless panes coarser than its own stand for it: then it is as
    long as these, as every other window is.
    """
    whole = planned.whole
    if hours is not None:
        return hours.time_within(whole.start_us, whole.end_us, Calendar(zone))
    return whole.end_us - whole.start_us if planned.named_us is None else planned.named_us


def stays_until(question: Question, answer: Answer, *, now_us: int) -> int | None:
    """The last instant at which the window still has exactly the events of *answer*; None is for ever.

    Args:
        question: what was asked.
        answer: what the panes said.
        now_us: when they were read.
    """
    if answer.is_silent:
        return None
    if answer.first_us is None and not isinstance(question.window, Previous):
        return answer.ahead_us
    leaves_us = last_instant(
        question.window, question.at_us, answer.first_us or 0, finest=question.finest,
        age_us=now_us - question.at_us, calendar=Calendar(question.zone),
    )  # fmt: skip
    enters_us = None if isinstance(question.window, Previous) else answer.ahead_us
    return max(leaves_us if enters_us is None else min(leaves_us, enters_us), question.at_us)


def holds_until(
    question: Question, planned: Plan, answer: Answer, aggregate: Aggregate, hours: BusinessHours | None
) -> int | None:
    """The last instant at which the same events make the same value; None is for ever.

    The time since the last event is another at every instant; a rate is, whenever the time changes that it
    is divided by, and even the rate of nothing is where that comes to be no time at all, or ceases to.
    """
    if aggregate is Aggregate.TIME_SINCE_LAST and answer.partial.n:
        return question.at_us
    if aggregate is not Aggregate.RATE:
        return None
    window, whole, is_empty = question.window, planned.whole, not answer.partial.n
    if isinstance(window, Sliding):
        rests = planned.named_us is not None or is_empty
        return None if hours is None and rests else whole.end_us
    calendar = Calendar(question.zone)
    period_us = calendar.next_period_start(window.period, question.at_us, reckoning=window.reckoning) - 1
    if isinstance(window, Previous):
        return None if hours is None else period_us
    grows = not is_empty or hours is not None or whole.start_us == whole.end_us
    return min(whole.end_us, period_us) if grows else period_us
