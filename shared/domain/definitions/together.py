"""What definitions of all kinds owe each other, and what is odd about them; it judges none alone."""

import difflib
from collections.abc import Iterable, Iterator

from shared.domain.definitions.catalogues import CatalogueProblem, catalogue_problems, unknown_kpi
from shared.domain.definitions.kinds import Definitions, Kind
from shared.domain.definitions.kpis import Kpi
from shared.domain.definitions.lifecycles import Lifecycle
from shared.domain.definitions.objectives import circle_of
from shared.domain.definitions.scorecards import Scorecard, ScorecardKpi


def problems_together(definitions: Definitions) -> tuple[CatalogueProblem, ...]:
    """Everything that *definitions* break together; empty if they can be in force."""
    return (
        *catalogue_problems(definitions.kpis, definitions.drafts),
        *_objective_problems(definitions),
        *(
            problem
            for scorecard in definitions.scorecards.values()
            for problem in _scorecard_problems(scorecard, definitions)
        ),
    )


def warnings_together(definitions: Definitions) -> tuple[CatalogueProblem, ...]:
    """What is allowed and probably not meant.

    That is: objectives that are not defined, where some are, and the use of KPIs that are deprecated.
    """
    return (*_unknown_objectives(definitions), *_unknown_successors(definitions), *_deprecated(definitions))


def _unknown_objectives(definitions: Definitions) -> tuple[CatalogueProblem, ...]:
    known = definitions.objectives
    if not known:
        return ()
    return tuple(
        CatalogueProblem(slug, ("objective",), _unknown(Kind.OBJECTIVE, name, known))
        for slug, kpi in definitions.kpis.items()
        for name in kpi.objective
        if name not in known
    )


def _unknown_successors(definitions: Definitions) -> Iterator[CatalogueProblem]:
    for slug, kpi in definitions.kpis.items():
        if kpi.replaced_by is not None and kpi.replaced_by not in definitions.kpis:
            message = _unknown(Kind.KPI, kpi.replaced_by, definitions.kpis)
            yield CatalogueProblem(slug, ("replaced_by",), message)


def _deprecated(definitions: Definitions) -> Iterator[CatalogueProblem]:
    """Uses of what is deprecated, by what is not."""
    old = {slug: kpi for slug, kpi in definitions.kpis.items() if kpi.status is Lifecycle.DEPRECATED}
    for slug, kpi in definitions.kpis.items():
        if slug not in old and kpi.parsed_formula is not None:
            for name, line, column in kpi.parsed_formula.places:
                if name in old:
                    yield CatalogueProblem(slug, ("formula",), _instead(old[name]), (line, column))
    for slug, card in definitions.scorecards.items():
        for place, each in enumerate(card.kpis):
            if each.kpi in old:
                path = ("kpis", place, "kpi")
                yield CatalogueProblem(slug, path, _instead(old[each.kpi]), kind=Kind.SCORECARD)


def _instead(kpi: Kpi) -> str:
    return f"{kpi.slug} is deprecated" + (f": use {kpi.replaced_by}" if kpi.replaced_by else "")


def _unknown(kind: Kind, name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f"there is no {kind.noun} {name!r}" + (f"; did you mean {close[0]!r}?" if close else "")


def _objective_problems(definitions: Definitions) -> Iterator[CatalogueProblem]:
    objectives = definitions.objectives
    for slug, objective in objectives.items():
        for name in objective.kpi_weights:
            if name not in definitions.kpis:
                message = unknown_kpi(name, definitions.kpis, definitions.drafts)
                yield CatalogueProblem(slug, ("kpi_weights", name), message, kind=Kind.OBJECTIVE)
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
        yield "kpi", unknown_kpi(each.kpi, definitions.kpis, definitions.drafts)
        return
    if each.window is not None and each.window not in kpi.windows:
        yield "window", f"{kpi.slug} has no window {each.window}; it has {', '.join(kpi.windows)}"
    if each.dimensions and sorted(each.dimensions) not in map(sorted, kpi.all_breakdowns):
        yield "dimensions", f"{kpi.slug} has no breakdown [{', '.join(each.dimensions)}]"
