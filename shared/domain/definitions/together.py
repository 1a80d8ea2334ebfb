"""What definitions of all kinds owe each other, and what is odd about them; it judges none alone."""

import difflib
from collections.abc import Iterable, Iterator

from shared.domain.definitions.catalogues import CatalogueProblem, catalogue_problems
from shared.domain.definitions.kinds import Definitions, Kind
from shared.domain.definitions.objectives import circle_of
from shared.domain.definitions.scorecards import Scorecard, ScorecardKpi


def problems_together(definitions: Definitions) -> tuple[CatalogueProblem, ...]:
    """Everything that *definitions* break together; empty if they can be in force."""
    return (
        *catalogue_problems(definitions.kpis),
        *_objective_problems(definitions),
        *(
            problem
            for scorecard in definitions.scorecards.values()
            for problem in _scorecard_problems(scorecard, definitions)
        ),
    )


def warnings_together(definitions: Definitions) -> tuple[CatalogueProblem, ...]:
    """What is allowed and probably not meant: KPIs with objectives that are not defined, where some are."""
    known = definitions.objectives
    if not known:
        return ()
    return tuple(
        CatalogueProblem(slug, ("objective",), _unknown(Kind.OBJECTIVE, name, known))
        for slug, kpi in definitions.kpis.items()
        for name in kpi.objective
        if name not in known
    )


def _unknown(kind: Kind, name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f"there is no {kind.noun} {name!r}" + (f"; did you mean {close[0]!r}?" if close else "")


def _objective_problems(definitions: Definitions) -> Iterator[CatalogueProblem]:
    objectives = definitions.objectives
    for slug, objective in objectives.items():
        parent = objective.parent
        if parent is None:
            continue
        if parent not in objectives:
            message = _unknown(Kind.OBJECTIVE, parent, objectives)
            yield CatalogueProblem(slug, ("parent",), message, kind=Kind.OBJECTIVE)
        circle = circle_of(slug, objectives)
        if circle:
            message = f"an objective cannot be a part of itself: {' -> '.join(circle)}"
            yield CatalogueProblem(slug, ("parent",), message, kind=Kind.OBJECTIVE)


def _scorecard_problems(scorecard: Scorecard, definitions: Definitions) -> Iterator[CatalogueProblem]:
    for place, each in enumerate(scorecard.kpis):
        for field, message in _member_problems(each, definitions):
            path = ("kpis", place, field)
            yield CatalogueProblem(scorecard.slug, path, message, kind=Kind.SCORECARD)
    wanted = None if scorecard.select is None else scorecard.select.objective
    if wanted is not None and definitions.objectives and wanted not in definitions.objectives:
        message = _unknown(Kind.OBJECTIVE, wanted, definitions.objectives)
        yield CatalogueProblem(scorecard.slug, ("select", "objective"), message, kind=Kind.SCORECARD)


def _member_problems(each: ScorecardKpi, definitions: Definitions) -> Iterator[tuple[str, str]]:
    kpi = definitions.kpis.get(each.kpi)
    if kpi is None:
        yield "kpi", _unknown(Kind.KPI, each.kpi, definitions.kpis)
        return
    if each.window is not None and each.window not in kpi.windows:
        yield "window", f"{kpi.slug} has no window {each.window}; it has {', '.join(kpi.windows)}"
    if each.dimensions and sorted(each.dimensions) not in map(sorted, kpi.all_breakdowns):
        yield "dimensions", f"{kpi.slug} has no breakdown [{', '.join(each.dimensions)}]"
