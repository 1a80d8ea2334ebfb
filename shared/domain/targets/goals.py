"""Which target holds for a window of a series, and what it comes to there; it reads no value of any KPI."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import assert_never

from shared.domain.calendars import Calendar
from shared.domain.readings import Dimensions
from shared.domain.reckonings import Period
from shared.domain.targets.judging import EXACT, Aim, Direction, Kind
from shared.domain.targets.schedules import (
    Amount,
    Phasing,
    Point,
    Steps,
    as_decimal,
    on_line,
    spread,
    step_at,
)
from shared.domain.windows import Previous, Sliding, ToDate, Window

ANY = "*"
"""In place of the value of a dimension: every value of it."""


class Base(StrEnum):
    """Which value of another KPI a target follows."""

    SAME = "same"
    """That of the same window at the same instant."""
    PREVIOUS = "previous"
    """That of the window one period earlier, as `prev` in a formula means it."""
    LAST_YEAR = "last_year"
    """That of the window at the same local time a year earlier."""


@dataclass(frozen=True, slots=True)
class Fixed:
    """One value, ever."""

    value: Decimal
    warning: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Stepped:
    """A value from a day on, for windows of every length.

    Attributes:
        times: what each is multiplied by.
        benchmark: the name of the series that the steps are taken from; None where they are one's own.
    """

    steps: Steps
    times: Decimal = Decimal(1)
    benchmark: str | None = None


@dataclass(frozen=True, slots=True)
class Spread:
    """An amount for each period, of which a window has its share."""

    steps: Steps
    phasing: Phasing


@dataclass(frozen=True, slots=True)
class Ramp:
    """The line through at least two points."""

    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Follow:
    """The value of a KPI.

    Attributes:
        times: what it is multiplied by.
        is_total: it is that without dimensions, for every series.
    """

    slug: str
    times: Decimal = Decimal(1)
    base: Base = Base.SAME
    is_total: bool = False


Rule = Fixed | Stepped | Spread | Ramp | Follow


@dataclass(frozen=True, slots=True)
class Goal:
    """A rule, and how near to it is near.

    Attributes:
        at_risk: the attainment from which a value that is not on track is at risk, between 0 and 1.
        tolerance: of a band, how far from its middle is on track; of amounts, for each period.
        dimensions: the values that a series must have; `ANY` stands for every value.
    """

    rule: Rule
    at_risk: Decimal | None = None
    tolerance: Decimal | None = None
    dimensions: tuple[tuple[str, str | None], ...] = ()


@dataclass(frozen=True, slots=True)
class Goals:
    """The goals for some windows; for all that no others name, where it names none."""

    windows: tuple[str, ...]
    goals: tuple[Goal, ...]


@dataclass(frozen=True, slots=True)
class Stretch:
    """What a target has to be told for: [start_us, end_us) of a window, in microseconds."""

    start_us: int
    end_us: int

    @property
    def last_us(self) -> int:
        """The instant whose target holds: the last one of the window, or the first of an empty one."""
        return max(self.end_us - 1, self.start_us)


def stretch_of(window: Window, start_us: int, end_us: int, calendar: Calendar) -> Stretch:
    """The stretch that a window, which [*start_us*, *end_us*) stands for, is judged by.

    It is that interval, except that a window to date ends with its period where coarse panes reach beyond.
    """
    if isinstance(window, ToDate) and window.period is not Period.HOUR:
        following = calendar.next_period_start(window.period, start_us, reckoning=window.reckoning)
        return Stretch(start_us, min(end_us, following))
    return Stretch(start_us, end_us)


def instant_of(window: Window, stretch: Stretch) -> int:
    """An instant at which *window* is the one of *stretch*, in microseconds."""
    match window:
        case Previous():
            return stretch.end_us
        case Sliding() | ToDate():
            return stretch.last_us
        case _:
            assert_never(window)


def goal_for(targets: Sequence[Goals], window: str, dimensions: Dimensions) -> Goal | None:
    """The goal of a series over *window*: the one that names most of its dimensions, the first of several.

    A value that is named counts for more than `ANY`.
    """
    own = next((each for each in targets if window in each.windows), None)
    goals = own or next((each for each in targets if not each.windows), None)
    fitting = [] if goals is None else [goal for goal in goals.goals if _fits(goal, dimensions)]
    return max(fitting, key=_rank, default=None)


def _fits(goal: Goal, dimensions: Dimensions) -> bool:
    return all(name in dimensions and value in (ANY, dimensions[name]) for name, value in goal.dimensions)


def _rank(goal: Goal) -> tuple[int, int]:
    return sum(value != ANY for _, value in goal.dimensions), len(goal.dimensions)


def kind_of(rule: Rule) -> Kind:
    """What *rule* follows."""
    match rule:
        case Fixed():
            return Kind.FIXED
        case Stepped(benchmark=name):
            return Kind.BY_PERIOD if name is None else Kind.BENCHMARK
        case Spread():
            return Kind.BY_PERIOD
        case Ramp():
            return Kind.RAMP
        case Follow():
            return Kind.KPI
        case _:
            assert_never(rule)


def aim_of(
    goal: Goal, stretch: Stretch, calendar: Calendar, *, direction: Direction, followed: Decimal | None
) -> Aim | None:
    """What a window of *stretch* has to reach by *goal*; None where there is no target then.

    Args:
        goal: which holds for the window.
        stretch: what the window stands for.
        calendar: the KPI's zone.
        direction: which way is better.
        followed: the value that a `Follow` follows; None where there is no data for it.
    """
    match goal.rule:
        case Fixed(value, warning):
            return _aim(goal, value, warning, direction)
        case Stepped(steps, times):
            step = step_at(steps, calendar.day_of(stretch.last_us))
            if step is None or step.value is None:
                return None
            return _aim(goal, EXACT.multiply(step.value, times), step.warning, direction)
        case Spread(steps, phasing):
            amount = spread(steps, phasing, stretch.start_us, stretch.end_us, calendar)
            return _amount(goal, amount, direction)
        case Ramp(points):
            on_it = on_line(points, stretch.end_us, calendar)
            return None if on_it is None else _aim(goal, as_decimal(on_it), None, direction)
        case Follow(times=times):
            aimed = None if followed is None else EXACT.multiply(followed, times)
            return _aim(goal, aimed, None, direction)
        case _:
            assert_never(goal.rule)


def _amount(goal: Goal, amount: Amount | None, direction: Direction) -> Aim | None:
    if amount is None:
        return None
    warning = None if amount.warning is None else as_decimal(amount.warning)
    if goal.tolerance is not None:
        goal = replace(goal, tolerance=as_decimal(Fraction(goal.tolerance) * amount.periods))
    return _aim(goal, as_decimal(amount.value), warning, direction)


def _aim(goal: Goal, value: Decimal | None, warning: Decimal | None, direction: Direction) -> Aim:
    source = None
    match goal.rule:
        case Follow(slug=name) | Stepped(benchmark=name):
            source = name
    if value is not None and goal.at_risk is not None:
        warning = _warning(goal, value, goal.at_risk, direction)
    return Aim(value, warning, goal.tolerance, kind_of(goal.rule), source)


def _warning(goal: Goal, value: Decimal, at_risk: Decimal, direction: Direction) -> Decimal:
    """The bound at which just *at_risk* of the target is attained."""
    lacking = EXACT.multiply(EXACT.subtract(Decimal(1), at_risk), value.copy_abs())
    match direction:
        case Direction.UP:
            return EXACT.subtract(value, lacking)
        case Direction.DOWN:
            return EXACT.add(value, lacking)
        case Direction.BAND:
            return EXACT.add(goal.tolerance or Decimal(0), lacking)
        case _:
            assert_never(direction)
