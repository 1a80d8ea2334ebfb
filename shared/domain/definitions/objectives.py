"""What an organisation wants to reach: objectives, each below another one or at the top; they know no KPI."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, Field

from shared.domain.definitions.fields import Departments, Line, Number, Paragraphs, RuleName, Slug
from shared.domain.definitions.parts import MODEL
from shared.domain.definitions.weights import DatedWeights
from shared.domain.scores import RollUp


class Objective(BaseModel):
    """What one document of the kind Objective may say."""

    model_config = MODEL

    slug: RuleName
    """Names the objective: KPIs say it in their field objective."""

    title: Line
    """What people call it."""

    description: Paragraphs = ""
    """What is to be reached, and why."""

    owner: Line
    """Who answers for it."""

    department: Departments = ()
    """Who shares it: one department or a list."""

    parent: RuleName | None = None
    """The objective that it is a part of; without one it stands at the top."""

    weight: Annotated[Number, Field(gt=0)] = Decimal(1)
    """How much it counts among the other parts of its parent."""

    weights: DatedWeights = ()
    """Instead of weight: how much it counts from which day on, in UTC; before that nothing."""

    kpi_weights: Annotated[Mapping[Slug, Annotated[Number, Field(ge=0)]], Field(max_length=500)] = {}
    """How much KPIs that serve it count among its parts, by slug; 1 where nothing is said."""

    roll_up: RollUp = RollUp.MEAN
    """How the scores of its parts become one: mean, by weight, or worst."""


def line_of_descent(slug: str, objectives: Mapping[str, Objective]) -> tuple[str, ...]:
    """*slug*, its parent, the parent of that and so on, as far as known; a circle ends where it began."""
    found: dict[str, None] = {}
    at: str | None = slug
    while at is not None and at in objectives and at not in found:
        found[at] = None
        at = objectives[at].parent
    return tuple(found)


def circle_of(slug: str, objectives: Mapping[str, Objective]) -> tuple[str, ...]:
    """The way from *slug* by way of its parents back to itself; empty if it does not come back."""
    line = line_of_descent(slug, objectives)
    if not line or objectives[line[-1]].parent != slug:
        return ()
    return (*line, slug)


def with_descendants(slug: str, objectives: Mapping[str, Objective]) -> frozenset[str]:
    """*slug*, which need not be known, and every objective below it."""
    return frozenset((slug, *_below(slug, objectives)))


def _below(slug: str, objectives: Mapping[str, Objective]) -> Iterator[str]:
    return (name for name in objectives if slug in line_of_descent(name, objectives))
