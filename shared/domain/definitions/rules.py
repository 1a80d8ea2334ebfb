"""What the fields of one KPI must keep to between them; each broken rule is told at its field."""

from collections.abc import Iterator
from typing import NamedTuple

from pydantic_core import PydanticCustomError

from shared.domain.aggregates import NEEDS_NO_VALUE, Aggregate
from shared.domain.definitions.currencies import CURRENCIES
from shared.domain.definitions.formats import LENGTHS, Style
from shared.domain.definitions.lifecycles import Lifecycle
from shared.domain.definitions.parts import OnHolidays
from shared.domain.definitions.specs import KpiSpec
from shared.domain.definitions.target_rules import target_faults
from shared.domain.expressions import ExpressionError, parse_value
from shared.domain.windows import Sliding, parse_window

Path = tuple[str | int, ...]


class Broken(NamedTuple):
    """What is wrong with a field.

    Attributes:
        path: of the field.
        within: line and column inside its text, where it has one.
    """

    path: Path
    message: str
    within: tuple[int, int] | None = None


Found = Iterator[tuple[Path, str] | Broken]


def check_rules(kpi: KpiSpec) -> None:
    """Raise one error that lists every rule that *kpi* breaks, if it breaks any."""
    found = [
        *_standing(kpi),
        *_format(kpi),
        *_source(kpi),
        *_aggregate(kpi),
        *_calendar(kpi),
        *_windows(kpi),
        *_breakdowns(kpi),
        *target_faults(kpi),
        *_alerts(kpi),
    ]
    if found:
        raise PydanticCustomError("rules", "{rules}", {"rules": [Broken(*one) for one in found]})


def _standing(kpi: KpiSpec) -> Found:
    if kpi.replaced_by is None:
        return
    if kpi.status is not Lifecycle.DEPRECATED:
        yield ("replaced_by",), "replaced_by is for KPIs with the status deprecated"
    if kpi.replaced_by == kpi.slug:
        yield ("replaced_by",), "a KPI is replaced by another one"


def _format(kpi: KpiSpec) -> Found:
    if kpi.format is None:
        return
    style, currency = kpi.format.style, kpi.format.currency
    if style is Style.CURRENCY and currency is None:
        yield ("format",), "which currency? such as currency: EUR"
    if style is not Style.CURRENCY and currency is not None:
        yield ("format", "currency"), "currency is for the style currency"
    if currency is not None and kpi.unit in CURRENCIES - {currency}:
        yield ("format", "currency"), f"the unit is {kpi.unit}"
    if style is Style.DURATION and kpi.unit not in LENGTHS:
        yield ("format", "style"), f"the style duration needs a unit of time: {', '.join(LENGTHS)}"


def _source(kpi: KpiSpec) -> Found:
    if kpi.formula is not None:
        for name in ("event_type", "where", "value", "aggregate", "percentile", "per", "business_hours"):
            if getattr(kpi, name) is not None:
                yield (name,), f"a KPI with a formula has no {name}: it is made of other KPIs, not of events"
        if kpi.scale:
            yield ("scale",), "scale is for the values of events; a formula is exact to 34 digits"
        return
    if kpi.event_type is None and kpi.aggregate is None:
        yield (), "a KPI is made of events (event_type and aggregate) or has a formula"
    elif kpi.event_type is None:
        yield (), "event_type is missing: which events does it count?"
    elif kpi.aggregate is None:
        yield (), f"aggregate is missing: {', '.join(Aggregate)}"
    if kpi.value is None and kpi.scale:
        yield ("scale",), "scale is for the value of events, and there is no value"


def _aggregate(kpi: KpiSpec) -> Found:
    """What the aggregate needs, and what it has no use for."""
    if kpi.aggregate is None:
        return
    if kpi.aggregate not in NEEDS_NO_VALUE and kpi.value is None:
        yield ("aggregate",), f"{kpi.aggregate} needs a value to work on, such as value: data.amount"
    if kpi.aggregate is Aggregate.PERCENTILE and kpi.percentile is None:
        yield ("aggregate",), "which percentile? such as percentile: 95"
    if kpi.aggregate is not Aggregate.PERCENTILE and kpi.percentile is not None:
        yield ("percentile",), f"percentile is for the aggregate percentile, and this is {kpi.aggregate}"
    if kpi.aggregate is not Aggregate.RATE and kpi.per is not None:
        yield ("per",), f"per is for the aggregate rate, and this is {kpi.aggregate}"
    if kpi.aggregate is Aggregate.DISTINCT:
        if kpi.scale:
            yield ("scale",), "scale is for numbers; distinct tells values apart as they are"
    elif kpi.value is not None:
        yield from _number(kpi.value)


def _number(value: str) -> Found:
    try:
        parse_value(value)
    except ExpressionError as error:
        yield Broken(("value",), error.message, (error.line, error.column))


def _calendar(kpi: KpiSpec) -> Found:
    if kpi.reckoning.years is not None and kpi.fiscal_year_start != 1:
        yield (
            ("fiscal_year_start",),
            "years of weeks end as year_ends says: leave fiscal_year_start out",
        )
    hours = kpi.business_hours
    if hours is not None and hours.holidays is OnHolidays.CLOSED and not kpi.holidays:
        yield ("business_hours", "holidays"), "which holidays? such as calendar: {holidays: [2026-12-25]}"


def _windows(kpi: KpiSpec) -> Found:
    seen: dict[object, str] = {}
    for place, name in enumerate(kpi.windows):
        window = parse_window(name)
        length = window.length if isinstance(window, Sliding) else window.name
        if length in seen:
            yield ("windows", place), f"the window {name} is the same as {seen[length]}"
        seen.setdefault(length, name)


def _breakdowns(kpi: KpiSpec) -> Found:
    seen: set[frozenset[str]] = set()
    for place, names in enumerate(kpi.breakdowns):
        if frozenset(names) in seen:
            yield ("breakdowns", place), f"the breakdown by {', '.join(names) or 'nothing'} is there already"
        seen.add(frozenset(names))


def _alerts(kpi: KpiSpec) -> Found:
    names: set[str] = set()
    kept = set(kpi.all_breakdowns)
    for place, alert in enumerate(kpi.alerts):
        if alert.name in names:
            yield ("alerts", place, "name"), f"there is another alert {alert.name}"
        names.add(alert.name)
        if alert.window not in kpi.windows:
            yield ("alerts", place, "window"), f"{alert.window} is not among the KPI's windows"
        if alert.breakdown not in kept:
            joined = ", ".join(alert.breakdown)
            yield ("alerts", place, "breakdown"), f"[{joined}] is not among the KPI's breakdowns"
        if "severity" in alert.labels:
            yield ("alerts", place, "labels", "severity"), "severity is a field of its own, not a label"
