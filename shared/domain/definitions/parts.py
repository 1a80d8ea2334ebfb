"""The parts of a KPI: its business hours and its alerts; they know no event."""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from enum import StrEnum
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from shared.domain.alerts import Condition
from shared.domain.business_hours import DAYS, BusinessHours
from shared.domain.definitions.fields import (
    Breakdown,
    Duration,
    LabelName,
    LabelText,
    Number,
    RuleName,
    TimeOfDay,
    Weekdays,
    WindowName,
    broken,
)

MODEL = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, use_attribute_docstrings=True)
"""Definitions never change, and a field that is not known is a mistake to be told."""


class Severity(StrEnum):
    """How much an alert matters."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class OnHolidays(StrEnum):
    """What business hours are on the holidays of the calendar."""

    OPEN = "open"
    CLOSED = "closed"


class OpenHours(BaseModel):
    """When a business is open, by the clocks of the KPI's zone."""

    model_config = MODEL

    days: Weekdays
    """The days of the week: mon, tue, wed, thu, fri, sat, sun."""

    from_time: Annotated[TimeOfDay, Field(alias="from")]
    """The first minute of such a day, such as 09:00."""

    to_time: Annotated[TimeOfDay, Field(alias="to")]
    """The minute that is no longer one, such as 17:30, or 24:00."""

    holidays: OnHolidays = OnHolidays.OPEN
    """Whether they are on the holidays of the calendar as on other days, or there are none."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.from_time >= self.to_time:
            raise broken("business hours end after they begin, on the same day")
        return self

    def hours(self, holidays: Iterable[date]) -> BusinessHours:
        """The same as numbers, the days that are *holidays* being closed if they are to be."""
        days = tuple(sorted(DAYS.index(name) for name in self.days))
        closed = sorted((day - _FIRST).days for day in holidays) if self.holidays is OnHolidays.CLOSED else ()
        return BusinessHours(days, _minute(self.from_time), _minute(self.to_time), tuple(closed))


_FIRST = date(1970, 1, 1)


def _minute(text: str) -> int:
    hour, minute = text.split(":")
    return int(hour) * 60 + int(minute)


class Alert(BaseModel):
    """A rule that is judged whenever the KPI's value is known anew."""

    model_config = MODEL

    name: RuleName
    """Names the rule within its KPI."""

    window: WindowName
    """The window whose value is judged; one of the KPI's."""

    condition: Condition
    """How the value is compared with the threshold."""

    threshold: Number
    """What the value is compared with."""

    held_for: Annotated[Duration, Field(alias="for")] = timedelta(0)
    """How long the condition must hold before the alert fires: 0s, 90s, 5m, 2h, 1d."""

    severity: Severity = Severity.WARNING
    """How much it matters."""

    labels: Annotated[Mapping[LabelName, LabelText], Field(max_length=20)] = {}
    """For routing; what a receiver compares."""

    annotations: Annotated[Mapping[LabelName, LabelText], Field(max_length=20)] = {}
    """For people: what it means and what to do."""

    breakdown: Breakdown = ()
    """Judge every combination of these dimensions on its own; without it, the total."""
