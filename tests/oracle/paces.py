"""The pace of a period by brute force: looks at the same point of earlier ones."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from fractions import Fraction

from tests.oracle import calendars, windows
from tests.oracle.targets import Case, Followed, Judged, are_comparable, judged

_INSTANT = timedelta(microseconds=1)
_DAY = timedelta(days=1)

Look = Callable[[datetime], tuple[Fraction | None, Case]]
"""The value of the window at an instant, and what that covers."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How a period is going.

    Attributes:
        expected: how the value stands to what should be there by now.
        whole: how the projection stands to the target of the period.
        projected: None where nothing can be said.
    """

    expected: Judged
    whole: Judged
    projected: Fraction | None
    method: str | None
    required_per_day: Fraction | None


@dataclass(frozen=True, slots=True)
class Question:
    """A window to date at an instant, asked at another.

    Attributes:
        adds_up: whether the KPI is a count, a sum or made of such.
        look: how its values are had.
        followed: how those of others are.
    """

    at: datetime
    now: datetime
    adds_up: bool
    look: Look
    followed: Followed


def pace(question: Question) -> Pace:
    """How the period of *question* is going."""
    value, case = question.look(question.at)
    period_end = calendars.end(_period(case), case.start, case.kpi.zone, case.kpi.years)
    until = max(min(case.end, question.now, period_end), case.start)
    elapsed = Fraction((until - case.start) // _INSTANT, (period_end - case.start) // _INSTANT)
    whole = replace(case, end=period_end)
    if not question.adds_up:
        found = judged(case, value, question.followed)
        goal = judged(whole, None, question.followed)
        return Pace(found, replace(goal, attainment=None), None, None, None)
    projected, method = _projected(question, value, case, elapsed)
    goal = judged(whole, projected, _at_the_end(question, case))
    required = None
    if value is not None and goal.target is not None and until < period_end:
        left = goal.target - value
        left = max(left, Fraction(0)) if case.kpi.direction == "up" else left
        required = left / Fraction((period_end - until) // _INSTANT, _DAY // _INSTANT)
    return Pace(_expected(question, value, case, until, elapsed, whole), goal, projected, method, required)


def _period(case: Case) -> str:
    return windows.TO_DATE[case.window][0]


def _at_the_end(question: Question, case: Case) -> Followed:
    """The values of others at the end of the period that holds the instant; none of the present one."""

    def followed(slug: str, dimensions: object, then: datetime) -> Fraction | None:
        if then >= case.start:
            return None
        end = calendars.end(_period(case), then, case.kpi.zone, case.kpi.years)
        return question.followed(slug, dimensions, end - _INSTANT)  # type: ignore[arg-type]

    return followed


def _expected(  # noqa: PLR0917 - one question, whose parts are all small
    question: Question,
    value: Fraction | None,
    case: Case,
    until: datetime,
    elapsed: Fraction,
    whole: Case,
) -> Judged:
    rule = case.rule
    if rule is None or "kpi" in rule:
        return judged(case, value, question.followed)
    if "phasing" in rule:
        return judged(replace(case, end=until), value, question.followed)
    return judged(whole, value, question.followed, part=elapsed)


def _projected(
    question: Question, value: Fraction | None, case: Case, elapsed: Fraction
) -> tuple[Fraction | None, str | None]:
    if value is None:
        return None, None
    shares = [
        (done, total)
        for done, total in _earlier(question, case)
        if done is not None and total and 0 <= done / total <= 1
    ]
    done, total = sum(done for done, _ in shares), sum(total for _, total in shares)
    if elapsed < 1 and len(shares) > 1 and done and 0 < Fraction(done) / total <= 1:
        return value * total / done, "seasonal"
    return (value / elapsed, "run_rate") if elapsed else (None, None)


def _earlier(question: Question, case: Case) -> list[tuple[Fraction | None, Fraction | None]]:
    """What up to eight earlier periods had by the same point, if that can be compared, and at their ends."""
    found: list[tuple[Fraction | None, Fraction | None]] = []
    calendar = case.kpi.zone, case.kpi.years
    end = calendars.begin(_period(case), question.at, *calendar)
    while len(found) < 8:
        begin = calendars.begin(_period(case), end - _INSTANT, *calendar)
        if begin < question.now - 400 * _DAY:
            break
        point = calendars.as_far_in(_period(case), question.at, begin, *calendar)
        done, there = question.look(point)
        total, _ = question.look(end - _INSTANT)
        found.append((done if are_comparable(case, there, point) else None, total))
        end = begin
    return found
