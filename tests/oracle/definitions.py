"""KPI files, read as plain YAML: only what a number depends on, with its defaults; nothing is checked."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any

import yaml

from tests.oracle.calendars import WEEKDAYS, Years
from tests.oracle.windows import ALIASES


@dataclass(frozen=True, slots=True)
class Hours:
    """Business hours: days of the week, Monday being 1, and the minutes of the day."""

    days: tuple[int, ...]
    first_minute: int
    end_minute: int
    closed: tuple[date, ...] = ()


@dataclass(frozen=True, slots=True)
class Definition:
    """The part of a KPI that makes its numbers."""

    slug: str
    event_type: str | None
    where: str | None
    value: str | None
    aggregate: str
    percentile: Fraction
    per: str
    scale: int
    formula: str | None
    windows: tuple[str, ...]
    breakdowns: tuple[tuple[str, ...], ...]
    zone: str
    years: Years
    holidays: Mapping[date, str | None]
    hours: Hours | None
    direction: str
    targets: tuple[Mapping[str, Any], ...]


def definitions(text: str) -> dict[str, Definition]:
    """The KPIs in force by a YAML text of one or more documents of any kind, by slug."""
    documents = [document for document in yaml.safe_load_all(text) if document]
    return {document["slug"]: _definition(document) for document in documents if _is_in_force(document)}


def _is_in_force(document: Mapping[str, Any]) -> bool:
    return document.get("kind", "KPI") == "KPI" and document.get("status") != "draft"


def _definition(document: Mapping[str, Any]) -> Definition:
    return Definition(
        slug=document["slug"],
        event_type=document.get("event_type"),
        where=document.get("where"),
        value=document.get("value"),
        aggregate=document.get("aggregate", "count"),
        percentile=Fraction(str(document.get("percentile", 0))),
        per=document.get("per", "s"),
        scale=document.get("scale", 0),
        formula=document.get("formula"),
        windows=tuple(ALIASES.get(name, name) for name in document["windows"]),
        breakdowns=tuple(_breakdown(names) for names in document.get("breakdowns", ()) if names),
        zone=document.get("zone", "UTC"),
        years=_years(document),
        holidays=holidays(document.get("calendar", {})),
        hours=_hours(document.get("business_hours"), document.get("calendar", {})),
        direction=document.get("direction", "up"),
        targets=tuple(_listed(document.get("target"))),
    )


def _years(document: Mapping[str, Any]) -> Years:
    found = document.get("calendar", {})
    if "weeks" not in found:
        week_start = _weekday(found.get("week_start", "monday"))
        return Years(year_start=document.get("fiscal_year_start", 1), week_start=week_start)
    ends = found["year_ends"]
    last = _weekday(ends["weekday"])
    return Years(week_start=last % 7 + 1, weeks=found["weeks"], ends=(last, ends["month"], ends["rule"]))


def _weekday(name: str) -> int:
    """Monday is 1; three letters are enough."""
    return next(number for number, day in enumerate(WEEKDAYS, 1) if day[:3] == name[:3])


def _listed(found: Mapping[str, Any] | list[Mapping[str, Any]] | None) -> list[Mapping[str, Any]]:
    return [] if found is None else found if isinstance(found, list) else [found]


def _hours(found: Mapping[str, Any] | None, calendar: Mapping[str, Any]) -> Hours | None:
    if found is None:
        return None
    names = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    days = tuple(number for number, name in enumerate(names, 1) if name in found["days"])
    closed = tuple(holidays(calendar)) if found.get("holidays") == "closed" else ()
    return Hours(days, _minute(found["from"]), _minute(found["to"]), closed)


def holidays(calendar: Mapping[str, Any]) -> dict[date, str | None]:
    """The names of the holidays of a calendar, by day."""
    found: dict[date, str | None] = {}
    for each in calendar.get("holidays", ()):
        named = each if isinstance(each, dict) else {"date": each}
        found[date.fromisoformat(str(named["date"]))] = named.get("name")
    return found


def _minute(text: str | int) -> int:
    """The minute of the day; without quotes YAML takes 17:30 for a number to the base of sixty."""
    if isinstance(text, int):
        return text
    hour, minute = text.split(":")
    return 60 * int(hour) + int(minute)


def _breakdown(names: str | list[str]) -> tuple[str, ...]:
    """The dimensions of a breakdown: one may stand without a list, and `data.` may stand before each."""
    return tuple(name.removeprefix("data.") for name in ([names] if isinstance(names, str) else names))
