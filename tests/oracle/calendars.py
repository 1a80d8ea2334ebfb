"""Local periods by walking through the minutes and days of a zone, slowly and without any arithmetic."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

_MINUTE, _QUARTER, _DAY = timedelta(minutes=1), timedelta(minutes=15), timedelta(days=1)
_INSTANT = timedelta(microseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

PERIODS = ("hour", "day", "week", "month", "quarter", "year")


def begin(period: str, at: datetime, zone: str, year_start: int) -> datetime:
    """The first instant of the local *period* that holds *at*."""
    if period == "hour":
        return _hour_begin(at - (at - _EPOCH) % _MINUTE, zone)
    return _first_instant(_first_day(period, day_of(at, zone), year_start), zone)


def end(period: str, at: datetime, zone: str, year_start: int) -> datetime:
    """The first instant after the local *period* that holds *at*."""
    if period == "hour":
        return _hour_end(at - (at - _EPOCH) % _MINUTE, zone)
    first = _first_day(period, day_of(at, zone), year_start)
    following = first + _DAY
    while _first_day(period, following, year_start) == first:
        following += _DAY
    return _first_instant(following, zone)


def day_start(at: datetime, zone: str) -> datetime:
    """The first instant of the local day of *at*."""
    return _first_instant(day_of(at, zone), zone)


def day_of(at: datetime, zone: str) -> date:
    """The latest local day that has begun at *at*: clocks that go back over midnight do not go back a day."""
    shown = _shown(at, zone).date()
    return max(day for day in (shown, shown + _DAY) if day == shown or _first_instant(day, zone) <= at)


def earlier(period: str, at: datetime, zone: str, year_start: int) -> datetime:
    """Where a window to date is one period earlier: as many days in, at the same time by the clock.

    An hour is as much time in. Past the end of the earlier period it is the last instant of that.
    """
    own = begin(period, at, zone, year_start)
    before = begin(period, own - _INSTANT, zone, year_start)
    if period == "hour":
        return min(before + (at - own), own - _INSTANT)
    days = day_of(at, zone) - day_of(own, zone)
    clock = _shown(at, zone).time()
    return min(_first_showing(day_of(before, zone) + days, clock, zone), own - _INSTANT)


def _first_day(period: str, day: date, year_start: int) -> date:
    while not _begins(period, day, year_start):
        day -= _DAY
    return day


def _begins(period: str, day: date, year_start: int) -> bool:
    match period:
        case "day":
            return True
        case "week":
            return day.isoweekday() == 1
        case "month":
            return day.day == 1
        case "quarter":
            return day.day == 1 and day.month in {(year_start - 1 + 3 * n) % 12 + 1 for n in range(4)}
        case _:
            return day.day == 1 and day.month == year_start


@lru_cache(maxsize=100_000)
def _first_instant(day: date, zone: str) -> datetime:
    """The first quarter of an hour in which clocks show *day* or later, as every day begins with one."""
    return _first(_from(day), _QUARTER, lambda at: _shown(at, zone).date() >= day)


@lru_cache(maxsize=100_000)
def _first_showing(day: date, clock: time, zone: str) -> datetime:
    """The first instant at which clocks show *clock* or later on *day*, or a later day."""
    wanted = datetime.combine(day, clock)
    minute = _first(_from(day), _MINUTE, lambda at: _shown(at + _MINUTE - _INSTANT, zone) >= wanted)
    rest = wanted - _shown(minute, zone)
    return minute + max(rest, timedelta(0))


def _from(day: date) -> datetime:
    """An instant before *day* begins anywhere."""
    return datetime.combine(day, time(), UTC) - timedelta(hours=15)


def _first(at: datetime, step: timedelta, holds: Callable[[datetime], bool]) -> datetime:
    while not holds(at):
        at += step
    return at


@lru_cache(maxsize=100_000)
def _hour_begin(minute: datetime, zone: str) -> datetime:
    """The last minute, up to *minute*, at which clocks show a full hour or are set."""
    while not _is_hour_edge(minute, zone):
        minute -= _MINUTE
    return minute


@lru_cache(maxsize=100_000)
def _hour_end(minute: datetime, zone: str) -> datetime:
    minute += _MINUTE
    while not _is_hour_edge(minute, zone):
        minute += _MINUTE
    return minute


def _is_hour_edge(minute: datetime, zone: str) -> bool:
    before = _shown(minute - _MINUTE, zone)
    return _shown(minute, zone).minute == 0 or _shown(minute, zone) - before != _MINUTE


def _shown(at: datetime, zone: str) -> datetime:
    """What the clocks show at *at*."""
    return at.astimezone(ZoneInfo(zone)).replace(tzinfo=None, fold=0)
