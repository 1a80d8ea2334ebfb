"""Objectives, scorecards and event types as the API tells them, and versions and changes of every kind."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from services.api.schemas.definitions import KpiBody
from services.api.schemas.values import Number
from shared.domain.definitions import Action, Change, EventType, Objective, Problem, Scorecard
from shared.domain.definitions.event_types import OnViolation
from shared.domain.definitions.scorecards import ScorecardKpi, Selection
from shared.domain.definitions.weights import DatedWeight
from shared.domain.scores import RollUp

Version = Annotated[int, Field(description="Moves with every change of the definition")]
RetiredAt = Annotated[
    datetime | None, Field(description="Since when it is in force no more; null: it is in force")
]


@dataclass(frozen=True, slots=True)
class DatedWeightBody:
    """A weight and the day with which it begins."""

    from_day: Annotated[str, Field(description="The first day, such as 2026-01-01")]
    weight: Number


Weights = Annotated[
    list[DatedWeightBody], Field(description="Instead of weight: how much it counts from which day on")
]


@dataclass(frozen=True, slots=True)
class ObjectiveBody:
    """What is to be reached."""

    slug: str
    version: Version
    title: str
    description: str
    owner: Annotated[str, Field(description="Who answers for it")]
    department: Annotated[list[str], Field(description="Who shares it")]
    parent: Annotated[str | None, Field(description="The objective it is a part of; null: it is at the top")]
    weight: Annotated[Number, Field(description="How much it counts among the parts of its parent")]
    weights: Weights
    kpi_weights: Annotated[
        Mapping[str, Number], Field(description="How much KPIs count that serve it; 1 for those not named")
    ]
    roll_up: RollUp
    retired_at: RetiredAt


@dataclass(frozen=True, slots=True)
class MemberBody:
    """A KPI of a scorecard."""

    kpi: str
    weight: Annotated[Number, Field(description="How much it counts among the others")]
    weights: Weights
    window: Annotated[str | None, Field(description="null: the KPI's first one")]
    dimensions: Annotated[Mapping[str, str], Field(description="Its series; {}: the total")]


@dataclass(frozen=True, slots=True)
class SelectionBody:
    """What the KPIs of a scorecard have in common; null says nothing."""

    objective: Annotated[str | None, Field(description="They serve it, or one below it")]
    department: str | None
    category: str | None
    tag: str | None


@dataclass(frozen=True, slots=True)
class ScorecardBody:
    """KPIs seen together."""

    slug: str
    version: Version
    title: str
    description: str
    owner: Annotated[str, Field(description="Who answers for it")]
    department: Annotated[list[str], Field(description="Who shares it")]
    kpis: Annotated[list[MemberBody], Field(description="Empty where they are selected")]
    select: SelectionBody | None
    roll_up: RollUp
    retired_at: RetiredAt


@dataclass(frozen=True, slots=True)
class EventTypeDefinitionBody:
    """What events of a type look like, as their senders promise."""

    type: str
    version: Version
    description: str
    owner: Annotated[str, Field(description="Who sends them and answers for them")]
    schema: Annotated[
        dict[str, Any] | None, Field(description="The JSON Schema of their data; null: any data will do")
    ]
    on_violation: OnViolation
    personal: Annotated[list[str], Field(description="Fields of their data that tell of persons")]
    retired_at: RetiredAt


@dataclass(frozen=True, slots=True)
class ObjectivesBody:
    """A page of objectives."""

    items: list[ObjectiveBody]
    next_cursor: Annotated[str | None, Field(description="For the next page; null: this was the last")]


@dataclass(frozen=True, slots=True)
class ScorecardsBody:
    """A page of scorecards."""

    items: list[ScorecardBody]
    next_cursor: Annotated[str | None, Field(description="For the next page; null: this was the last")]


@dataclass(frozen=True, slots=True)
class VersionBody:
    """One version of a definition; it never changes."""

    version: int
    created_at: Annotated[datetime, Field(description="When it was put in force, or kept as a draft")]
    spec: Annotated[
        dict[str, Any], Field(description="The fields as a KPI file has them, without those of their default")
    ]


@dataclass(frozen=True, slots=True)
class VersionsBody:
    """A page of versions, oldest first."""

    retired_at: RetiredAt
    items: list[VersionBody]
    next_cursor: Annotated[str | None, Field(description="For the next page; null: this was the last")]


@dataclass(frozen=True, slots=True)
class DifferenceBody:
    """A field that changes; null stands for a field that is not there, or has its default."""

    field: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class ChangedBody:
    """What a request changes."""

    action: Action
    version: Annotated[int, Field(description="The newest one afterwards")]
    differences: list[DifferenceBody]
    starts_counting: Annotated[
        list[list[str]],
        Field(description="Breakdowns whose counting begins anew, [] being the total; only of KPIs"),
    ]


@dataclass(frozen=True, slots=True)
class Written:
    """What has become of a definition, or would."""

    change: ChangedBody
    warnings: Annotated[list[str], Field(description="What is allowed and probably not meant")]
    applied: Annotated[
        bool, Field(description="false: with dry_run nothing has changed, with backfill it has not yet")
    ]
    backfill: Annotated[
        int | None, Field(description="The backfill after which it comes into force; null: there is none")
    ]


@dataclass(frozen=True, slots=True)
class WrittenKpiBody(Written):
    """A KPI that was written, and how it differs."""

    definition: KpiBody


@dataclass(frozen=True, slots=True)
class WrittenObjectiveBody(Written):
    """An objective that was written, and how it differs."""

    definition: ObjectiveBody


@dataclass(frozen=True, slots=True)
class WrittenScorecardBody(Written):
    """A scorecard that was written, and how it differs."""

    definition: ScorecardBody


@dataclass(frozen=True, slots=True)
class WrittenEventTypeBody(Written):
    """The definition of an event type that was written, and how it differs."""

    definition: EventTypeDefinitionBody


def changed_body(change: Change) -> ChangedBody:
    """What *change* does."""
    return ChangedBody(
        action=change.action,
        version=change.version,
        differences=[DifferenceBody(each.field, each.before, each.after) for each in change.differences],
        starts_counting=[list(names) for names in change.starts_counting],
    )


def warning_text(problem: Problem) -> str:
    """A warning as a sentence, with its place in the body where that is a text."""
    place = problem.place
    return problem.message if place is None else f"{place.line}:{place.column}: {problem.message}"


def objective_body(each: Objective, version: int, *, retired_at: datetime | None = None) -> ObjectiveBody:
    """One version of an objective."""
    return ObjectiveBody(
        slug=each.slug,
        version=version,
        title=each.title,
        description=each.description,
        owner=each.owner,
        department=list(each.department),
        parent=each.parent,
        weight=each.weight,
        weights=_weights(each.weights),
        kpi_weights=dict(sorted(each.kpi_weights.items())),
        roll_up=each.roll_up,
        retired_at=retired_at,
    )


def scorecard_body(each: Scorecard, version: int, *, retired_at: datetime | None = None) -> ScorecardBody:
    """One version of a scorecard."""
    return ScorecardBody(
        slug=each.slug,
        version=version,
        title=each.title,
        description=each.description,
        owner=each.owner,
        department=list(each.department),
        kpis=[_member(kpi) for kpi in each.kpis],
        select=_selection(each.select),
        roll_up=each.roll_up,
        retired_at=retired_at,
    )


def event_type_definition_body(
    each: EventType, version: int, *, retired_at: datetime | None = None
) -> EventTypeDefinitionBody:
    """One version of the definition of an event type."""
    return EventTypeDefinitionBody(
        type=each.type,
        version=version,
        description=each.description,
        owner=each.owner,
        schema=each.json_schema,
        on_violation=each.on_violation,
        personal=list(each.personal),
        retired_at=retired_at,
    )


def _member(each: ScorecardKpi) -> MemberBody:
    return MemberBody(
        kpi=each.kpi,
        weight=each.weight,
        weights=_weights(each.weights),
        window=each.window,
        dimensions=dict(sorted(each.dimensions.items())),
    )


def _weights(weights: Iterable[DatedWeight]) -> list[DatedWeightBody]:
    return [DatedWeightBody(each.from_day, each.weight) for each in weights]


def _selection(each: Selection | None) -> SelectionBody | None:
    return None if each is None else SelectionBody(each.objective, each.department, each.category, each.tag)
