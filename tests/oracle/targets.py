"""Targets by brute force: what a window has to reach, day by day, and how its value stands to that."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from tests.oracle import calendars, windows
from tests.oracle.calendars import Years
from tests.oracle.definitions import Definition

_INSTANT, _DAY = timedelta(microseconds=1), timedelta(days=1)
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")

Dimensions = Mapping[str, str | None]
Followed = Callable[[str, Dimensions, datetime], Fraction | None]
"""The value of a KPI for dimensions at an instant, over the window that is looked at."""

_Bounds = tuple[Fraction | None, Fraction | None]


@dataclass(frozen=True, slots=True)
class Judged:
    """How a value stands to its target; numbers are None where there is none."""

    target: Fraction | None
    warning: Fraction | None
    attainment: Fraction | None
    status: str


@dataclass(frozen=True, slots=True)
class Case:
    """A value of a KPI over a window that covers [start, end)."""

    kpi: Definition
    window: str
    dimensions: Dimensions
    start: datetime
    end: datetime

    @property
    def last(self) -> datetime:
        """The instant whose target holds."""
        return max(self.end - _INSTANT, self.start)

    @property
    def rule(self) -> Mapping[str, Any] | None:
        """What holds for the window and the dimensions."""
        return _rule(self)


def judged(case: Case, value: Fraction | None, followed: Followed, *, part: Fraction = Fraction(1)) -> Judged:
    """How *value* stands to the target of *case*, or to a *part* of it."""
    rule = case.rule
    bounds = None if rule is None else _bounds(rule, case, followed)
    told = part
    if rule is not None and "phasing" in rule:
        part *= _periods(rule["phasing"], case)
    if rule is None or bounds is None:
        return Judged(None, None, None, "no_target")
    target, warning = (None if bound is None else bound * told for bound in bounds)
    tolerance = _number(rule.get("tolerance", 0)) * part
    direction = case.kpi.direction
    if target is not None and "at_risk" in rule:
        slack = (1 - _number(rule["at_risk"])) * abs(target)
        warning = {"up": target - slack, "down": target + slack, "band": tolerance + slack}[direction]
    if value is None or target is None:
        return Judged(target, warning, None, "no_data")
    return Judged(target, warning, *_standing(direction, value, target, warning, tolerance))


def are_comparable(case: Case, other: Case, other_at: datetime) -> bool:
    """Whether coarse panes make both windows about as much too long: by a twentieth of the other's length."""
    at = case.end if case.window in windows.PREVIOUS else case.last
    return abs(_excess(case, at) - _excess(other, other_at)) * 20 <= other.end - other.start


def _excess(case: Case, at: datetime) -> timedelta:
    if case.window in windows.PREVIOUS:
        return timedelta(0)
    if case.window in windows.TO_DATE:
        period = windows.TO_DATE[case.window][0]
        begun = calendars.begin(period, at, case.kpi.zone, case.kpi.years)
        return case.end - case.start - (at - begun)
    return case.end - case.start - windows.length(case.window)


def _standing(
    direction: str, value: Fraction, target: Fraction, warning: Fraction | None, tolerance: Fraction
) -> tuple[Fraction | None, str]:
    if direction == "band":
        off = abs(value - target)
        lacking, is_near = max(off - tolerance, Fraction(0)), warning is not None and off <= warning
    else:
        sign = 1 if direction == "up" else -1
        lacking = sign * (target - value)
        is_near = warning is not None and sign * (value - warning) >= 0
    status = "on_track" if lacking <= 0 else "at_risk" if is_near else "off_track"
    return (None if target == 0 else 1 - lacking / abs(target)), status


def _rule(case: Case) -> Mapping[str, Any] | None:
    """What holds for the window and the dimensions: the rule that names most of them."""
    own = [each for each in case.kpi.targets if case.window in _names(each)]
    general = [each for each in case.kpi.targets if not each.get("windows")]
    if not own + general:
        return None
    target = (own + general)[0]
    best, most = (
        (target if {"value", "by_period", "ramp", "kpi", "benchmark"} & set(target) else None),
        (-1, 0),
    )
    for series in target.get("by_dimension", ()):
        named = series["dimensions"]
        fits = all(
            name in case.dimensions and value in ("*", case.dimensions[name]) for name, value in named.items()
        )
        rank = (sum(value != "*" for value in named.values()), len(named))
        if fits and rank > most:
            best, most = series, rank
    return best


def _names(target: Mapping[str, Any]) -> list[str]:
    return [windows.ALIASES.get(name, name) for name in target.get("windows", ())]


def _bounds(rule: Mapping[str, Any], case: Case, followed: Followed) -> _Bounds | None:
    """Target and warning; None where nothing is aimed at."""
    times = _number(rule.get("times", 1))
    if "kpi" in rule:
        dimensions = {} if rule.get("total") else case.dimensions
        found = followed(rule["kpi"], dimensions, _based_at(rule.get("of", "same"), case))
        return (None if found is None else times * found), None
    if "ramp" in rule:
        on_it = _on_ramp(rule["ramp"], case)
        return None if on_it is None else (on_it, None)
    if "phasing" in rule:
        return _share(rule, case)
    if "value" in rule:
        return _number(rule["value"]), _optional(rule.get("warning"))
    values = rule["benchmark"]["values"] if "benchmark" in rule else rule["by_period"]
    step = _step(values, calendars.day_of(case.last, case.kpi.zone), case.kpi.years)
    return None if step is None else (times * _number(step["value"]), _optional(step.get("warning")))


def _based_at(base: str, case: Case) -> datetime:
    at = case.end if case.window in windows.PREVIOUS else case.last
    years = case.kpi.years
    if base == "previous":
        return windows.earlier(case.window, zone=case.kpi.zone, at=at, years=years)
    if base == "last_year":
        shown = at.astimezone(ZoneInfo(case.kpi.zone))
        if years.ends is not None:
            day = calendars.last_year(shown.date(), years, case.kpi.holidays)
            return shown.replace(year=day.year, month=day.month, day=day.day).astimezone(UTC)
        is_leap_day = (shown.month, shown.day) == (2, 29)
        return shown.replace(year=shown.year - 1, day=28 if is_leap_day else shown.day).astimezone(UTC)
    return at


def _on_ramp(points: list[Mapping[str, Any]], case: Case) -> Fraction | None:
    zone, at = case.kpi.zone, case.end
    edges = [_begin(_first(point["day"], case.kpi.years), zone) for point in points]
    values = [_number(point["value"]) for point in points]
    found = None
    for place, edge in enumerate(edges):
        if at < edge:
            break
        found = values[place]
        if place + 1 < len(edges) and at < edges[place + 1]:
            part = Fraction((at - edge) // _INSTANT, (edges[place + 1] - edge) // _INSTANT)
            found += (values[place + 1] - values[place]) * part
    return found


def _share(rule: Mapping[str, Any], case: Case) -> _Bounds | None:
    """What the days of the window have of the amounts of their periods."""
    total, warning = Fraction(0), Fraction(0)
    has_warning = True
    for day, part in _days(case):
        step = _amount_on(rule, day, case)
        share = _share_of(rule["phasing"], day, case)
        if step is None or share is None:
            return None
        total += _number(step["value"]) * share * part
        has_warning = has_warning and step.get("warning") is not None
        warning += _number(step.get("warning") or 0) * share * part
    return total, warning if has_warning else None


def _periods(phasing: Mapping[str, Any], case: Case) -> Fraction:
    """How many periods the days of the window are worth; days of periods without a weight are nothing."""
    return sum((part * (_share_of(phasing, day, case) or 0) for day, part in _days(case)), Fraction(0))


def _amount_on(rule: Mapping[str, Any], day: date, case: Case) -> Mapping[str, Any] | None:
    if "value" in rule:
        return rule
    return _step(rule["by_period"], day, case.kpi.years)


def _days(case: Case) -> Iterator[tuple[date, Fraction]]:
    """The local days of the window, each with the part of it that is within; one at least."""
    zone, at = case.kpi.zone, case.start
    while at <= case.last:
        begin, end = calendars.begin("day", at, zone, Years()), calendars.end("day", at, zone, Years())
        within = max(min(end, case.end) - max(begin, case.start), timedelta(0))
        yield calendars.day_of(at, zone), Fraction(within // _INSTANT, (end - begin) // _INSTANT)
        at = end


def _share_of(phasing: Mapping[str, Any], day: date, case: Case) -> Fraction | None:
    """Which part of its period's amount *day* has."""
    key = (repr(phasing), day, case.kpi.slug)
    if key not in _SHARES:
        _SHARES[key] = _share_worked_out(phasing, day, case)
    return _SHARES[key]


_SHARES: dict[tuple[str, date, str], Fraction | None] = {}


def _share_worked_out(phasing: Mapping[str, Any], day: date, case: Case) -> Fraction | None:
    zone, years = case.kpi.zone, case.kpi.years
    noon = _begin(day, zone) + timedelta(hours=11)
    first = calendars.day_of(calendars.begin(phasing["every"], noon, zone, years), zone)
    until = calendars.day_of(calendars.end(phasing["every"], noon, zone, years), zone)
    weights = {}
    while first < until:
        weights[first] = _weight(phasing, first, years)
        first += _DAY
    total = sum(weights.values(), Fraction(0))
    return weights[day] / total if total else None


def _weight(phasing: Mapping[str, Any], day: date, years: Years) -> Fraction:
    single = {str(name): weight for name, weight in phasing.get("days", {}).items()}
    if str(day) in single:
        return _number(single[str(day)])
    weekday = phasing.get("weekdays", {}).get(_WEEKDAYS[day.weekday()], 1)
    month = _MONTHS[calendars.stands_for(day, years) - 1]
    return _number(weekday) * _number(phasing.get("months", {}).get(month, 1))


def _step(values: list[Mapping[str, Any]], day: date, years: Years) -> Mapping[str, Any] | None:
    """The last of *values* that has begun on *day*, if it says anything."""
    found = None
    for each in values:
        if _first(each["from"], years) <= day:
            found = each
    return None if found is None or found["value"] is None else found


def _first(text: object, years: Years) -> date:
    """The day with which a year, a quarter, a month or a day begins."""
    parts = str(text).split("-")
    if len(parts) == 3:
        return date(*map(int, parts))
    if years.ends is not None:
        return calendars.called(str(text), years)
    if len(parts) == 2 and not parts[1].startswith("Q"):
        return date(int(parts[0]), int(parts[1]), 1)
    first = date(int(parts[0]), years.year_start, 1)
    for _ in range(0 if len(parts) == 1 else 3 * (int(parts[1][1]) - 1)):
        first = (first + 31 * _DAY).replace(day=1)
    return first


def _begin(day: date, zone: str) -> datetime:
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=ZoneInfo(zone)).astimezone(UTC)
    return calendars.day_start(noon, zone)


def _number(number: object) -> Fraction:
    return Fraction(str(number))


def _optional(number: object) -> Fraction | None:
    return None if number is None else _number(number)
