"""The window rule, said a second time from its definition, in slow datetime arithmetic.

The value at an instant covers [start, end): the end is the instant rounded up to the finest grain among the
windows of the KPI; the start is the end less the length, rounded down to the grain of the window itself.
Old instants cannot be told apart as finely: there, the finest pane length that is still kept takes the place
of a finer grain, and a start never takes a finer one than the end. A local midnight need not be an edge of
hours: what begins with one and cannot go on from the last one in panes that are kept ends with one, too.
"""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

_SECOND, _MINUTE = timedelta(seconds=1), timedelta(minutes=1)
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
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
    (_DAY, 400 * _DAY),
)
"""A grain of the first length can be had for instants younger than the second."""


def length(window: str) -> timedelta:
    """How long a sliding window such as 24h is."""
    match = re.fullmatch(r"(\d+)([smhd])", window)
    if match is None:
        raise ValueError(f"{window!r} is no sliding window")
    return int(match[1]) * {"s": _SECOND, "m": _MINUTE, "h": _HOUR, "d": _DAY}[match[2]]


def grain(window: str) -> timedelta:
    """The step in which the trailing edge of *window* moves."""
    if window == "today":
        return _MINUTE
    return next((step for longest, step in GRAIN_UP_TO if length(window) <= longest), _DAY)


def interval(
    window: str, *, siblings: Iterable[str], zone: str, at: datetime, now: datetime
) -> tuple[datetime, datetime]:
    """[start, end) of *window* at the instant *at*, asked at *now*; *siblings* are all windows of the KPI."""
    step = _kept(min(map(grain, siblings)), now - at)
    if not _goes_on(window, step, zone=zone, at=at, now=now):
        step = _DAY
    end = _up(at, step, zone)
    if window == "today":
        return day_start(at, zone), end
    start = end - length(window)
    return _down(start, _start_step(window, step, now - start), zone), end


def _goes_on(window: str, step: timedelta, *, zone: str, at: datetime, now: datetime) -> bool:
    """Whether panes lead from the last midnight to *at* by *step*, if *window* has to begin with a day."""
    end = _up(at, step, zone)
    if window != "today" and _start_step(window, step, now - (end - length(window))) < _DAY:
        return True
    midnight = day_start(end, zone)
    return _down(midnight, min(_kept(step, now - midnight), _HOUR), zone) == midnight


def _start_step(window: str, end_step: timedelta, age: timedelta) -> timedelta:
    return _kept(max(grain(window), end_step), age)


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
    return _day_end(floor, zone) if step == _DAY else floor + step


def day_start(at: datetime, zone: str) -> datetime:
    """The first instant of the local day of *at*, found by walking back in quarters of an hour.

    Every offset from UTC in use is a whole number of quarters, so every day begins on one.
    """
    quarter = at - (at - _EPOCH) % (15 * _MINUTE)
    return _first_quarter(quarter, zone)


@lru_cache(maxsize=10_000)
def _first_quarter(quarter: datetime, zone: str) -> datetime:
    info = ZoneInfo(zone)
    day, before = quarter.astimezone(info).date(), quarter - 15 * _MINUTE
    while before.astimezone(info).date() == day:
        before -= 15 * _MINUTE
    return before + 15 * _MINUTE


@lru_cache(maxsize=10_000)
def _day_end(start: datetime, zone: str) -> datetime:
    info = ZoneInfo(zone)
    day, after = start.astimezone(info).date(), start
    while after.astimezone(info).date() == day:
        after += 15 * _MINUTE
    return after
