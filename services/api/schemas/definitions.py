"""Definitions as the API tells them: what a KPI means, whose it is, and how it is made."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from services.api.schemas.calendars import CalendarBody, calendar_body
from services.api.schemas.values import Number
from services.api.security.redactions import shown_formula, shown_name, shown_targets
from shared.domain.aggregates import Aggregate, Per
from shared.domain.alerts import Condition
from shared.domain.definitions import Alert, Catalogue, Kind, Kpi, OpenHours, Severity
from shared.domain.definitions.formats import Format, Style
from shared.domain.definitions.lifecycles import Lifecycle
from shared.domain.definitions.parts import OnHolidays
from shared.domain.gaps import Fill
from shared.domain.targets import Direction

KpiStatus = Literal["draft", "active", "deprecated", "retired"]
"""What a definition has come to, as callers are told and as they ask for it."""

_STATUSES: Mapping[Lifecycle, KpiStatus] = {
    Lifecycle.DRAFT: "draft",
    Lifecycle.ACTIVE: "active",
    Lifecycle.DEPRECATED: "deprecated",
}


@dataclass(frozen=True, slots=True)
class RuleBody:
    """When somebody is to be told."""

    name: Annotated[str, Field(description="Unique within the KPI")]
    window: str
    condition: Condition
    threshold: Number
    for_s: Annotated[int, Field(description="Seconds the condition has to hold")]
    severity: Severity
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    breakdown: Annotated[list[str], Field(description="Judged for each combination of these; []: the total")]


@dataclass(frozen=True, slots=True)
class HoursBody:
    """When events count, by the clocks of the KPI's zone."""

    days: Annotated[list[str], Field(description="mon, tue, wed, thu, fri, sat, sun")]
    from_time: Annotated[str, Field(description="The first minute of such a day, such as 09:00")]
    to_time: Annotated[str, Field(description="The minute that is no longer one, up to 24:00")]
    holidays: Annotated[OnHolidays, Field(description="closed: not on the holidays of the calendar")]


@dataclass(frozen=True, slots=True)
class FormatBody:
    """How values are shown; the values themselves stay as they are."""

    style: Annotated[
        Style,
        Field(
            description="number; percent: a ratio, shown a hundred times as large; currency: whole units of "
            "it; duration: a length of time, counted in the KPI's unit"
        ),
    ]
    currency: Annotated[str | None, Field(description="By ISO 4217; only with the style currency")]
    decimals: Annotated[int | None, Field(description="null: as many as the value has")]


@dataclass(frozen=True, slots=True)
class KpiBody:
    """A KPI's definition in force, or kept as a draft."""

    slug: str
    version: Annotated[int, Field(description="Moves with every change of the definition")]
    status: Annotated[
        KpiStatus,
        Field(
            description="draft: kept, not counted, without values; active; deprecated: in force, not for new "
            "uses; retired: in force no more"
        ),
    ]
    replaced_by: Annotated[str | None, Field(description="The KPI to use instead of a deprecated one")]
    certified: Annotated[bool, Field(description="Somebody answers for its being right")]
    retired_at: Annotated[datetime | None, Field(description="Since when it is retired; null: it is not")]
    title: str
    description: str
    glossary: Annotated[str, Field(description="How the people of the business define it")]
    category: Annotated[
        str, Field(description="financial, operational, customer, marketing, or a word of one's own")
    ]
    owner: Annotated[str, Field(description="Who answers for it")]
    department: Annotated[list[str], Field(description="Who shares it")]
    objective: Annotated[list[str], Field(description="What it serves: objectives by their names")]
    tags: Annotated[list[str], Field(description="Short words by which it is found")]
    links: Annotated[
        Mapping[str, str], Field(description="Addresses by name, such as runbook; http or https alone")
    ]
    unit: str | None
    format: Annotated[FormatBody | None, Field(description="How its values are shown; null: as they are")]
    gaps: Annotated[Fill, Field(description="What histories tell where there is no data")]
    scale: Annotated[int, Field(description="Decimal places its values are kept at")]
    direction: Annotated[Direction, Field(description="Which way is better")]
    event_type: Annotated[str | None, Field(description="The type of the events it is made of")]
    where: Annotated[str | None, Field(description="Which of them count")]
    value: Annotated[str | None, Field(description="What is taken from each")]
    aggregate: Aggregate | None
    percentile: Annotated[Number | None, Field(description="Which percentile, from 0 to 100")]
    per: Annotated[Per | None, Field(description="What a rate is told per; null: s")]
    formula: Annotated[str | None, Field(description="Of other KPIs, by their slugs")]
    breakdowns: Annotated[
        list[list[str]], Field(description="The dimensions it is kept by, besides the total")
    ]
    windows: Annotated[list[str], Field(description="The first is the one meant when none is named")]
    zone: Annotated[str, Field(description="The IANA time zone its days begin in")]
    fiscal_year_start: Annotated[int, Field(description="The month with which its years begin")]
    calendar: Annotated[
        CalendarBody | None, Field(description="null: weeks begin on Monday, and months are the calendar's")
    ]
    business_hours: Annotated[HoursBody | None, Field(description="null: its events count at any time")]
    target: Annotated[
        list[Mapping[str, Any]],
        Field(description="What it is measured against, as KPI files say it (docs/targets.md); []: nothing"),
    ]
    alerts: list[RuleBody]
    prometheus: Annotated[bool, Field(description="Its totals are on /metrics")]


@dataclass(frozen=True, slots=True)
class KpisBody:
    """A page of definitions."""

    items: list[KpiBody]
    next_cursor: Annotated[str | None, Field(description="For the next page; null: this was the last")]


def kpi_body(catalogue: Catalogue, slug: str) -> KpiBody:
    """The definition of *slug*, which the catalogue has in force or as a draft."""
    kpi = catalogue.kpis.get(slug) or catalogue.drafts[slug]
    return as_seen(definition_body(kpi, catalogue.version_of((Kind.KPI, slug)) or 0), catalogue)


def as_seen(body: KpiBody, catalogue: Catalogue) -> KpiBody:
    """*body* without the names of KPIs that the caller whom *catalogue* was handed to may not know of."""
    return replace(
        body,
        formula=None if body.formula is None else shown_formula(body.formula, catalogue),
        replaced_by=shown_name(body.replaced_by, catalogue),
        target=shown_targets(body.target, catalogue),
    )


def definition_body(kpi: Kpi, version: int, *, retired_at: datetime | None = None) -> KpiBody:
    """One version of a definition; *retired_at* says since when it is in force no more."""
    return KpiBody(
        slug=kpi.slug,
        version=version,
        status="retired" if retired_at is not None else _STATUSES[kpi.status],
        replaced_by=kpi.replaced_by,
        certified=kpi.certified,
        retired_at=retired_at,
        title=kpi.title,
        description=kpi.description,
        glossary=kpi.glossary,
        category=kpi.category,
        owner=kpi.owner,
        department=list(kpi.department),
        objective=list(kpi.objective),
        tags=list(kpi.tags),
        links=dict(sorted(kpi.links.items())),
        unit=kpi.unit,
        format=_format(kpi.format),
        gaps=kpi.gaps or Fill.NULL,
        scale=kpi.scale,
        direction=kpi.direction,
        event_type=kpi.event_type,
        where=kpi.where,
        value=kpi.value,
        aggregate=kpi.aggregate,
        percentile=kpi.percentile,
        per=kpi.per,
        formula=kpi.formula,
        breakdowns=[list(names) for names in kpi.breakdowns if names],
        windows=list(kpi.windows),
        zone=kpi.zone,
        fiscal_year_start=kpi.fiscal_year_start,
        calendar=calendar_body(kpi),
        business_hours=_hours(kpi.business_hours),
        target=[each.model_dump(by_alias=True, exclude_defaults=True) for each in kpi.target],
        alerts=[_rule(rule) for rule in kpi.alerts],
        prometheus=kpi.prometheus,
    )


def _format(told: Format | None) -> FormatBody | None:
    return None if told is None else FormatBody(told.style, told.currency, told.decimals)


def _hours(hours: OpenHours | None) -> HoursBody | None:
    if hours is None:
        return None
    return HoursBody(list(hours.days), hours.from_time, hours.to_time, hours.holidays)


def _rule(rule: Alert) -> RuleBody:
    return RuleBody(
        name=rule.name,
        window=rule.window,
        condition=rule.condition,
        threshold=rule.threshold,
        for_s=round(rule.held_for.total_seconds()),
        severity=rule.severity,
        labels=rule.labels,
        annotations=rule.annotations,
        breakdown=list(rule.breakdown),
    )
