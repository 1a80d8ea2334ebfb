"""The window rule, said a second time from its definition, in slow datetime arithmetic.

The value at an instant covers [start, end). A sliding window ends with the instant, rounded up to the finest
grain among the windows of the KPI; it starts a length earlier, rounded down to the grain of the window
itself. A window to date starts where the local period of the instant begins and ends like a sliding one. A
previous window is the local period before that.

Old instants cannot be told apart as finely: there, the finest pane length that is still kept takes the place
of a finer grain, and a start never takes a finer one than the end. A local midnight need not be an edge of
hours: what begins with one and cannot go on from the last one in panes that are kept ends with one, too.
Local hours are rounded outwards to the panes that are kept, a quarter of an hour at best.
"""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from tests.oracle import calendars
from tests.oracle.calendars import Years, day_start

__all__ = ["day_start", "earlier", "grain", "interval", "length", "measured", "reach"]

_SECOND, _MINUTE = timedelta(seconds=1), timedelta(minutes=1)
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
_QUARTER, _INSTANT = timedelta(minutes=15), timedelta(microseconds=1)
_PLAIN = Years()
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

GRAIN_UP_TO = (
    (5 * _MINUTE, _SECOND),
    (_HOUR, 10 * _SECOND),
    (_DAY, _MINUTE),
    (7 * _DAY, 15 * _MINUTE),
    (90 * _DAY, _HOUR),
)
"""A window up to the first length moves by the second."""

KEPT_FOR = (
    (_SECOND, 2 * _HOUR),
    (10 * _SECOND, 12 * _HOUR),
    (_MINUTE, 8 * _DAY),
    (15 * _MINUTE, 35 * _DAY),
    (_HOUR, 100 * _DAY),
)
"""A grain of the first length can be had for instants younger than the second; days always."""

TO_DATE = {
    "this_hour": ("hour", _MINUTE),
    "today": ("day", _MINUTE),
    "this_week": ("week", _QUARTER),
    "mtd": ("month", _QUARTER),
    "qtd": ("quarter", _QUARTER),
    "ytd": ("year", _QUARTER),
}
PREVIOUS = {
    "previous_hour": ("hour", _QUARTER),
    "yesterday": ("day", _DAY),
    "previous_week": ("week", _DAY),
    "previous_month": ("month", _DAY),
    "previous_quarter": ("quarter", _DAY),
    "previous_year": ("year", _DAY),
}
"""The local period of a window and its grain."""


ALIASES = {
    "this_day": "today",
    "wtd": "this_week",
    "this_month": "mtd",
    "this_quarter": "qtd",
    "this_year": "ytd",
    "previous_day": "yesterday",
    "last_day": "yesterday",
    "last_hour": "previous_hour",
    "last_week": "previous_week",
    "last_month": "previous_month",
    "last_quarter": "previous_quarter",
    "last_year": "previous_year",
}
"""What else the calendar windows are called."""

_ABOUT = {
    "hour": _HOUR,
    "day": _DAY,
    "week": 7 * _DAY,
    "month": 31 * _DAY,
    "quarter": 92 * _DAY,
    "year": 366 * _DAY,
}


def reach(window: str) -> timedelta:
    """About how far *window* looks back at most."""
    if window in TO_DATE:
        return _ABOUT[TO_DATE[window][0]]
    return 2 * _ABOUT[PREVIOUS[window][0]] if window in PREVIOUS else length(window)


def length(window: str) -> timedelta:
    """How long a sliding window such as 24h is."""
    match = re.fullmatch(r"(\d+)([smhdw])", window)
    if match is None:
        raise ValueError(f"{window!r} is no sliding window")
    return int(match[1]) * {"s": _SECOND, "m": _MINUTE, "h": _HOUR, "d": _DAY, "w": 7 * _DAY}[match[2]]


def grain(window: str) -> timedelta:
    """The step in which the trailing edge of *window* moves."""
    if window in TO_DATE or window in PREVIOUS:
        return (TO_DATE | PREVIOUS)[window][1]
    return next((step for longest, step in GRAIN_UP_TO if length(window) <= longest), _DAY)


def interval(
    window: str, *, siblings: Iterable[str], zone: str, at: datetime, now: datetime, years: Years = _PLAIN
) -> tuple[datetime, datetime]:
    """[start, end) of *window* at the instant *at*, asked at *now*; *siblings* are all windows of the KPI."""
    finest = min(map(grain, siblings))
    if window in PREVIOUS:
        return _previous(PREVIOUS[window][0], finest, zone=zone, at=at, now=now, years=years)
    begun = _begun(window, at, zone, years)
    step, start_step = _steps(window, finest, zone=zone, at=at, now=now, begun=begun)
    end = _up(at, step, zone)
    return _down(end - length(window) if begun is None else begun, start_step, zone), end


def _begun(window: str, at: datetime, zone: str, years: Years) -> datetime | None:
    """When the period of a window to date began."""
    return calendars.begin(TO_DATE[window][0], at, zone, years) if window in TO_DATE else None


def _steps(
    window: str, finest: timedelta, *, zone: str, at: datetime, now: datetime, begun: datetime | None
) -> tuple[timedelta, timedelta]:
    """The steps by which the end and the start of *window* move, as far as panes are kept."""
    step = _kept(finest, now - at)
    start_step = _start_step(window, step, at=at, now=now, begun=begun)
    if start_step == _DAY and step < _DAY and not _goes_on(step, zone=zone, at=at, now=now):
        return _DAY, _DAY
    return step, start_step


def _previous(
    period: str, finest: timedelta, *, zone: str, at: datetime, now: datetime, years: Years
) -> tuple[datetime, datetime]:
    end = calendars.begin(period, at, zone, years)
    start = calendars.begin(period, end - _INSTANT, zone, years)
    step = _kept(max(finest, _QUARTER), now - start) if period == "hour" else _DAY
    return _down(start, step, zone), _up(end, step, zone)


def _start_step(
    window: str, end_step: timedelta, *, at: datetime, now: datetime, begun: datetime | None
) -> timedelta:
    if begun is None:
        return _kept(max(grain(window), end_step), now - at + length(window))
    return _kept(max(_QUARTER, end_step), now - begun) if window == "this_hour" else _DAY


def _goes_on(step: timedelta, *, zone: str, at: datetime, now: datetime) -> bool:
    """Whether panes lead from the last midnight to *at* by *step*."""
    midnight = day_start(_up(at, step, zone), zone)
    return _down(midnight, min(_kept(step, now - midnight), _HOUR), zone) == midnight


def _kept(step: timedelta, age: timedelta) -> timedelta:
    return next((size for size, kept in KEPT_FOR if size >= step and age < kept), _DAY)


def _down(at: datetime, step: timedelta, zone: str) -> datetime:
    if step == _DAY:
        return day_start(at, zone)
    return at - (at - _EPOCH) % step


def _up(at: datetime, step: timedelta, zone: str) -> datetime:
    floor = _down(at, step, zone)
    if floor == at:
        return at
    return calendars.end("day", floor, zone, _PLAIN) if step == _DAY else floor + step


def earlier(window: str, *, zone: str, at: datetime, years: Years = _PLAIN) -> datetime:
    """The instant at which *window* is what it was one period before *at*."""
    if window in TO_DATE:
        return calendars.earlier(TO_DATE[window][0], at, zone, years)
    if window in PREVIOUS:
        return calendars.begin(PREVIOUS[window][0], at, zone, years) - _INSTANT
    return at - length(window)


def measured(
    window: str, *, siblings: Iterable[str], zone: str, at: datetime, now: datetime, years: Years = _PLAIN
) -> timedelta:
    """How long *window* is that a rate divides by.

    A sliding one is as long as its name says, as long as its edges move as finely as they are meant to; with
    coarser panes, and all others, it is as long as the interval.
    """
    siblings = tuple(siblings)
    start, end = interval(window, siblings=siblings, zone=zone, at=at, now=now, years=years)
    if window in TO_DATE or window in PREVIOUS:
        return end - start
    finest = min(map(grain, siblings))
    steps = _steps(window, finest, zone=zone, at=at, now=now, begun=None)
    return length(window) if steps == (finest, max(finest, grain(window))) else end - start
