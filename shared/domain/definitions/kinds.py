"""The kinds of things that are defined, and definitions of all kinds together; they know no version."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias, assert_never

from pydantic import BaseModel

from shared.domain.definitions.event_types import EventType
from shared.domain.definitions.kpis import Kpi
from shared.domain.definitions.objectives import Objective
from shared.domain.definitions.scorecards import Scorecard


class Kind(StrEnum):
    """What a document defines, as it says itself; in the order in which they are told."""

    KPI = "KPI"
    OBJECTIVE = "Objective"
    SCORECARD = "Scorecard"
    EVENT_TYPE = "EventType"

    @property
    def noun(self) -> str:
        """What people call one of them."""
        return _NOUNS[self]


_NOUNS = {
    Kind.KPI: "KPI",
    Kind.OBJECTIVE: "objective",
    Kind.SCORECARD: "scorecard",
    Kind.EVENT_TYPE: "event type",
}

Definition: TypeAlias = Kpi | Objective | Scorecard | EventType
Other: TypeAlias = Objective | Scorecard | EventType
"""A definition that is no KPI: nothing is counted for it."""

Key: TypeAlias = tuple[Kind, str]
"""Names a definition: two kinds may use one name."""

MODELS: Mapping[Kind, type[Definition]] = {
    Kind.KPI: Kpi,
    Kind.OBJECTIVE: Objective,
    Kind.SCORECARD: Scorecard,
    Kind.EVENT_TYPE: EventType,
}


def key_of(definition: Definition) -> Key:
    """The kind and the name of *definition*."""
    match definition:
        case Kpi():
            return Kind.KPI, definition.slug
        case Objective():
            return Kind.OBJECTIVE, definition.slug
        case Scorecard():
            return Kind.SCORECARD, definition.slug
        case EventType():
            return Kind.EVENT_TYPE, definition.type
        case _:
            assert_never(definition)


def name_field(kind: Kind) -> str:
    """The field by which definitions of *kind* are named."""
    return "type" if kind is Kind.EVENT_TYPE else "slug"


def fields_of(model: type[BaseModel]) -> tuple[str, ...]:
    """The fields of *model* as a file writes them, in the order of the reference."""
    return tuple(each.alias or name for name, each in model.model_fields.items())


@dataclass(frozen=True, slots=True)
class Definitions:
    """Definitions of every kind, by name.

    Attributes:
        kpis: those that are in force, or will be.
        drafts: KPIs that are not.
    """

    kpis: Mapping[str, Kpi] = field(default_factory=dict)
    objectives: Mapping[str, Objective] = field(default_factory=dict)
    scorecards: Mapping[str, Scorecard] = field(default_factory=dict)
    event_types: Mapping[str, EventType] = field(default_factory=dict)
    drafts: Mapping[str, Kpi] = field(default_factory=dict)

    @classmethod
    def of(cls, definitions: Iterable[Definition]) -> "Definitions":
        """*definitions*, of which a later one takes the place of an earlier one with its key."""
        every = list({key_of(each): each for each in definitions}.values())
        return cls(
            kpis={each.slug: each for each in every if isinstance(each, Kpi) and not each.is_draft},
            objectives={each.slug: each for each in every if isinstance(each, Objective)},
            scorecards={each.slug: each for each in every if isinstance(each, Scorecard)},
            event_types={each.type: each for each in every if isinstance(each, EventType)},
            drafts={each.slug: each for each in every if isinstance(each, Kpi) and each.is_draft},
        )

    def by_key(self) -> dict[Key, Definition]:
        """All of them, kind by kind."""
        kinds = (self.kpis, self.drafts, self.objectives, self.scorecards, self.event_types)
        return {key_of(each): each for kind in kinds for each in kind.values()}
