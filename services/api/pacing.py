"""How a period is going: which readings that takes, and what they come to; it asks nobody."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from services.api.readers import Combination
from services.api.schemas.paces import EarlierBody, PaceBody, ProjectionBody
from services.api.schemas.values import target_body
from shared.domain.calendars import Calendar, as_datetime, instant_us
from shared.domain.comparisons import Against, are_alike, compared_at, difference, excess_us
from shared.domain.definitions import Catalogue, Kpi
from shared.domain.definitions.additive import adds_up
from shared.domain.pace import (
    Earlier,
    Projection,
    Reason,
    Span,
    expected_evenly,
    projected,
    rate_per_day,
    required_per_day,
    same_points,
    span_of,
)
from shared.domain.readings import Reading
from shared.domain.targets import (
    Aim,
    Base,
    Follow,
    Goal,
    Judgement,
    Spread,
    Stretch,
    aim_of,
    goal_for,
    judge,
)
from shared.domain.targets.schedules import as_decimal
from shared.domain.windows import INSTANTS_US, ToDate
from shared.storage.readings import Ask

Point = tuple[int, int, int]
"""An earlier period, begin and end, and the instant as far into it."""


@dataclass(frozen=True, slots=True)
class Wish:
    """The pace of a series in the period that holds an instant.

    Attributes:
        is_additive: whether the KPI adds up over time, so that there is something to project.
        points: the earlier periods to go by.
    """

    kpi: Kpi
    window: ToDate
    combination: Combination
    at: datetime
    now: datetime
    is_additive: bool
    points: tuple[Point, ...]

    @property
    def calendar(self) -> Calendar:
        """The KPI's zone."""
        return Calendar(self.kpi.zone)

    @property
    def goal(self) -> Goal | None:
        """What the series is measured against."""
        return goal_for(self.kpi.goals, self.window.name, dict(self.combination))

    def asks(self) -> list[Ask]:
        """The value, both of each earlier period, and what the target of the period follows, if it does."""
        instants = [self.at]
        for _, end_us, point_us in self.points:
            instants += [as_datetime(point_us), as_datetime(end_us - 1)]
        own = [Ask(self.kpi.slug, self.window.name, self.combination, at) for at in instants]
        followed = self._followed()
        return own if followed is None else [*own, followed]

    def _followed(self) -> Ask | None:
        """The whole earlier period that the target follows; none where it follows the present one."""
        rule = None if self.goal is None else self.goal.rule
        if not isinstance(rule, Follow) or rule.base is Base.SAME or not self.is_additive:
            return None
        against = Against.PREVIOUS if rule.base is Base.PREVIOUS else Against.LAST_YEAR
        then_us = compared_at(
            against,
            self.window,
            instant_us(self.at),
            self.calendar,
            reckoning=self.window.reckoning,
            holidays=self.kpi.holidays,
        )
        end_us = self.calendar.next_period_start(self.window.period, then_us, reckoning=self.window.reckoning)
        if end_us <= instant_us(self.now) - INSTANTS_US:
            return None
        combination = () if rule.is_total else self.combination
        return Ask(rule.slug, self.window.name, combination, as_datetime(end_us - 1))


def wish_for(
    catalogue: Catalogue, kpi: Kpi, window: ToDate, combination: Combination, *, at: datetime, now: datetime
) -> Wish:
    """What the pace of *kpi* over *window* takes."""
    is_additive = adds_up(catalogue.kpis, kpi.slug)
    since_us = instant_us(now) - INSTANTS_US
    points = same_points(window, instant_us(at), Calendar(kpi.zone), since_us=since_us) if is_additive else []
    return Wish(kpi, window, combination, at, now, is_additive, tuple(points))


def pace_body(wish: Wish, readings: Sequence[Reading], judgement: Judgement) -> PaceBody:
    """What *readings*, the answers to the asks of *wish*, come to.

    Args:
        wish: what was asked.
        readings: the answers, in their order.
        judgement: how the value stands to its own target, as everywhere else.
    """
    reading, kpi = readings[0], wish.kpi
    span = span_of(
        wish.window,
        instant_us(reading.window_start),
        instant_us(reading.window_end),
        now_us=instant_us(wish.now),
        calendar=wish.calendar,
    )
    earlier = _earlier(wish, readings)
    whole = _whole_aim(wish, readings, span, judgement)
    expected = judge(reading.value, _expected(wish, span, whole, judgement), direction=kpi.direction)
    found = projected(reading.value, span, earlier)
    if not wish.is_additive:
        found = Projection(None, None, Reason.NOT_ADDITIVE)
    return PaceBody(
        kpi=kpi.slug,
        version=reading.version,
        window=wish.window.name,
        dimensions=reading.dimensions,
        unit=kpi.unit,
        direction=kpi.direction,
        at=wish.at,
        value=reading.value,
        n=reading.n,
        period_start=as_datetime(span.start_us),
        period_end=as_datetime(span.end_us),
        until=as_datetime(span.until_us),
        elapsed=as_decimal(span.elapsed),
        as_of=reading.as_of,
        complete=reading.complete,
        target=target_body(judge(None, whole, direction=kpi.direction)),
        expected=expected.target,
        ahead=_less(reading.value, expected.target),
        status=expected.status,
        attainment=expected.attainment,
        rate_per_day=_rate(wish, reading.value, span),
        required_per_day=_required(wish, reading.value, whole, span),
        projection=_projection_body(wish, found, whole, earlier),
    )


def _earlier(wish: Wish, readings: Sequence[Reading]) -> list[Earlier]:
    own_us = _excess_us(wish, readings[0], instant_us(wish.at))
    found = []
    for place, (start_us, end_us, point_us) in enumerate(wish.points):
        done, total = readings[1 + 2 * place : 3 + 2 * place]
        length_us = instant_us(done.window_end) - instant_us(done.window_start)
        is_alike = are_alike(length_us, _excess_us(wish, done, point_us), own_us)
        found.append(Earlier(start_us, end_us, done.value if is_alike else None, total.value))
    return found


def _excess_us(wish: Wish, reading: Reading, at_us: int) -> int:
    edges = instant_us(reading.window_start), instant_us(reading.window_end)
    return excess_us(wish.window, at_us, *edges, wish.calendar)


def _whole_aim(wish: Wish, readings: Sequence[Reading], span: Span, judgement: Judgement) -> Aim | None:
    """What the whole period has to reach."""
    if wish.goal is None:
        return None
    followed = None
    if isinstance(wish.goal.rule, Follow):
        # Without a source, the caller may not see what is followed.
        if not wish.is_additive or judgement.source is None:
            return _aim_of(judgement)
        has_answer = len(readings) > 1 + 2 * len(wish.points)
        followed = readings[-1].value if has_answer else None
    stretch = Stretch(span.start_us, span.end_us)
    return aim_of(wish.goal, stretch, wish.calendar, direction=wish.kpi.direction, followed=followed)


def _expected(wish: Wish, span: Span, whole: Aim | None, judgement: Judgement) -> Aim | None:
    """What should be there by now: the share of an amount, an earlier value, or an even part."""
    goal = wish.goal
    if goal is None or not wish.is_additive or isinstance(goal.rule, Follow):
        return _aim_of(judgement)
    if isinstance(goal.rule, Spread):
        stretch = Stretch(span.start_us, span.until_us)
        return aim_of(goal, stretch, wish.calendar, direction=wish.kpi.direction, followed=None)
    if whole is None or whole.value is None:
        return whole
    bounds = [
        None if each is None else expected_evenly(each, span) for each in (whole.warning, whole.tolerance)
    ]
    return replace(whole, value=expected_evenly(whole.value, span), warning=bounds[0], tolerance=bounds[1])


def _aim_of(judgement: Judgement) -> Aim | None:
    if judgement.kind is None:
        return None
    return Aim(judgement.target, judgement.warning, judgement.tolerance, judgement.kind, judgement.source)


def _less(value: Decimal | None, expected: Decimal | None) -> Decimal | None:
    return None if value is None or expected is None else difference(value, expected)


def _rate(wish: Wish, value: Decimal | None, span: Span) -> Decimal | None:
    return rate_per_day(value, span) if wish.is_additive and value is not None else None


def _required(wish: Wish, value: Decimal | None, whole: Aim | None, span: Span) -> Decimal | None:
    if not wish.is_additive or value is None or whole is None or whole.value is None:
        return None
    return required_per_day(value, whole.value, span, wish.kpi.direction)


def _projection_body(
    wish: Wish, found: Projection, whole: Aim | None, earlier: Sequence[Earlier]
) -> ProjectionBody:
    judgement = judge(found.value, whole, direction=wish.kpi.direction)
    pairs = zip(wish.points, earlier, strict=True)
    return ProjectionBody(
        value=found.value,
        method=found.method,
        reason=found.reason,
        low=found.low,
        high=found.high,
        status=judgement.status,
        attainment=judgement.attainment,
        earlier=[_earlier_body(point[2], each) for point, each in pairs],
    )


def _earlier_body(point_us: int, earlier: Earlier) -> EarlierBody:
    return EarlierBody(
        start=as_datetime(earlier.start_us),
        end=as_datetime(earlier.end_us),
        at=as_datetime(point_us),
        done=earlier.done,
        total=earlier.total,
        share=None if earlier.share is None else as_decimal(earlier.share),
    )
