"""What has a score over HTTP: scorecards, objectives, departments and categories, as a caller sees them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from services.api.dependencies import visible_kpis
from shared.domain.definitions import Catalogue, Kpi
from shared.domain.errors import UnknownDefinitionError
from shared.domain.score_trees import Branch, of_kpis, of_objective, of_scorecard


@dataclass(frozen=True, slots=True)
class Subject:
    """Something that has a score.

    Attributes:
        branch_at: its parts at an instant; weights may be others at another one.
        titles: what people call it and the objectives below it, by name.
    """

    branch_at: Callable[[datetime], Branch]
    titles: Mapping[str, str]


def scorecard_of(catalogue: Catalogue, name: str) -> Subject:
    """The scorecard of that name, of the KPIs that *catalogue* shows.

    Raises:
        UnknownDefinitionError: there is none, or none that the caller may know of.
    """
    card, kpis = catalogue.scorecards.get(name), visible_kpis(catalogue)
    if card is None:
        raise UnknownDefinitionError("scorecard", name)
    objectives = catalogue.objectives
    return Subject(lambda at: of_scorecard(card, kpis, objectives, at=at), {name: card.title})


def objective_of(catalogue: Catalogue, name: str) -> Subject:
    """The objective of that name with all below it, of the KPIs and objectives that *catalogue* shows.

    Raises:
        UnknownDefinitionError: there is none, or none that the caller may know of.
    """
    objectives, kpis = catalogue.objectives, visible_kpis(catalogue)
    found = objectives.get(name)
    if found is None:
        raise UnknownDefinitionError("objective", name)
    titles = {slug: each.title for slug, each in objectives.items()}
    return Subject(lambda at: of_objective(found, kpis, objectives, at=at), titles)


def department_of(catalogue: Catalogue, name: str) -> Subject:
    """The KPIs that the department *name* shares, of those that *catalogue* shows.

    Raises:
        UnknownDefinitionError: there is none.
    """
    kpis = visible_kpis(catalogue).values()
    return _group("department", name, [kpi for kpi in kpis if name in kpi.department])


def category_of(catalogue: Catalogue, name: str) -> Subject:
    """The KPIs of the category *name*, of those that *catalogue* shows.

    Raises:
        UnknownDefinitionError: there is none.
    """
    kpis = visible_kpis(catalogue).values()
    return _group("category", name, [kpi for kpi in kpis if kpi.category == name])


def _group(noun: str, name: str, kpis: Sequence[Kpi]) -> Subject:
    if not kpis:
        raise UnknownDefinitionError(noun, name)
    branch = of_kpis(name, kpis)
    return Subject(lambda _: branch, {name: name})
