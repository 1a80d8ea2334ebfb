"""The target of a KPI as its file says it; which of it must agree with what stands elsewhere."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    WrapSerializer,
)
from pydantic_core import core_schema

from shared.domain.business_hours import DAYS
from shared.domain.definitions.fields import Dimension, Line, Number, Slug, WindowName, broken
from shared.domain.definitions.target_days import DayText, day_text, first_of
from shared.domain.reckonings import Period, Reckoning
from shared.domain.targets import (
    Base,
    Fixed,
    Follow,
    Goal,
    Goals,
    Phasing,
    Point,
    Ramp,
    Rule,
    Spread,
    Step,
    Stepped,
    Steps,
)

_MODEL = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, use_attribute_docstrings=True)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_ONE = Decimal(1)


def _named(names: tuple[str, ...], what: str) -> AfterValidator:
    def check(weights: Mapping[str, Decimal]) -> Mapping[str, Decimal]:
        unknown = [name for name in weights if name not in names]
        if unknown:
            raise broken(f"there is no {what} {unknown[0]!r}; write {', '.join(names)}")
        return weights

    return AfterValidator(check)


def _days(weights: Mapping[str, Decimal]) -> Mapping[str, Decimal]:
    for text in weights:
        if len(day_text(text)) != len("2026-11-27"):
            raise broken("a day is written 2026-11-27")
    return weights


Weight = Annotated[Number, Field(ge=0, le=1_000_000)]
Ratio = Annotated[Number, Field(gt=0, lt=1)]


class DatedValue(BaseModel):
    """What holds from a day on, until the next begins."""

    model_config = _MODEL

    begin: Annotated[DayText, Field(alias="from")]
    """The year, quarter, month or day with which it begins: 2026, 2026-Q2, 2026-04 or 2026-04-01."""

    value: Number | None
    """As the value of a target; null: from then on there is none."""

    warning: Number | None = None
    """As the warning of a target."""


class LinePoint(BaseModel):
    """A value that a ramp goes through."""

    model_config = _MODEL

    day: DayText
    """The day at whose begin it is reached: 2026-04-01, or the month, quarter or year that begins with it."""

    value: Number
    """As the value of a target."""


class Phased(BaseModel):
    """How the target of each period is spread over its days; a day counts as much as its weight says."""

    model_config = _MODEL

    every: Period
    """What the target is for: each day, week, month, quarter or year."""

    weekdays: Annotated[
        Mapping[str, Weight],
        _named(DAYS, "day"),
        Field(json_schema_extra={"propertyNames": {"enum": list(DAYS)}}),
    ] = {}
    """Weights of days of the week, such as {sat: 0.5, sun: 0}; 1 for the others."""

    months: Annotated[
        Mapping[str, Weight],
        _named(_MONTHS, "month"),
        Field(json_schema_extra={"propertyNames": {"enum": list(_MONTHS)}}),
    ] = {}
    """Weights of months, such as {dec: 2}; 1 for the others. A day has the product of both."""

    days: Annotated[Mapping[str, Weight], Field(max_length=400), AfterValidator(_days)] = {}
    """Weights of single days, such as {2026-11-27: 5}, in place of that product."""

    def phasing(self, reckoning: Reckoning) -> Phasing:
        """The same as numbers."""
        return Phasing(
            self.every,
            reckoning,
            tuple(self.weekdays.get(name, _ONE) for name in DAYS),
            tuple(self.months.get(name, _ONE) for name in _MONTHS),
            tuple((date.fromisoformat(text), weight) for text, weight in self.days.items()),
        )


class Benchmark(BaseModel):
    """A series of somebody else's that a KPI is held against."""

    model_config = _MODEL

    name: Line
    """What it is called."""

    source: Line
    """Where its values come from, such as a report or an address."""

    values: Annotated[tuple[DatedValue, ...], Field(min_length=1, max_length=500)]
    """Its values, each from its begin until the next."""


class TargetRule(BaseModel):
    """What is aimed at: one of value, by_period, ramp, kpi and benchmark."""

    model_config = _MODEL

    value: Number | None = None
    """On track from here on in the better direction; with the direction band, the middle of the band."""

    warning: Number | None = None
    """At risk from here to the target; with the direction band, the distance from it at which risk ends."""

    tolerance: Number | None = None
    """Only with the direction band, and needed there: the distance from the target that is still on track."""

    at_risk: Ratio | None = None
    """In place of warning: the attainment, between 0 and 1, from which a value is at risk."""

    by_period: Annotated[tuple[DatedValue, ...], Field(max_length=500)] = ()
    """Values that change with time, each from its begin until the next."""

    phasing: Phased | None = None
    """The target is an amount for each period, of which a window has its share; of counts and sums only."""

    ramp: Annotated[tuple[LinePoint, ...], Field(max_length=100)] = ()
    """The line through two or more values on days; after the last it stays."""

    kpi: Slug | None = None
    """The KPI whose value is the target, over the same window and for the same dimensions."""

    of: Base = Base.SAME
    """Which value of that KPI: same, previous (one period earlier) or last_year."""

    total: StrictBool = False
    """Whether it is that KPI's total for every series."""

    benchmark: Benchmark | None = None
    """An external series whose value is the target."""

    times: Number = _ONE
    """What the value of that KPI or benchmark is multiplied by."""

    def rule(self, reckoning: Reckoning) -> Rule | None:
        """The same as numbers; None where nothing is aimed at."""
        if self.kpi is not None:
            return Follow(self.kpi, self.times, self.of, self.total)
        if self.benchmark is not None:
            return Stepped(_steps(self.benchmark.values, reckoning), self.times, self.benchmark.name)
        if self.ramp:
            points = (Point(first_of(each.day, reckoning=reckoning), each.value) for each in self.ramp)
            return Ramp(tuple(points))
        return self._levels(reckoning)

    def _levels(self, reckoning: Reckoning) -> Rule | None:
        steps = _steps(self.by_period, reckoning)
        if self.value is not None:
            steps = (Step(date.min, self.value, self.warning),)
        if not steps:
            return None
        if self.phasing is not None:
            return Spread(steps, self.phasing.phasing(reckoning))
        return Stepped(steps) if self.value is None else Fixed(self.value, self.warning)

    def goal(self, reckoning: Reckoning, dimensions: Mapping[str, str | None]) -> Goal | None:
        """The goal of the series that have *dimensions*; None where nothing is aimed at."""
        rule = self.rule(reckoning)
        if rule is None:
            return None
        named = tuple((name.removeprefix("data."), value) for name, value in dimensions.items())
        return Goal(rule, self.at_risk, self.tolerance, named)


def _steps(values: tuple[DatedValue, ...], reckoning: Reckoning) -> Steps:
    return tuple(Step(first_of(each.begin, reckoning=reckoning), each.value, each.warning) for each in values)


class SeriesTarget(TargetRule):
    """What is aimed at for some series in place of what holds for all others."""

    dimensions: Annotated[Mapping[Dimension, str | None], Field(min_length=1, max_length=10)]
    """The values that a series must have, such as {carrier: AA}; "*" is every value, null is none."""


class Target(TargetRule):
    """What a KPI is measured against."""

    windows: Annotated[tuple[WindowName, ...], Field(max_length=64)] = ()
    """The windows that it is for; those that no other target names, if it names none."""

    by_dimension: Annotated[tuple[SeriesTarget, ...], Field(max_length=500)] = ()
    """Targets of series, by the values of their dimensions."""

    def goals(self, reckoning: Reckoning) -> Goals:
        """The same as numbers, those that name dimensions first."""
        named = [each.goal(reckoning, each.dimensions) for each in self.by_dimension]
        own = self.goal(reckoning, {})
        return Goals(self.windows, tuple(goal for goal in (*named, own) if goal is not None))


def _listed(value: Any) -> Any:
    """One target may be written without a list."""
    if value is None:
        return ()
    return (value,) if isinstance(value, Mapping | Target) else value


def _unlisted(targets: Any, handler: core_schema.SerializerFunctionWrapHandler) -> Any:
    """One target as it is written, which is also how definitions of earlier releases have it."""
    told = handler(targets)
    return told[0] if len(told) == 1 else told


Targets = Annotated[
    tuple[Target, ...],
    Field(max_length=64),
    BeforeValidator(_listed, json_schema_input_type=Target | list[Target]),
    WrapSerializer(_unlisted),
]
