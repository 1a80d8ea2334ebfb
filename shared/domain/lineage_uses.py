"""Who uses a KPI beside formulas and alert rules: targets, scorecards and objectives; it knows no values."""

from collections.abc import Iterator
from dataclasses import dataclass

from shared.domain.definitions import Catalogue, Kpi
from shared.domain.definitions.scorecards import Scorecard, members_of


@dataclass(frozen=True, slots=True)
class Uses:
    """Who uses a KPI, each by name in alphabetical order.

    Attributes:
        followed_by: the other KPIs of which a target follows its value.
        scorecards: those that it stands on, named or selected.
        objectives: those that it serves, or that weigh it.
    """

    followed_by: tuple[str, ...]
    scorecards: tuple[str, ...]
    objectives: tuple[str, ...]


def uses_of(catalogue: Catalogue, slug: str) -> Uses:
    """Who uses *slug* of what *catalogue* has.

    Raises:
        KeyError: there is no such KPI.
    """
    kpis, objectives = catalogue.kpis, catalogue.objectives
    served = kpis[slug].objective
    followers = (name for name, kpi in kpis.items() if name != slug and slug in followed(kpi))
    boards = (name for name, each in catalogue.scorecards.items() if slug in _members(each, catalogue))
    aims = (name for name, each in objectives.items() if name in served or slug in each.kpi_weights)
    return Uses(tuple(sorted(followers)), tuple(sorted(boards)), tuple(sorted(aims)))


def _members(scorecard: Scorecard, catalogue: Catalogue) -> frozenset[str]:
    return frozenset(each.kpi for each in members_of(scorecard, catalogue.kpis, catalogue.objectives))


def followed(kpi: Kpi) -> frozenset[str]:
    """The KPIs whose values targets of *kpi* follow, itself too where that is an earlier period."""
    return frozenset(_followed(kpi))


def _followed(kpi: Kpi) -> Iterator[str]:
    for target in kpi.target:
        for rule in (target, *target.by_dimension):
            if rule.kpi is not None:
                yield rule.kpi
