"""Which KPIs scorecards, objectives, departments and categories are scored by, and what their scores come to.

It reads no value: who does hands in the scores of the series.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from typing import TypeAlias
from zoneinfo import ZoneInfo

from shared.domain.definitions import Kpi
from shared.domain.definitions.objectives import Objective
from shared.domain.definitions.scorecards import Scorecard, ScorecardKpi, members_of
from shared.domain.definitions.weights import weight_on
from shared.domain.scores import Part, RollUp, Total, rolled_up

Series: TypeAlias = tuple[str, str, tuple[tuple[str, str | None], ...]]
"""A KPI, one of its windows, and names and values of dimensions, sorted by name."""


@dataclass(frozen=True, slots=True)
class Member:
    """A series that counts so much."""

    series: Series
    weight: Fraction


@dataclass(frozen=True, slots=True)
class Branch:
    """Something that has a score by its parts, as they are at an instant.

    Attributes:
        name: of the scorecard, objective, department or category.
        weight: how much it counts among the parts of what is above it.
        members: the series among its parts.
        branches: the objectives among its parts.
    """

    name: str
    weight: Fraction
    roll_up: RollUp
    members: tuple[Member, ...]
    branches: tuple["Branch", ...] = ()

    def series(self) -> Iterator[Series]:
        """Every series in it, however deep; one that stands in two places comes twice."""
        for member in self.members:
            yield member.series
        for branch in self.branches:
            yield from branch.series()


def of_scorecard(
    scorecard: Scorecard, kpis: Mapping[str, Kpi], objectives: Mapping[str, Objective], *, at: datetime
) -> Branch:
    """*scorecard* at *at*, of those of *kpis* that it names or selects."""
    cards = members_of(scorecard, kpis, objectives)
    members = tuple(_member(each, kpis[each.kpi], at) for each in cards if each.kpi in kpis)
    return Branch(scorecard.slug, Fraction(1), scorecard.roll_up, members)


def of_objective(
    objective: Objective, kpis: Mapping[str, Kpi], objectives: Mapping[str, Objective], *, at: datetime
) -> Branch:
    """*objective* at *at*, by those of *kpis* that serve it and the *objectives* below it, by name."""
    slug = objective.slug
    serving = [
        Member(_series(kpis[name]), Fraction(objective.kpi_weights.get(name, 1)))
        for name in sorted(kpis)
        if slug in kpis[name].objective
    ]
    below = [
        of_objective(objectives[name], kpis, objectives, at=at)
        for name in sorted(objectives)
        if objectives[name].parent == slug
    ]
    weight = weight_on(at.astimezone(UTC).date(), objective.weight, objective.weights)
    return Branch(slug, weight, objective.roll_up, tuple(serving), tuple(below))


def of_kpis(name: str, kpis: Iterable[Kpi]) -> Branch:
    """*kpis*, each counting as much as any other: those of a department or a category."""
    found = sorted(kpis, key=lambda kpi: kpi.slug)
    members = tuple(Member(_series(kpi), Fraction(1)) for kpi in found)
    return Branch(name, Fraction(1), RollUp.MEAN, members)


def _series(kpi: Kpi) -> Series:
    return kpi.slug, kpi.windows[0], ()


def _member(card: ScorecardKpi, kpi: Kpi, at: datetime) -> Member:
    day = at.astimezone(ZoneInfo(kpi.zone)).date()
    # An empty text is how a file writes that events do not have the dimension, as a URL does.
    dimensions = tuple(sorted((name, value or None) for name, value in card.dimensions.items()))
    series = kpi.slug, card.window or kpi.windows[0], dimensions
    return Member(series, weight_on(day, card.weight, card.weights))


@dataclass(frozen=True, slots=True)
class Scored:
    """What the parts of a branch come to.

    Attributes:
        branches: those of the branch, in its order.
    """

    branch: Branch
    total: Total
    branches: tuple["Scored", ...]

    @property
    def worst(self) -> Series | str | None:
        """The part with the lowest score: a series, or the name of an objective."""
        place, members = self.total.worst, self.branch.members
        if place is None:
            return None
        if place < len(members):
            return members[place].series
        return self.branch.branches[place - len(members)].name


def scored(branch: Branch, scores: Mapping[Series, Fraction | None]) -> Scored:
    """What *branch* comes to, its series having *scores*; a part without a score is left out."""
    branches = tuple(scored(each, scores) for each in branch.branches)
    parts = [Part(scores[each.series], each.weight) for each in branch.members]
    parts += [Part(each.total.score, each.branch.weight) for each in branches]
    return Scored(branch, rolled_up(parts, branch.roll_up), branches)
