"""Where a KPI is heading over points of its history, and how sure that is: statistics; it reads nothing.

Values stay decimals: they are ordered, and told, exactly. Only the slope and the significance are floats.
"""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_EVEN, Context, Decimal
from enum import StrEnum
from itertools import islice, pairwise, takewhile

import numpy as np

from shared.domain.calendars import Calendar
from shared.domain.comparisons import TOLERATED, Judgement, difference, merit
from shared.domain.reckonings import Period
from shared.domain.targets import Direction
from shared.domain.windows import ToDate, Window, earlier

LEAST_POINTS = 8
"""With fewer points there is no significance: the normal approximation of S is too coarse for them."""

SIGNIFICANT = 0.05
"""A trend is one if chance alone would make as clear a one in fewer than a twentieth of all histories."""

_WIDEST = 1e280
"""Values further apart than this have no slope: their quotients would leave the range of floats."""

_DAY = timedelta(days=1)
_SHARES = Context(prec=34, rounding=ROUND_HALF_EVEN)


class Course(StrEnum):
    """Where values are heading."""

    RISING = "rising"
    FALLING = "falling"
    STEADY = "steady"
    """Neither is significant."""
    UNKNOWN = "unknown"
    """There are too few values to say."""


@dataclass(frozen=True, slots=True)
class Point:
    """A value at an instant."""

    at: datetime
    value: Decimal


@dataclass(frozen=True, slots=True)
class Trend:
    """What a history comes to.

    Attributes:
        n: how many points had a value.
        slope_per_day: by Theil and Sen; None with fewer than two points.
        p_value: by Mann and Kendall; None with fewer than `LEAST_POINTS`.
        judgement: whether that is for the better; None where it is unknown, and of a band without a target.
        best: the best point by the direction, the latest of equal ones.
        worst: the same of the worst.
        percentile: which share of the earlier values is at or below the newest one, from 0 to 1; None where
            the newest instant has no value, or no earlier one has.
    """

    n: int
    slope_per_day: float | None
    p_value: float | None
    course: Course
    judgement: Judgement | None
    best: Point | None
    worst: Point | None
    percentile: Decimal | None


def trend(
    instants: Sequence[datetime],
    values: Sequence[Decimal | None],
    *,
    direction: Direction,
    target: Decimal | None,
) -> Trend:
    """What *values* at *instants*, oldest first, come to; those that are None are left out.

    Args:
        instants: each later than the one before it.
        values: as many.
        direction: which way is better; of a band, towards *target*.
        target: of a band, what it lies around.
    """
    points = [Point(at, each) for at, each in zip(instants, values, strict=True) if each is not None]
    known = [point.value for point in points]
    p_value = significance(known)
    merits = [merit(each, direction, target) for each in known]
    judged = [each for each in merits if each is not None]
    best, worst = _extremes(points, judged)
    return Trend(
        n=len(points),
        slope_per_day=slope_per_day(points),
        p_value=p_value,
        course=_course(known, p_value),
        judgement=_judgement(judged),
        best=best,
        worst=worst,
        percentile=_percentile(values),
    )


def slope_per_day(points: Sequence[Point]) -> float | None:
    """The median of the slopes between any two of *points*, per 24 hours; a few wild values move it little.

    None with fewer than two points, and where values are further apart than floats reach. After Theil, A
    rank-invariant method of linear and polynomial regression analysis, Indagationes Mathematicae 12 (1950),
    and Sen, Estimates of the regression coefficient based on Kendall's tau, JASA 63 (1968), 1379-1389.
    """
    if len(points) < 2:
        return None
    first = points[0]
    # From the first value on, exactly: as floats, large numbers would lose their small changes.
    rises = np.array([float(difference(point.value, first.value)) for point in points])
    if np.abs(rises).max() > _WIDEST:
        return None
    days = np.array([(point.at - first.at) / _DAY for point in points])
    older, newer = np.triu_indices(len(points), 1)
    return float(np.median((rises[newer] - rises[older]) / (days[newer] - days[older])))


def significance(values: Sequence[Decimal]) -> float | None:
    """How often chance alone orders values as clearly, up or down; None with fewer than `LEAST_POINTS`.

    The two-sided test of Mann, Nonparametric tests against trend, Econometrica 13 (1945), 245-259, and
    Kendall, Rank Correlation Methods (1975): the normal approximation of S, its variance corrected for ties
    and S for continuity, as in Gilbert, Statistical Methods for Environmental Pollution Monitoring (1987),
    16.4. It takes values to be independent. Those of windows that overlap are not, and it is too small there.
    """
    n = len(values)
    if n < LEAST_POINTS:
        return None
    ties = sum(t * (t - 1) * (2 * t + 5) for t in Counter(values).values())
    variance = (n * (n - 1) * (2 * n + 5) - ties) / 18
    if not variance:
        return 1.0
    clear = max(abs(kendall_s(values)) - 1, 0)
    return math.erfc(clear / math.sqrt(2 * variance))


def kendall_s(values: Sequence[Decimal]) -> int:
    """How many pairs of *values* rise, less how many fall: Kendall's S."""
    places = {value: place for place, value in enumerate(sorted(set(values)))}
    ranks = np.array([places[value] for value in values], dtype=np.int64)
    return int(np.triu(np.sign(ranks[np.newaxis, :] - ranks[:, np.newaxis]), 1).sum())


def _course(values: Sequence[Decimal], p_value: float | None) -> Course:
    if p_value is None:
        return Course.UNKNOWN
    if p_value >= SIGNIFICANT:
        return Course.STEADY
    return Course.RISING if kendall_s(values) > 0 else Course.FALLING


def _judgement(merits: Sequence[Decimal]) -> Judgement | None:
    """What becomes of the merit; of a band that is its nearness to the target, whatever the values do."""
    match _course(merits, significance(merits)):
        case Course.RISING:
            return Judgement.BETTER
        case Course.FALLING:
            return Judgement.WORSE
        case Course.STEADY:
            return Judgement.SAME
        case Course.UNKNOWN:
            return None


def _extremes(points: Sequence[Point], merits: Sequence[Decimal]) -> tuple[Point | None, Point | None]:
    if not merits:
        return None, None
    judged = list(zip(merits, points, strict=True))[::-1]
    return max(judged, key=_merit_of)[1], min(judged, key=_merit_of)[1]


def _merit_of(judged: tuple[Decimal, Point]) -> Decimal:
    return judged[0]


def _percentile(values: Sequence[Decimal | None]) -> Decimal | None:
    newest = values[-1] if values else None
    before = [value for value in values[:-1] if value is not None]
    if newest is None or not before:
        return None
    return _SHARES.divide(Decimal(sum(value <= newest for value in before)), Decimal(len(before)))


def share_events(intervals: Sequence[tuple[datetime, datetime]]) -> bool:
    """Whether neighbours among *intervals*, oldest first, overlap by more than rounding to panes explains."""
    return any(
        (before_end - start) * TOLERATED > end - start
        for (_, before_end), (start, end) in pairwise(intervals)
    )


def apart(window: Window, at_us: int, calendar: Calendar, *, since_us: int, most: int) -> list[int]:
    """The instants up to *at_us*, oldest first, at which *window* is a period earlier each time.

    A sliding window is its length earlier; one to date as far into each period before as it is into its own,
    or at the end of one that is shorter; a previous one is that of each period before. So no two share
    events, but for those that the rounding to panes adds at their edges.

    Args:
        window: the window.
        at_us: the last instant.
        calendar: the KPI's zone.
        since_us: none is before this.
        most: how many there are at most, from 1.
    """
    backwards = takewhile(lambda before_us: before_us >= since_us, _backwards(window, at_us, calendar))
    return list(islice(backwards, most))[::-1]


def _backwards(window: Window, at_us: int, calendar: Calendar) -> Iterator[int]:
    if isinstance(window, ToDate):
        yield from _periods_before(window, at_us, calendar)
        return
    while True:
        yield at_us
        at_us = earlier(window, at_us, calendar).at_us


def _periods_before(window: ToDate, at_us: int, calendar: Calendar) -> Iterator[int]:
    """Each is counted from *at_us*: from one to the next, the 31st would stay the 28th after a February."""
    first_us = start_us = calendar.period_start(window.period, at_us, reckoning=window.reckoning)
    yield at_us
    while True:
        end_us = start_us
        start_us = calendar.period_start(window.period, end_us - 1, reckoning=window.reckoning)
        if window.period is Period.HOUR:
            as_far_us = start_us + at_us - first_us
        else:
            days = calendar.day_of(at_us) - calendar.day_of(first_us)
            shown = datetime.combine(calendar.day_of(start_us) + days, calendar.local(at_us).time())
            as_far_us = calendar.wall_us(shown)
        yield min(as_far_us, end_us - 1)
