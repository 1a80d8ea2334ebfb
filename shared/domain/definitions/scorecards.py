"""KPIs seen together: which ones, and how much each counts; what their values come to is told elsewhere."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Annotated, Self

from pydantic import BaseModel, Field, model_validator
from pydantic_core import PydanticCustomError

from shared.domain.definitions.fields import (
    CategoryName,
    Departments,
    Dimension,
    Line,
    Number,
    Paragraphs,
    RuleName,
    Slug,
    WindowName,
)
from shared.domain.definitions.kpis import Kpi
from shared.domain.definitions.objectives import Objective, with_descendants
from shared.domain.definitions.parts import MODEL
from shared.domain.definitions.rules import Broken
from shared.domain.definitions.weights import DatedWeights
from shared.domain.scores import RollUp

DimensionValue = Annotated[str, Field(max_length=256)]


class ScorecardKpi(BaseModel):
    """A KPI of a scorecard."""

    model_config = MODEL

    kpi: Slug
    """The KPI, by its slug."""

    weight: Annotated[Number, Field(gt=0)] = Decimal(1)
    """How much it counts among the others."""

    weights: DatedWeights = ()
    """Instead of weight: how much it counts from which day on, in the KPI's zone; before that nothing."""

    window: WindowName | None = None
    """Which of its windows is judged; without it, the KPI's first one."""

    dimensions: Annotated[Mapping[Dimension, DimensionValue], Field(max_length=10)] = {}
    """Which of its series is judged, by the dimensions of one of its breakdowns; without any, the total."""


class Selection(BaseModel):
    """Which KPIs a scorecard has: those with all that is said here."""

    model_config = MODEL

    objective: Line | None = None
    """Those that serve this objective, or one below it."""

    department: Line | None = None
    """Those that this department shares."""

    category: CategoryName | None = None
    """Those of this category."""

    tag: RuleName | None = None
    """Those with this tag."""

    @property
    def is_empty(self) -> bool:
        """Whether nothing is said."""
        return not (self.objective or self.department or self.category or self.tag)

    def takes(self, kpi: Kpi, objectives: Mapping[str, Objective]) -> bool:
        """Whether *kpi* is one of those that are meant."""
        meant = None if self.objective is None else with_descendants(self.objective, objectives)
        return (
            (meant is None or not meant.isdisjoint(kpi.objective))
            and self.department in (None, *kpi.department)
            and self.category in (None, kpi.category)
            and self.tag in (None, *kpi.tags)
        )


class Scorecard(BaseModel):
    """What one document of the kind Scorecard may say."""

    model_config = MODEL

    slug: RuleName
    """Names the scorecard."""

    title: Line
    """What people call it."""

    description: Paragraphs = ""
    """What it is for, and how to read it."""

    owner: Line
    """Who answers for it."""

    department: Departments = ()
    """Who shares it: one department or a list."""

    kpis: Annotated[tuple[ScorecardKpi, ...], Field(max_length=500)] = ()
    """The KPIs on it, one by one."""

    select: Selection | None = None
    """Instead of kpis: what its KPIs have in common, so that new ones come by themselves."""

    roll_up: RollUp = RollUp.MEAN
    """How the scores of its KPIs become one: mean, by weight, or worst."""

    @model_validator(mode="after")
    def _rules(self) -> Self:
        found = list(_broken(self))
        if found:
            raise PydanticCustomError("rules", "{rules}", {"rules": found})
        return self


def _broken(scorecard: Scorecard) -> Iterable[Broken]:
    select = scorecard.select
    if select is not None and select.is_empty:
        yield Broken(("select",), "say an objective, a department, a category or a tag")
    if select is not None and scorecard.kpis:
        yield Broken(("select",), "a scorecard has kpis or select, not both")
    if select is None and not scorecard.kpis:
        yield Broken((), "a scorecard has kpis, or a select that says which")
    seen: set[object] = set()
    for place, each in enumerate(scorecard.kpis):
        series = (each.kpi, each.window, frozenset(each.dimensions.items()))
        if series in seen:
            yield Broken(
                ("kpis", place, "kpi"), f"{each.kpi} is there already, with the same window and dimensions"
            )
        seen.add(series)


def members_of(
    scorecard: Scorecard, kpis: Mapping[str, Kpi], objectives: Mapping[str, Objective]
) -> tuple[ScorecardKpi, ...]:
    """The KPIs of *scorecard*: those it names, or those of *kpis* that it selects, by slug."""
    select = scorecard.select
    if select is None:
        return scorecard.kpis
    return tuple(ScorecardKpi(kpi=slug) for slug in sorted(kpis) if select.takes(kpis[slug], objectives))
