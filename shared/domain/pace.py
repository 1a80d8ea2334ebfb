"""How a period is going before it is over: what should have come by now, and where it will end; pure laws.

Only of KPIs that add up over time; a mean of half a month says nothing of the other half.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from shared.domain.calendars import Calendar
from shared.domain.targets import Direction
from shared.domain.targets.schedules import as_decimal
from shared.domain.windows import DAY_US, ToDate

LEAST_EARLIER = 2
"""With fewer earlier periods their course may be chance, and time alone is taken for it."""

MOST_EARLIER = 8
"""How many earlier periods are asked: two months of weeks, a week of days, and as many months as are kept."""


class ProjectionMethod(StrEnum):
    """How the end of a period is projected."""

    RUN_RATE = "run_rate"
    """It goes on as it went: as much per time."""
    SEASONAL = "seasonal"
    """It goes on as earlier periods did from the same point on."""


class Reason(StrEnum):
    """Why a projection was made as it was, or not at all."""

    EARLIER_PERIODS = "earlier_periods"
    """There are enough earlier periods to go by."""
    TOO_FEW_PERIODS = "too_few_periods"
    """There are not, so that time alone is gone by."""
    NOT_ADDITIVE = "not_additive"
    """The KPI does not add up over time, so that the value of a part says nothing of the whole."""
    NO_DATA = "no_data"
    JUST_BEGUN = "just_begun"
    """No time has passed, and no earlier period had anything by then."""


@dataclass(frozen=True, slots=True)
class Span:
    """A period, and how much of it is over: [start_us, end_us) up to *until_us*, in microseconds."""

    start_us: int
    end_us: int
    until_us: int

    @property
    def elapsed(self) -> Fraction:
        """The part of the time that is over, 0 to 1."""
        return Fraction(self.until_us - self.start_us, self.end_us - self.start_us)


@dataclass(frozen=True, slots=True)
class Earlier:
    """An earlier period.

    Attributes:
        done: its value at the same point; None where there is none that can be compared.
        total: its value at its end.
    """

    start_us: int
    end_us: int
    done: Decimal | None
    total: Decimal | None

    @property
    def share(self) -> Fraction | None:
        """The part of its total that it had done; None unless that is a part, from 0 to 1."""
        if self.done is None or not self.total:
            return None
        share = Fraction(self.done) / Fraction(self.total)
        return share if 0 <= share <= 1 else None


@dataclass(frozen=True, slots=True)
class Projection:
    """What a period will come to.

    Attributes:
        value: None where nothing can be said, for *reason*.
        low, high: what it would be if the period went as the earlier one that was furthest, or least far,
            by the same point; None unless *method* is seasonal, and high where that one had done nothing.
    """

    value: Decimal | None
    method: ProjectionMethod | None
    reason: Reason
    low: Decimal | None = None
    high: Decimal | None = None


def span_of(window: ToDate, start_us: int, end_us: int, *, now_us: int, calendar: Calendar) -> Span:
    """The period of *window* that began at *start_us*, over up to where events may have come.

    Args:
        window: longer than an hour, for hours are rounded to panes.
        start_us: the begin of the window.
        end_us: the end of the window, which may lie ahead by less than a pane.
        now_us: as seen from when.
        calendar: the KPI's zone.
    """
    following = calendar.next_period_start(window.period, start_us, reckoning=window.reckoning)
    return Span(start_us, following, max(min(end_us, now_us, following), start_us))


def same_points(
    window: ToDate, at_us: int, calendar: Calendar, *, since_us: int
) -> list[tuple[int, int, int]]:
    """Earlier periods since *since_us*, nearest first: begin, end, and the instant as far into each.

    That is as many local days in and at the same time by the clock, as `prev` has it, and the last instant
    of a period that is shorter.
    """
    start_us = calendar.period_start(window.period, at_us, reckoning=window.reckoning)
    days, clock = calendar.day_of(at_us) - calendar.day_of(start_us), calendar.local(at_us).time()
    found: list[tuple[int, int, int]] = []
    end_us = start_us
    while len(found) < MOST_EARLIER:
        begin_us = calendar.period_start(window.period, end_us - 1, reckoning=window.reckoning)
        if begin_us < since_us:
            break
        point_us = calendar.wall_us(datetime.combine(calendar.day_of(begin_us) + days, clock))
        found.append((begin_us, end_us, max(min(point_us, end_us - 1), begin_us)))
        end_us = begin_us
    return found


def projected(value: Decimal | None, span: Span, earlier: Sequence[Earlier]) -> Projection:
    """What the period of *span* will come to, of which *value* is there.

    Seasonal where at least `LEAST_EARLIER` earlier periods can be compared and had something: the value
    divided by the share of all their totals that they had done by the same point. By run rate otherwise:
    the value divided by the part of the time that is over.
    """
    if value is None:
        return Projection(None, None, Reason.NO_DATA)
    if span.until_us == span.end_us:
        return Projection(value, ProjectionMethod.RUN_RATE, Reason.TOO_FEW_PERIODS)
    usable = [each for each in earlier if each.share is not None]
    done = sum((Fraction(each.done or 0) for each in usable), Fraction(0))
    total = sum((Fraction(each.total or 0) for each in usable), Fraction(0))
    if len(usable) >= LEAST_EARLIER and done and 0 < done / total <= 1:
        shares = [each.share for each in usable if each.share is not None]
        return Projection(
            as_decimal(Fraction(value) * total / done),
            ProjectionMethod.SEASONAL,
            Reason.EARLIER_PERIODS,
            *_range(value, shares),
        )
    if not span.elapsed:
        return Projection(None, None, Reason.JUST_BEGUN)
    return Projection(
        as_decimal(Fraction(value) / span.elapsed), ProjectionMethod.RUN_RATE, Reason.TOO_FEW_PERIODS
    )


def _range(value: Decimal, shares: Sequence[Fraction]) -> tuple[Decimal | None, Decimal | None]:
    least, most = min(shares), max(shares)
    ends = [None if not share else as_decimal(Fraction(value) / share) for share in (most, least)]
    return ends[0], ends[1]


def expected_evenly(target: Decimal, span: Span) -> Decimal:
    """What an amount of the whole period should have come to by now, if it came evenly with time."""
    return as_decimal(Fraction(target) * span.elapsed)


def rate_per_day(value: Decimal, span: Span) -> Decimal | None:
    """How much came in 24 hours so far; None where no time has passed."""
    passed_us = span.until_us - span.start_us
    return as_decimal(Fraction(value) * DAY_US / passed_us) if passed_us else None


def required_per_day(value: Decimal, target: Decimal, span: Span, direction: Direction) -> Decimal | None:
    """How much has to come in 24 hours of the rest to reach *target* just; None where no time is left.

    With the direction up it is never negative: what is reached needs no more. With down it is what may still
    come, and negative where too much has come already.
    """
    left_us = span.end_us - span.until_us
    if not left_us:
        return None
    left = Fraction(target) - Fraction(value)
    if direction is Direction.UP:
        left = max(left, Fraction(0))
    return as_decimal(left * DAY_US / left_us)
