"""Lineage as the API and the command line tell it."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from services.api.security.views import visible_kpis
from shared.domain.definitions import Catalogue
from shared.domain.lineage import EventUse, Role, lineage
from shared.domain.lineage_uses import uses_of


@dataclass(frozen=True, slots=True)
class LineageFieldBody:
    """A field of events and what it is needed for."""

    field: Annotated[str, Field(description="As in an expression: data.amount, subject")]
    used_as: Annotated[
        list[Role],
        Field(description="filter: decides which events count; value: is taken from each; dimension: tells "
              "the series of a breakdown apart"),
    ]  # fmt: skip


@dataclass(frozen=True, slots=True)
class EventsBody:
    """Events that a KPI is made of."""

    kpi: Annotated[str, Field(description="The KPI that counts them: itself, or one its formula comes to")]
    event_type: str
    fields: Annotated[list[LineageFieldBody], Field(description="By name")]


@dataclass(frozen=True, slots=True)
class OperandBody:
    """A KPI that another one is made of."""

    kpi: str
    distance: Annotated[int, Field(description="1: the formula names it; 2: a formula in it does, ...")]
    read_by: Annotated[list[str], Field(description="Who reads it on the way down, the KPI itself included")]


@dataclass(frozen=True, slots=True)
class UserBody:
    """A KPI that uses another one."""

    kpi: str
    distance: Annotated[int, Field(description="1: its formula names the KPI; 2: a formula in it does, ...")]
    reads: Annotated[list[str], Field(description="What it reads on the way up, the KPI itself included")]


@dataclass(frozen=True, slots=True)
class RuleRefBody:
    """An alert rule."""

    kpi: Annotated[str, Field(description="The KPI it belongs to: this one, or one that uses it")]
    rule: Annotated[str, Field(description="Its name, unique within the KPI")]


@dataclass(frozen=True, slots=True)
class LineageBody:
    """What a KPI is made of and who uses it."""

    kpi: str
    version: Annotated[int, Field(description="The version of the definition in force")]
    events: Annotated[list[EventsBody], Field(description="What it comes down to, by KPI")]
    made_of: Annotated[list[OperandBody], Field(description="The KPIs of its formula, the nearest first")]
    used_by: Annotated[list[UserBody], Field(description="The formulas it is in, the nearest first")]
    followed_by: Annotated[list[str], Field(description="The KPIs of which a target follows it, by slug")]
    scorecards: Annotated[list[str], Field(description="Those it stands on, named or selected, by slug")]
    objectives: Annotated[list[str], Field(description="Those it serves, or that weigh it, by slug")]
    alerts: Annotated[list[RuleRefBody], Field(description="Judged on it, then on what uses it")]
    hidden: Annotated[
        int, Field(description="How many KPIs of its lineage the caller may not see; they are left out")
    ]


@dataclass(frozen=True, slots=True)
class AffectedBody:
    """A KPI that needs what was asked about."""

    kpi: str
    version: Annotated[int, Field(description="The version of the definition in force")]
    events: Annotated[list[EventsBody], Field(description="What it needs of it, and by way of which KPI")]
    followed_by: Annotated[list[str], Field(description="The KPIs of which a target follows it, by slug")]
    scorecards: Annotated[list[str], Field(description="Those it stands on, named or selected, by slug")]
    objectives: Annotated[list[str], Field(description="Those it serves, or that weigh it, by slug")]
    alerts: Annotated[list[str], Field(description="The names of its rules")]


@dataclass(frozen=True, slots=True)
class AffectedPageBody:
    """A page of the KPIs that break or change when a type of events, or a field of them, goes away."""

    event_type: Annotated[str | None, Field(description="As asked; null: every type")]
    field: Annotated[str | None, Field(description="As asked, in one spelling; null: the events themselves")]
    items: Annotated[list[AffectedBody], Field(description="By slug")]
    next_cursor: Annotated[str | None, Field(description="For the next page; null: this was the last")]


def lineage_body(catalogue: Catalogue, slug: str) -> LineageBody:
    """The lineage of *slug*, which the catalogue has, as far as its caller may see it."""
    found, visible = lineage(catalogue, slug), visible_kpis(catalogue)
    uses = uses_of(catalogue, slug)
    others = {each.slug for each in (*found.made_of, *found.used_by)} | set(uses.followed_by)
    return LineageBody(
        kpi=slug,
        version=catalogue.versions[slug],
        events=_events(found.events, visible),
        made_of=[
            OperandBody(each.slug, each.distance, _seen(each.neighbours, visible))
            for each in found.made_of
            if each.slug in visible
        ],
        used_by=[
            UserBody(each.slug, each.distance, _seen(each.neighbours, visible))
            for each in found.used_by
            if each.slug in visible
        ],
        followed_by=_seen(uses.followed_by, visible),
        scorecards=list(uses.scorecards),
        objectives=list(uses.objectives),
        alerts=[RuleRefBody(owner, name) for owner, name in found.rules if owner in visible],
        hidden=len(others - visible.keys()),
    )


def affected_body(catalogue: Catalogue, slug: str, uses: Iterable[EventUse]) -> AffectedBody:
    """What *slug*, which the catalogue has, needs of the events that were asked about."""
    visible, users = visible_kpis(catalogue), uses_of(catalogue, slug)
    return AffectedBody(
        kpi=slug,
        version=catalogue.versions[slug],
        events=_events(uses, visible),
        followed_by=_seen(users.followed_by, visible),
        scorecards=list(users.scorecards),
        objectives=list(users.objectives),
        alerts=[alert.name for alert in catalogue.kpis[slug].alerts],
    )


def _seen(slugs: Iterable[str], visible: Collection[str]) -> list[str]:
    return [slug for slug in slugs if slug in visible]


def _events(uses: Iterable[EventUse], visible: Collection[str]) -> list[EventsBody]:
    return [
        EventsBody(
            use.slug, use.event_type, [LineageFieldBody(each.text, list(each.roles)) for each in use.fields]
        )
        for use in uses
        if use.slug in visible
    ]
