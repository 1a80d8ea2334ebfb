"""Scores as the API tells them: of cards, of what they make up, and how they have gone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from fractions import Fraction
from typing import Annotated

from pydantic import Field

from services.api.schemas.comparisons import ComparisonBody, compared_body
from services.api.schemas.values import Number, ValueBody, value_body
from services.api.scoring import Card
from shared.domain.score_trees import Branch, Scored, Series
from shared.domain.scores import RollUp, standing, to_places
from shared.domain.targets import Direction, Status

Score = Annotated[
    Number | None,
    Field(description="From 0 to 100, to 4 decimals; 33.3333 at the warning, 66.6667 at the target; null:"
          " no value or no target"),
]  # fmt: skip
TotalScore = Annotated[
    Number | None, Field(description="What the parts come to by roll_up; null: no part has a score")
]
TotalStatus = Annotated[
    Status, Field(description="on_track from 66.6667 on, at_risk from 33.3333 on; by the exact score")
]
Coverage = Annotated[
    Number | None,
    Field(
        description="The share, from 0 to 1, of the weight that has a score; the rest is left out; null: "
        "nothing counts"
    ),
]


@dataclass(frozen=True, slots=True)
class CardBody(ValueBody):
    """A KPI on a scorecard: its value, what it is worth, and how that changed."""

    title: str
    owner: str
    objective: Annotated[list[str], Field(description="What it serves")]
    direction: Annotated[Direction, Field(description="Which way is better")]
    weight: Annotated[Number, Field(description="How much it counts among the parts beside it")]
    score: Score
    previous: Annotated[ComparisonBody, Field(description="Against the window one period earlier")]
    annotations: Annotated[int, Field(description="How many annotations touch the window")]


@dataclass(frozen=True, slots=True)
class WorstBody:
    """The part with the lowest score: a KPI or an objective, the other is null."""

    kpi: str | None
    window: str | None
    dimensions: Mapping[str, str | None] | None
    objective: str | None
    score: Number


@dataclass(frozen=True, slots=True)
class ScoreBody:
    """What KPIs, and objectives below, come to."""

    name: Annotated[str, Field(description="Of the scorecard, objective, department or category")]
    title: str
    weight: Annotated[Number, Field(description="How much it counts among the parts beside it")]
    roll_up: Annotated[RollUp, Field(description="mean: by weight; worst: the lowest score")]
    score: TotalScore
    status: TotalStatus
    coverage: Coverage
    worst: Annotated[WorstBody | None, Field(description="null: no part that counts has a score")]
    cards: Annotated[list[CardBody], Field(description="Its KPIs")]
    objectives: Annotated[list["ScoreBody"], Field(description="Of an objective, those below it")]


@dataclass(frozen=True, slots=True)
class ScoredBody(ScoreBody):
    """A score at an instant."""

    at: Annotated[datetime, Field(description="The instant of the values")]
    as_of: Annotated[
        datetime | None, Field(description="What had reached the log before this is counted; null: no KPI")
    ]


@dataclass(frozen=True, slots=True)
class ScorePointBody:
    """A score at one instant of a history."""

    at: datetime
    score: TotalScore
    status: TotalStatus
    coverage: Coverage
    worst: Annotated[WorstBody | None, Field(description="null: no part that counts has a score")]


@dataclass(frozen=True, slots=True)
class ScoresBody:
    """How a score has gone, by the definitions of now and the weights of then."""

    name: str
    title: str
    roll_up: RollUp
    step_s: Annotated[int, Field(description="Seconds from one point to the next")]
    items: list[ScorePointBody]


def scored_body(
    scored: Scored, cards: Mapping[Series, Card], titles: Mapping[str, str], *, at: datetime
) -> ScoredBody:
    """*scored* at *at*; *titles* are those of the branches by name."""
    body = _score_body(scored, cards, titles)
    values = {each.name: getattr(body, each.name) for each in fields(body)}
    as_of = min((card.now.reading.as_of for card in cards.values()), default=None)
    return ScoredBody(**values, at=at.astimezone(UTC), as_of=None if as_of is None else as_of.astimezone(UTC))


def _score_body(scored: Scored, cards: Mapping[Series, Card], titles: Mapping[str, str]) -> ScoreBody:
    branch = scored.branch
    statuses = [cards[each.series].now.judgement.status for each in branch.members]
    branches = [_score_body(each, cards, titles) for each in scored.branches]
    return ScoreBody(
        name=branch.name,
        title=titles[branch.name],
        weight=to_places(branch.weight),
        roll_up=branch.roll_up,
        score=_places(scored.total.score),
        status=status_of(scored, [*statuses, *(each.status for each in branches)]),
        coverage=_places(scored.total.coverage),
        worst=worst_body(scored, {series: card.score for series, card in cards.items()}),
        cards=[_card_body(cards[each.series], each.weight) for each in branch.members],
        objectives=branches,
    )


def _card_body(card: Card, weight: Fraction) -> CardBody:
    kpi = card.kpi
    body = value_body(kpi, card.now.reading, card.now.judgement)
    values = {each.name: getattr(body, each.name) for each in fields(body)}
    return CardBody(
        **values,
        title=kpi.title,
        owner=kpi.owner,
        objective=list(kpi.objective),
        direction=kpi.direction,
        weight=to_places(weight),
        score=_places(card.score),
        previous=compared_body(kpi, card.now, [card.before]).items[0],
        annotations=card.annotations,
    )


def status_of(scored: Scored, parts: Sequence[Status]) -> Status:
    """How *scored*, whose *parts* stand so, stands; without a score, what is missing."""
    if scored.total.score is not None:
        return standing(scored.total.score)
    return Status.NO_DATA if Status.NO_DATA in parts else Status.NO_TARGET


def worst_body(scored: Scored, scores: Mapping[Series, Fraction | None]) -> WorstBody | None:
    """The worst part of *scored*."""
    worst = scored.worst
    if worst is None:
        return None
    if isinstance(worst, str):
        found = next(each.total.score for each in scored.branches if each.branch.name == worst)
        return WorstBody(None, None, None, worst, to_places(found or Fraction(0)))
    slug, window, dimensions = worst
    return WorstBody(slug, window, dict(dimensions), None, to_places(scores[worst] or Fraction(0)))


def point_body(
    scored: Scored, scores: Mapping[Series, Fraction | None], statuses: Mapping[Series, Status], at: datetime
) -> ScorePointBody:
    """*scored* at *at*, its series having *scores* and standing so."""
    return ScorePointBody(
        at=at.astimezone(UTC),
        score=_places(scored.total.score),
        status=status_of(scored, [statuses[each] for each in scored.branch.series()]),
        coverage=_places(scored.total.coverage),
        worst=worst_body(scored, scores),
    )


def _places(number: Fraction | None) -> Number | None:
    return None if number is None else to_places(number)


def names_of(branch: Branch) -> list[str]:
    """The name of *branch* and of all below it."""
    return [branch.name, *(name for each in branch.branches for name in names_of(each))]
