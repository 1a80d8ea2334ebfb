"""Where definitions of each kind are found over HTTP, and as what they are told; it answers nothing."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import Path

from services.api.schemas.kinds import (
    EventTypeDefinitionBody,
    ObjectiveBody,
    ObjectivesBody,
    ScorecardBody,
    ScorecardsBody,
    Written,
    WrittenEventTypeBody,
    WrittenKpiBody,
    WrittenObjectiveBody,
    WrittenScorecardBody,
)
from shared.domain.definitions import Kind


@dataclass(frozen=True, slots=True)
class Door:
    """Where definitions of a kind are found.

    Attributes:
        noun: in the names of its operations.
        base: the address of all of them.
        item: the address of one, below that.
        named: the dependency that reads the name out of the address.
        body: what one is told as; None where that is another's business.
        written: what a change is told as.
        page: what a list is told as; None where that is another's business.
    """

    kind: Kind
    noun: str
    base: str
    item: str
    named: Callable[..., Awaitable[str]]
    written: type[Written]
    body: type[Any] | None = None
    page: type[Any] | None = None

    def address(self, name: str) -> str:
        """Where the definition called *name* is."""
        place = self.item.replace("{slug}", "{}").replace("{event_type:path}", "{}")
        return self.base + place.format(quote(name, safe=""))


async def _slug(slug: Annotated[str, Path(max_length=63)]) -> str:
    return slug


async def _event_type(event_type: Annotated[str, Path(max_length=256)]) -> str:
    return event_type


DOORS = (
    Door(Kind.KPI, "kpi", "/v1/kpis", "/{slug}", _slug, WrittenKpiBody),
    Door(
        Kind.OBJECTIVE,
        "objective",
        "/v1/objectives",
        "/{slug}",
        _slug,
        WrittenObjectiveBody,
        body=ObjectiveBody,
        page=ObjectivesBody,
    ),
    Door(
        Kind.SCORECARD,
        "scorecard",
        "/v1/scorecards",
        "/{slug}",
        _slug,
        WrittenScorecardBody,
        body=ScorecardBody,
        page=ScorecardsBody,
    ),
    Door(
        Kind.EVENT_TYPE,
        "event_type_definition",
        "/v1/event-types",
        "/{event_type:path}/definition",
        _event_type,
        WrittenEventTypeBody,
        body=EventTypeDefinitionBody,
    ),
)
