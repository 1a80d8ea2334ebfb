"""Event types as the API tells them: how often they come and what they are made of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import Field

from services.api.schemas.values import Number
from shared.domain.definitions.event_types import EventType, OnViolation
from shared.domain.definitions.plans import spec_of
from shared.domain.observations.fields import ObservedField
from shared.domain.observations.guesses import expression_of
from shared.domain.observations.rates import Rates
from shared.domain.observations.suggestions import suggested, suggestions_text
from shared.domain.observations.types import Observed
from shared.storage.observations import SeenType

_SHARE = Decimal("0.0001")
"""Shares come from samples: more digits would say nothing."""


@dataclass(frozen=True, slots=True)
class RateBody:
    """How many events arrived lately."""

    events: int
    since: Annotated[
        datetime, Field(description="From when on: the stretch before now, and up to a sixth of it more")
    ]


@dataclass(frozen=True, slots=True)
class RatesBody:
    """How many events arrived within the last minute, hour and day, by ingest's clock."""

    minute: RateBody
    hour: RateBody
    day: RateBody


@dataclass(frozen=True, slots=True)
class EventTypeBody:
    """A type of events that was seen or is declared."""

    type: Annotated[str, Field(description="The type attribute of the events")]
    declared: Annotated[bool, Field(description="The catalogue has an EventType of that name")]
    description: Annotated[str | None, Field(description="When they are sent; null: not declared")]
    owner: Annotated[str | None, Field(description="Who sends them; null: not declared")]
    on_violation: Annotated[
        OnViolation | None, Field(description="What becomes of those that break the schema; null: no schema")
    ]
    events: Annotated[int, Field(description="How many arrived; copies count as often as they came")]
    flagged: Annotated[int, Field(description="How many of them broke the schema and were passed on")]
    rejected: Annotated[int, Field(description="How many more were refused because of the schema")]
    rates: RatesBody
    first_seen_at: Annotated[datetime | None, Field(description="By ingest's clock; null: never seen")]
    last_seen_at: datetime | None
    kpis: Annotated[list[str], Field(description="The KPIs that count them, by slug")]


@dataclass(frozen=True, slots=True)
class EventTypesBody:
    """A page of event types, by name."""

    items: list[EventTypeBody]
    other_events: Annotated[
        int, Field(description="Events of types beyond the 500 that are told apart; 0 unless types run wild")
    ]
    next_cursor: Annotated[str | None, Field(description="Ask with cursor= for what follows; null: the end")]


@dataclass(frozen=True, slots=True)
class ObservedFieldBody:
    """A field of the events of a type, as met in those that were looked into."""

    path: Annotated[
        str, Field(description="Names with dots between them; [] is any element, * a name that is a value")
    ]
    expression: Annotated[
        str | None, Field(description="How a KPI reads it; null: within an array, or under * , none can")
    ]
    share: Annotated[Number, Field(description="The share of the events looked into that have it, 0 to 1")]
    types: Annotated[
        Mapping[str, int],
        Field(description="How many values were string, integer, number, boolean, null, object, array"),
    ]
    examples: Annotated[
        list[Any], Field(description="Different values, eight at most; masked with *** when personal")
    ]
    min: Annotated[Number | None, Field(description="The smallest number; null: no numbers, or personal")]
    max: Annotated[Number | None, Field(description="The largest number; null: no numbers, or personal")]
    decimals: Annotated[int, Field(description="The most digits behind the point that a number has")]
    distinct: Annotated[
        int | None,
        Field(description="Different values met: exact up to 1,024, else within 2.5 %; null: personal"),
    ]
    personal: Annotated[bool, Field(description="Values may tell of persons and are never stored")]


@dataclass(frozen=True, slots=True)
class ViolationBody:
    """One way in which events broke the schema of their type."""

    field: Annotated[str, Field(description="Where in the event")]
    rule: Annotated[str, Field(description="Which rule of the schema")]
    events: Annotated[int, Field(description="How often, flagged and rejected together")]


@dataclass(frozen=True, slots=True)
class EventTypeDetailBody(EventTypeBody):
    """A type of events with its fields."""

    sampled: Annotated[
        int, Field(description="How many events were looked into: what fields say is of these")
    ]
    fields: Annotated[list[ObservedFieldBody], Field(description="By path, 200 at most")]
    has_more_fields: Annotated[bool, Field(description="There are fields beyond those 200")]
    violations: Annotated[
        list[ViolationBody], Field(description="The first twenty ways, most frequent first")
    ]


@dataclass(frozen=True, slots=True)
class SuggestionBody:
    """A draft of a KPI."""

    why: Annotated[str, Field(description="What was seen that speaks for it")]
    definition: Annotated[Mapping[str, Any], Field(description="The fields of a KPI file, but for its head")]


@dataclass(frozen=True, slots=True)
class SuggestionsBody:
    """Drafts of KPIs from what was seen of a type."""

    type: Annotated[str, Field(description="The type attribute of the events")]
    sampled: Annotated[int, Field(description="How many events were looked into")]
    items: Annotated[list[SuggestionBody], Field(description="The most useful first; together they lint")]
    text: Annotated[str, Field(description="The same as a KPI file, with the reasons as comments")]


@dataclass(frozen=True, slots=True)
class Told:
    """Everything that is told of a type.

    Attributes:
        seen: None if no event of it was.
        declared: None if the catalogue does not have it.
        kpis: those that count it, by slug.
    """

    event_type: str
    seen: SeenType | None
    rates: Rates
    declared: EventType | None
    kpis: Sequence[str]


def event_type_body(told: Told) -> EventTypeBody:
    """A type as a listing tells it."""
    return EventTypeBody(**_head(told))


def event_type_detail(told: Told) -> EventTypeDetailBody:
    """A type with everything that is known of it."""
    observed = _observed(told)
    violations = [
        ViolationBody(found.field, found.rule, count) for found, count in observed.violations.items()
    ]
    return EventTypeDetailBody(
        **_head(told),
        sampled=observed.sampled,
        fields=[_field(path, each, observed) for path, each in sorted(observed.fields.items())],
        has_more_fields=observed.has_more_fields,
        violations=sorted(violations, key=_most_frequent_first),
    )


def suggestions_body(told: Told) -> SuggestionsBody:
    """Drafts from what is told of a type, with the owner that it is declared with."""
    observed, owner = _observed(told), told.declared.owner if told.declared else None
    drafts = suggested(told.event_type, observed, owner=owner)
    return SuggestionsBody(
        type=told.event_type,
        sampled=observed.sampled,
        items=[SuggestionBody(each.why, spec_of(each.kpi)) for each in drafts],
        text=suggestions_text(drafts, sampled=observed.sampled),
    )


def _observed(told: Told) -> Observed:
    """What was seen; what was declared personal meanwhile is masked at once."""
    observed = told.seen.observed if told.seen else Observed()
    return observed.scrubbed(told.declared.personal if told.declared else ())


def _most_frequent_first(body: ViolationBody) -> tuple[int, str, str]:
    return (-body.events, body.field, body.rule)


def _head(told: Told) -> dict[str, Any]:
    seen, declared = told.seen, told.declared
    observed = seen.observed if seen else Observed()
    has_schema = declared is not None and declared.json_schema is not None
    return {
        "type": told.event_type,
        "declared": declared is not None,
        "description": declared.description if declared else None,
        "owner": declared.owner if declared else None,
        "on_violation": declared.on_violation if declared and has_schema else None,
        "events": observed.events,
        "flagged": observed.flagged,
        "rejected": observed.rejected,
        "rates": RatesBody(**{name: RateBody(each.events, each.since) for name, each in told.rates.items()}),
        "first_seen_at": seen.first_seen_at if seen else None,
        "last_seen_at": seen.last_seen_at if seen else None,
        "kpis": list(told.kpis),
    }


def _field(path: str, field: ObservedField, observed: Observed) -> ObservedFieldBody:
    return ObservedFieldBody(
        path=path,
        expression=expression_of(path),
        share=(Decimal(field.present) / max(observed.sampled, 1)).quantize(_SHARE),
        types=field.types,
        examples=list(field.examples),
        min=field.low,
        max=field.high,
        decimals=field.decimals,
        distinct=None if field.is_personal else field.distinct.count,
        personal=field.is_personal,
    )
