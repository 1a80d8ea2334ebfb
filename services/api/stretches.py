"""Which instants a history is of: a step apart, or the ends of whole periods; it knows no route."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfoNotFoundError

from services.api.http.parameters import (
    KEPT,
    MAX_POINTS,
    InvalidParameterError,
    instant_or_relative,
    readable,
    step_of,
)
from shared.domain.calendars import Calendar, as_datetime, instant_us
from shared.domain.definitions import Kpi
from shared.domain.reckonings import Period
from shared.domain.steps import Step, UnknownStepError, before, edges, instants, parse_step
from shared.domain.windows import Previous, Sliding, interval, parse_window

_TWO_YEARS = timedelta(weeks=2 * 53)
"""Within it the first whole period after an instant ends, whichever it is."""

USUAL_BUCKETS = 30
"""How many periods a history goes back unless another begin is asked for."""

_PERIOD_WINDOWS = {
    Period.HOUR: "previous_hour",
    Period.DAY: "yesterday",
    Period.WEEK: "previous_week",
    Period.MONTH: "previous_month",
    Period.QUARTER: "previous_quarter",
    Period.YEAR: "previous_year",
}
"""The window that, at the end of a period, is just that period."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for, as it was written; None where nothing was."""

    start: str | None
    end: str
    step: str | None
    bucket: Period | None
    zone: str | None


@dataclass(frozen=True, slots=True)
class Stretch:
    """The instants of a history, and the window that is looked at from each.

    Attributes:
        is_period: the window is a whole period that ends at the instant.
        step: None where each point is a period.
        step_s: None where the step follows the calendar.
        zone: of the calendar that steps and periods follow.
    """

    window: str
    is_period: bool
    instants: list[datetime]
    step: str | None
    step_s: int | None
    zone: str


def stretch(kpi: Kpi, window: str, wish: Wish, *, now: datetime) -> Stretch:
    """The instants that *wish* asks for, of *kpi* over *window*, which periods replace.

    Raises:
        InvalidParameterError: a part of it cannot be met.
    """
    end = readable("to", instant_or_relative("to", wish.end, now=now), now=now)
    start = None if wish.start is None else instant_or_relative("from", wish.start, now=now)
    if start is not None and end < start:
        raise InvalidParameterError("to", "lies before from")
    calendar = _calendar(wish.zone or kpi.zone)
    if wish.bucket is not None:
        return _periods(kpi, wish, wish.bucket, calendar, start=start, end=end, now=now)
    if calendar.zone != kpi.zone and not isinstance(kpi.window_of(window), Sliding):
        raise InvalidParameterError("zone", f"{window} is by the calendar of the KPI's zone, {kpi.zone}")
    start = readable("from", start or now - timedelta(days=1), now=now)
    return _steps(window, wish.step, start, end, calendar)


def _calendar(zone: str) -> Calendar:
    try:
        return Calendar(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise InvalidParameterError("zone", "write an IANA time zone, such as Europe/Berlin") from error


def _steps(window: str, text: str | None, start: datetime, end: datetime, calendar: Calendar) -> Stretch:
    if start > end:
        raise InvalidParameterError("to", "lies before from")
    step = _step(text, end - start)
    found = list(islice(instants(instant_us(start), instant_us(end), step, calendar), MAX_POINTS + 1))
    if len(found) > MAX_POINTS:
        raise InvalidParameterError("step", f"makes more than {MAX_POINTS} points of this interval")
    seconds = step.seconds or None
    points = [as_datetime(at_us) for at_us in found]
    return Stretch(
        window, is_period=False, instants=points, step=step.text, step_s=seconds, zone=calendar.zone
    )


def _step(text: str | None, span: timedelta) -> Step:
    if text is None:
        seconds = round(step_of(None, span=span).total_seconds())
        return Step(f"{seconds}s", seconds=seconds)
    try:
        return parse_step(text)
    except UnknownStepError as error:
        raise InvalidParameterError("step", str(error)) from error


def _periods(
    kpi: Kpi,
    wish: Wish,
    period: Period,
    calendar: Calendar,
    *,
    start: datetime | None,
    end: datetime,
    now: datetime,
) -> Stretch:
    if wish.step is not None:
        raise InvalidParameterError("step", "goes not with bucket, whose points follow one another")
    reckoning, end_us = kpi.reckoning, instant_us(end)
    if start is not None and start < now - KEPT - _TWO_YEARS:
        # Not by way of its periods: calendars have none at their own beginning.
        readable("from", start, now=now)
    usual_us = before(period, end_us, USUAL_BUCKETS, calendar, reckoning=reckoning)
    start_us = usual_us if start is None else instant_us(start)
    found = list(islice(edges(period, start_us, end_us, calendar, reckoning=reckoning), MAX_POINTS + 2))
    if start is None:
        # Values lie within 400 days by the ends of their windows; what these begin with may be older.
        kept_us = instant_us(now - KEPT)
        found = [begin_us for begin_us, until_us in pairwise(found) if until_us >= kept_us] + found[-1:]
    if len(found) > MAX_POINTS + 1:
        raise InvalidParameterError("bucket", f"makes more than {MAX_POINTS} points of this interval")
    if len(found) < 2:
        raise InvalidParameterError("from", f"no whole {period} lies between from and to")
    readable("from", as_datetime(found[1]), now=now)
    window = _PERIOD_WINDOWS[period]
    _check_edges(kpi, window, found, wish.zone, now_us=instant_us(now))
    ends = [as_datetime(at_us) for at_us in found[1:]]
    return Stretch(window, is_period=True, instants=ends, step=None, step_s=None, zone=calendar.zone)


def _check_edges(kpi: Kpi, window: str, found: list[int], zone: str | None, *, now_us: int) -> None:
    """Refuse periods that the panes of *kpi* do not have: of another zone, or finer than what is kept."""
    parsed, calendar = parse_window(window, reckoning=kpi.reckoning), Calendar(kpi.zone)
    assert isinstance(parsed, Previous)  # noqa: S101 - for the type checker: all of these windows are
    for start_us, end_us in pairwise(found):
        whole = interval(parsed, end_us, finest=kpi.finest, now_us=now_us, calendar=calendar)
        if (whole.start_us, whole.end_us) != (start_us, end_us):
            if zone is not None and Calendar(zone) != calendar:
                reason = f"the panes are of the KPI's zone {kpi.zone}, whose periods are others"
                raise InvalidParameterError("zone", reason)
            reason = f"of what began at {as_datetime(start_us).isoformat()} only coarser panes are kept"
            raise InvalidParameterError("bucket", reason)


def check_parts(found: Stretch, kpi: Kpi, zones: Iterable[str]) -> None:
    """Refuse periods that are others in one of *zones*, in which that is counted what *kpi* reads.

    Its windows are the same in all of them, or the definition would have been refused.

    Raises:
        InvalidParameterError: a period of *found* begins or ends at another instant there.
    """
    window, own = parse_window(found.window, reckoning=kpi.reckoning), Calendar(kpi.zone)
    others = {Calendar(zone) for zone in zones} - {own}
    if not found.is_period or not isinstance(window, Previous) or not others:
        return
    for end_us in map(instant_us, found.instants):
        start_us = own.period_start(window.period, end_us - 1, reckoning=kpi.reckoning)
        for other in others:
            begins = [
                other.period_start(window.period, at_us, reckoning=kpi.reckoning)
                for at_us in (end_us - 1, end_us)
            ]
            if begins != [start_us, end_us]:
                reason = "the formula reads KPIs of another zone, whose periods are others"
                raise InvalidParameterError("bucket", reason)
