"""Local periods by walking through the minutes and days of a zone, slowly and without any arithmetic."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

_MINUTE, _QUARTER, _DAY = timedelta(minutes=1), timedelta(minutes=15), timedelta(days=1)
_INSTANT = timedelta(microseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True, slots=True)
class Years:
    """Which days belong together.

    Attributes:
        year_start: the month with which years begin, but for those of weeks.
        week_start: the day with which weeks begin, Monday being 1.
        weeks: how many weeks the months of a quarter have, such as 4-4-5.
        ends: the day of the week and the month that years of weeks end with, and last or nearest.
    """

    year_start: int = 1
    week_start: int = 1
    weeks: str = ""
    ends: tuple[int, int, str] | None = None


PERIODS = ("hour", "day", "week", "month", "quarter", "year")


def begin(period: str, at: datetime, zone: str, years: Years) -> datetime:
    """The first instant of the local *period* that holds *at*."""
    if period == "hour":
        return _hour_begin(at - (at - _EPOCH) % _MINUTE, zone)
    return _first_instant(_first_day(period, day_of(at, zone), years), zone)


def end(period: str, at: datetime, zone: str, years: Years) -> datetime:
    """The first instant after the local *period* that holds *at*."""
    if period == "hour":
        return _hour_end(at - (at - _EPOCH) % _MINUTE, zone)
    first = _first_day(period, day_of(at, zone), years)
    following = first + _DAY
    while _first_day(period, following, years) == first:
        following += _DAY
    return _first_instant(following, zone)


def day_start(at: datetime, zone: str) -> datetime:
    """The first instant of the local day of *at*."""
    return _first_instant(day_of(at, zone), zone)


def day_of(at: datetime, zone: str) -> date:
    """The latest local day that has begun at *at*: clocks that go back over midnight do not go back a day."""
    shown = _shown(at, zone).date()
    return max(day for day in (shown, shown + _DAY) if day == shown or _first_instant(day, zone) <= at)


def earlier(period: str, at: datetime, zone: str, years: Years) -> datetime:
    """Where a window to date is one period earlier: as many days in, at the same time by the clock.

    An hour is as much time in. Past the end of the earlier period it is the last instant of that.
    """
    own = begin(period, at, zone, years)
    before = begin(period, own - _INSTANT, zone, years)
    if period == "hour":
        return min(before + (at - own), own - _INSTANT)
    days = day_of(at, zone) - day_of(own, zone)
    clock = _shown(at, zone).time()
    return min(_first_showing(day_of(before, zone) + days, clock, zone), own - _INSTANT)


def as_far_in(period: str, at: datetime, begun: datetime, zone: str, years: Years) -> datetime:
    """The instant of the period that begins at *begun* that is as far into it as *at* is into its own.

    That is as many days in, at the same time by the clock; past the end it is the last instant.
    """
    days = day_of(at, zone) - day_of(begin(period, at, zone, years), zone)
    point = _first_showing(day_of(begun, zone) + days, _shown(at, zone).time(), zone)
    return max(min(point, end(period, begun, zone, years) - _INSTANT), begun)


@lru_cache(maxsize=100_000)
def _first_day(period: str, day: date, years: Years) -> date:
    while not _begins(period, day, years):
        day -= _DAY
    return day


def _begins(period: str, day: date, years: Years) -> bool:
    match period:
        case "day":
            return True
        case "week":
            return day.isoweekday() == years.week_start
    if years.ends is not None:
        return day in _week_begins(period, day, years)
    match period:
        case "month":
            return day.day == 1
        case "quarter":
            return day.day == 1 and day.month in {(years.year_start - 1 + 3 * n) % 12 + 1 for n in range(4)}
        case _:
            return day.day == 1 and day.month == years.year_start


def _week_begins(period: str, day: date, years: Years) -> list[date]:
    """With which days the periods of the year of weeks that holds *day* begin."""
    begin = year_begin(day, years)
    if period == "year":
        return [begin]
    begins, quarters = [begin], [begin]
    for number in range(1, 12):
        begins.append(begins[-1] + 7 * int(years.weeks.split("-")[(number - 1) % 3]) * _DAY)
        if number % 3 == 0:
            quarters.append(begins[-1])
    return begins if period == "month" else quarters


@lru_cache(maxsize=100_000)
def year_begin(day: date, years: Years) -> date:
    """The first day of the year of weeks that holds *day*."""
    while not _ends_year(day - _DAY, years):
        day -= _DAY
    return day


def _ends_year(day: date, years: Years) -> bool:
    if years.ends is None or day.isoweekday() != years.ends[0]:
        return False
    _, month, rule = years.ends
    if rule == "last":
        return day.month == month and (day + 7 * _DAY).month != month
    around = [day + number * _DAY for number in range(-3, 4)]
    return any(each.month == month and (each + _DAY).month != month for each in around)


def stands_for(day: date, years: Years) -> int:
    """The month, January being 1, that *day* belongs to; of years of weeks, that its month stands for."""
    if years.ends is None:
        return day.month
    begins = _week_begins("month", day, years)
    return (years.ends[1] + sum(begin <= day for begin in begins) - 1) % 12 + 1


def called(text: str, years: Years) -> date:
    """The first day of a year, a quarter or a month of weeks, by its name: 2026, 2026-Q2 or 2026-04."""
    assert years.ends is not None
    year, _, rest = text.partition("-")
    is_month = bool(rest) and not rest.startswith("Q")
    nominal = years.ends[1] % 12 + 1
    named = int(year) - (is_month and int(rest) < nominal)
    begin = year_begin(date(named, nominal, 20), years)
    place = (int(rest) - nominal) % 12 if is_month else 3 * (int(rest[1:]) - 1) if rest else 0
    return _week_begins("month", begin, years)[place]


def week_before(period: str, day: date, years: Years) -> date:
    """The day with the same place in the *period* before, or the last with its weekday in a shorter one."""
    own = _first_day(period, day, years)
    before = _first_day(period, own - _DAY, years)
    found = before + (day - own)
    while found >= own:
        found -= 7 * _DAY
    return found


def last_year(day: date, years: Years, holidays: Mapping[date, str | None]) -> date:
    """The day that weeks meet with in the year before: the holiday of the name, or the week's number."""
    name = holidays.get(day)
    ours, theirs = (
        [each for each in sorted(holidays) if name and holidays[each] == name and each.year == year]
        for year in (day.year, day.year - 1)
    )
    for own, other in zip(ours, theirs, strict=False):
        if own == day:
            return other
    return week_before("year", day, years) if years.ends is not None else day - 364 * _DAY


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
