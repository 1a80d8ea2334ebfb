"""Readings against their targets, for who has no request; routes ask `services.api.meanings`."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from shared.domain.calendars import Calendar, as_datetime, instant_us
from shared.domain.comparisons import Against, are_alike, compared_at, excess_us
from shared.domain.definitions import Catalogue, Kpi
from shared.domain.definitions.same_periods import other_periods
from shared.domain.ranking import OTHER
from shared.domain.readings import Reading
from shared.domain.targets import (
    Base,
    Follow,
    Goal,
    Judgement,
    Stretch,
    aim_of,
    goal_for,
    instant_of,
    judge,
    stretch_of,
)
from shared.domain.windows import INSTANTS_US, interval
from shared.storage.readings import Ask

Evaluate = Callable[[Sequence[Ask]], Awaitable[list[Reading]]]
"""How the values of other KPIs are read."""


@dataclass(frozen=True, slots=True)
class _Case:
    """A reading, what it stands for, and the goal that holds for it."""

    kpi: Kpi
    reading: Reading
    stretch: Stretch
    goal: Goal | None


async def judgements(
    catalogue: Catalogue,
    readings: Sequence[Reading],
    *,
    evaluate: Evaluate,
    now: datetime,
    are_current: bool = False,
) -> list[Judgement]:
    """How each of *readings*, of KPIs of *catalogue*, stands to its target; in their order.

    Args:
        catalogue: the definitions.
        readings: what is judged.
        evaluate: is asked once, and only if a target follows another value.
        now: as seen from when.
        are_current: they are rows of kpi_current that still hold: the target is that of now, although the
            window has moved on since they were written.
    """
    cases = [_case(catalogue, reading, now=now if are_current else None) for reading in readings]
    asks = {place: _followed(catalogue, case, now=now) for place, case in enumerate(cases)}
    wanted = {place: ask for place, ask in asks.items() if ask is not None}
    found = await evaluate(list(wanted.values())) if wanted else []
    values = {
        place: _comparable(catalogue, cases[place], wanted[place], reading)
        for place, reading in zip(wanted, found, strict=True)
    }
    return [_judgement(case, values.get(place)) for place, case in enumerate(cases)]


def _case(catalogue: Catalogue, reading: Reading, *, now: datetime | None) -> _Case:
    kpi = catalogue.kpis[reading.slug]
    window, calendar = kpi.window_of(reading.window), Calendar(kpi.zone)
    start_us, end_us = instant_us(reading.window_start), instant_us(reading.window_end)
    if now is not None:
        at_us = instant_us(now)
        whole = interval(window, at_us, finest=kpi.finest, now_us=at_us, calendar=calendar)
        start_us, end_us = whole.start_us, whole.end_us
    stretch = stretch_of(window, start_us, end_us, calendar)
    return _Case(kpi, reading, stretch, goal_for(kpi.goals, reading.window, reading.dimensions))


def _followed(catalogue: Catalogue, case: _Case, *, now: datetime) -> Ask | None:
    """The value that the target of *case* follows; None where it follows none, or that is not kept."""
    rule = None if case.goal is None else case.goal.rule
    if not isinstance(rule, Follow) or rule.slug not in catalogue.kpis:
        return None
    dimensions = {} if rule.is_total else dict(case.reading.dimensions)
    at_us = _based_at(case, rule.base)
    if OTHER in dimensions.values() or at_us < instant_us(now) - INSTANTS_US:
        return None
    window, series = case.reading.window, tuple(sorted(dimensions.items()))
    # A history by whole periods has them of any KPI, whatever windows it is kept over.
    is_period = window not in case.kpi.windows
    if is_period and any(other_periods(case.kpi, catalogue.kpis[rule.slug], [window])):
        return None
    return Ask(rule.slug, window, series, as_datetime(at_us), is_period)


def _based_at(case: _Case, base: Base) -> int:
    window, calendar = case.kpi.window_of(case.reading.window), Calendar(case.kpi.zone)
    at_us = instant_of(window, case.stretch)
    if base is Base.SAME:
        return at_us
    against = Against.PREVIOUS if base is Base.PREVIOUS else Against.LAST_YEAR
    return compared_at(
        against, window, at_us, calendar, reckoning=case.kpi.reckoning, holidays=case.kpi.holidays
    )


def _comparable(catalogue: Catalogue, case: _Case, ask: Ask, found: Reading) -> Decimal | None:
    """The value of *found*, unless coarse panes make its window another one than that of *case*."""
    window = case.kpi.window_of(case.reading.window)
    own_us = excess_us(
        window, instant_of(window, case.stretch), case.stretch.start_us, case.stretch.end_us,
        Calendar(case.kpi.zone),
    )  # fmt: skip
    kpi = catalogue.kpis[ask.slug]
    start_us, end_us = instant_us(found.window_start), instant_us(found.window_end)
    other_us = excess_us(
        kpi.window_of(ask.window), instant_us(ask.at), start_us, end_us, Calendar(kpi.zone)
    )  # fmt: skip
    return found.value if are_alike(end_us - start_us, other_us, own_us) else None


def _judgement(case: _Case, followed: Decimal | None) -> Judgement:
    kpi, goal = case.kpi, case.goal
    aim = None
    if goal is not None:
        calendar = Calendar(kpi.zone)
        aim = aim_of(goal, case.stretch, calendar, direction=kpi.direction, followed=followed)
    return judge(case.reading.value, aim, direction=kpi.direction)
