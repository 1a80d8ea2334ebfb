"""The calendars of KPIs as the API tells them."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from shared.domain.definitions import Kpi
from shared.domain.definitions.calendar_parts import Weeks
from shared.domain.reckonings import WEEKDAYS, YearEnd


@dataclass(frozen=True, slots=True)
class YearEndsBody:
    """With which day years of whole weeks end."""

    weekday: str
    month: int
    rule: Annotated[
        YearEnd, Field(description="last: the last such day of the month; nearest: to the month's last day")
    ]


@dataclass(frozen=True, slots=True)
class HolidayBody:
    """A day that is unlike others."""

    date: Annotated[str, Field(description="The local day, such as 2026-12-25")]
    name: Annotated[str | None, Field(description="What it is called in every year")]


@dataclass(frozen=True, slots=True)
class CalendarBody:
    """Which days make a week, a month, a quarter and a year."""

    week_start: Annotated[str, Field(description="The day with which weeks begin, such as monday")]
    weeks: Annotated[
        Weeks | None,
        Field(description="Weeks of the months of a quarter, a 53rd in the last; null: months are months"),
    ]
    year_ends: Annotated[YearEndsBody | None, Field(description="Of years of weeks")]
    holidays: list[HolidayBody]


def calendar_body(kpi: Kpi) -> CalendarBody | None:
    """The calendar of *kpi*, if it has one of its own."""
    if kpi.calendar is None:
        return None
    ends = kpi.calendar.year_ends
    return CalendarBody(
        week_start=WEEKDAYS[kpi.reckoning.week_start],
        weeks=kpi.calendar.weeks,
        year_ends=None if ends is None else YearEndsBody(ends.weekday, ends.month, ends.rule),
        holidays=[HolidayBody(each.day.isoformat(), each.name) for each in kpi.holidays],
    )
