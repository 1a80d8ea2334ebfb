"""The calendar of a KPI as its file says it: when weeks begin, and years of weeks; it knows no event."""

import re
from datetime import date
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, StrictInt, model_validator

from shared.domain.business_hours import DAYS
from shared.domain.definitions.fields import Line, broken
from shared.domain.definitions.parts import MODEL
from shared.domain.holidays import Holiday
from shared.domain.reckonings import WEEKDAYS, Reckoning, WeekYears, YearEnd

_DAY_TEXT = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"


def _in_full(value: Any) -> Any:
    """The name of a day of the week, which may be cut to three letters as business hours have it."""
    return WEEKDAYS[DAYS.index(value)] if value in DAYS else value


def _weekday(name: str) -> str:
    if name not in WEEKDAYS:
        raise broken(f"there is no day {name!r}; the days are {', '.join(WEEKDAYS)}")
    return name


Weekday = Annotated[
    str,
    BeforeValidator(_in_full),
    AfterValidator(_weekday),
    Field(json_schema_extra={"enum": [*WEEKDAYS, *DAYS]}),
]


class Weeks(StrEnum):
    """How many weeks the three months of a quarter have."""

    LONG_LAST = "4-4-5"
    LONG_MIDDLE = "4-5-4"
    LONG_FIRST = "5-4-4"

    @property
    def counts(self) -> tuple[int, int, int]:
        """The same as numbers."""
        first, middle, last = map(int, self.value.split("-"))
        return first, middle, last


class YearEnds(BaseModel):
    """With which day years of whole weeks end."""

    model_config = MODEL

    weekday: Weekday
    """The day of the week: monday, tuesday, wednesday, thursday, friday, saturday or sunday."""

    month: Annotated[StrictInt, Field(ge=1, le=12)]
    """The month, 1 to 12."""

    rule: YearEnd
    """Which of these days: the last of the month, or the one nearest to the last day of the month."""


def _day(text: str) -> str:
    try:
        return date.fromisoformat(text if re.fullmatch(_DAY_TEXT, text) else "").isoformat()
    except ValueError as error:
        raise broken(f"there is no day {text!r}; a day is written 2026-12-25") from error


class NamedDay(BaseModel):
    """A holiday."""

    model_config = MODEL

    date: Annotated[str, AfterValidator(_day), Field(json_schema_extra={"pattern": _DAY_TEXT})]
    """The day, such as 2026-12-25."""

    name: Line | None = None
    """What it is called in every year."""


def _named(value: Any) -> Any:
    """A day may be written by itself."""
    return {"date": value} if isinstance(value, str) else value


def _each_once(days: tuple[NamedDay, ...]) -> tuple[NamedDay, ...]:
    seen: set[str] = set()
    for each in days:
        if each.date in seen:
            raise broken(f"the holiday {each.date} is there twice")
        seen.add(each.date)
    return days


Holidays = Annotated[
    tuple[
        Annotated[
            NamedDay,
            BeforeValidator(
                _named, json_schema_input_type=NamedDay | Annotated[str, Field(pattern=_DAY_TEXT)]
            ),
        ],
        ...,
    ],
    Field(max_length=1000),
    AfterValidator(_each_once),
]


class KpiCalendar(BaseModel):
    """Which days make a week, a month, a quarter and a year."""

    model_config = MODEL

    week_start: Weekday | None = None
    """The day with which weeks begin; without it Monday, or the day after the one that years of weeks
    end with."""

    weeks: Weeks | None = None
    """Months, quarters and years of whole weeks: 4-4-5, 4-5-4 or 5-4-4 weeks for the months of a quarter. A
    53rd week belongs to the last month of its year."""

    year_ends: YearEnds | None = None
    """With which day the years of weeks end; only with weeks, and needed there."""

    holidays: Holidays = ()
    """Days that are unlike others, such as 2026-12-25 or {date: 2026-11-26, name: Thanksgiving}."""

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if self.weeks is not None and self.year_ends is None:
            raise broken(
                "with which day do years of weeks end? such as "
                "year_ends: {weekday: saturday, month: 1, rule: nearest}"
            )
        if self.weeks is None and self.year_ends is not None:
            raise broken("year_ends is for years of weeks: say weeks: 4-4-5, 4-5-4 or 5-4-4")
        if self.year_ends is not None and self.week_start is not None:
            following = WEEKDAYS[(WEEKDAYS.index(self.year_ends.weekday) + 1) % 7]
            if self.week_start != following:
                raise broken(
                    f"years that end on a {self.year_ends.weekday} have weeks that begin on {following}"
                )
        return self

    @property
    def days_off(self) -> tuple[Holiday, ...]:
        """The holidays, as the engine has them."""
        return tuple(Holiday(date.fromisoformat(each.date), each.name) for each in self.holidays)

    def reckoning(self, year_start: int) -> Reckoning:
        """The same as numbers; without years of weeks, years begin with the month *year_start*."""
        if self.weeks is None or self.year_ends is None:
            return Reckoning(year_start, WEEKDAYS.index(self.week_start or WEEKDAYS[0]))
        last = WEEKDAYS.index(self.year_ends.weekday)
        years = WeekYears(self.weeks.counts, self.year_ends.month, last, self.year_ends.rule)
        return Reckoning(1, (last + 1) % 7, years)
