"""Texts that name KPIs, without the names that a caller may not know of."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from services.api.security.views import visible_kpis
from shared.domain.definitions import Catalogue, Kpi
from shared.domain.expressions.parsed import parse_formula
from shared.domain.targets import Follow, Judgement, Kind, Status, goal_for

HIDDEN = "__hidden__"
"""What stands for a KPI that the caller may not know of; no slug begins with an underscore."""

UNSEEN = Judgement(Status.NO_DATA, kind=Kind.KPI)
"""What is told of a target that follows such a KPI: that there is one, and nothing to hold against it."""


def shown_formula(formula: str, catalogue: Catalogue) -> str:
    """*formula* as the caller may see it whom *catalogue* was handed to."""
    if visible_kpis(catalogue) is catalogue.kpis:
        return formula
    for name in parse_formula(formula).names - _known(catalogue):
        formula = re.sub(rf"\b{name}\b", HIDDEN, formula)
    return formula


def shown_name(slug: str | None, catalogue: Catalogue) -> str | None:
    """*slug*, or None where the caller may not know of it."""
    return slug if visible_kpis(catalogue) is catalogue.kpis or slug in _known(catalogue) else None


def shown_judgement(judgement: Judgement, catalogue: Catalogue) -> Judgement:
    """*judgement* as the caller may see it: a target that follows a hidden KPI is not known to it.

    It is a multiple of the value of that KPI, and status and attainment tell where it lies.
    """
    if judgement.kind is not Kind.KPI or shown_name(judgement.source, catalogue) is not None:
        return judgement
    return UNSEEN


def follows_hidden(kpi: Kpi, catalogue: Catalogue) -> bool:
    """Whether the target of the total of *kpi*, over any window, follows what the caller may not know of."""
    goals = [goal_for(kpi.goals, window, {}) for window in kpi.windows]
    rules = [goal.rule for goal in goals if goal is not None]
    return any(isinstance(rule, Follow) and shown_name(rule.slug, catalogue) is None for rule in rules)


def shown_targets(targets: Sequence[Mapping[str, Any]], catalogue: Catalogue) -> list[Mapping[str, Any]]:
    """*targets* as KPI files say them, of which those relative to a hidden KPI do not name it."""
    if visible_kpis(catalogue) is catalogue.kpis:
        return list(targets)
    known = _known(catalogue)
    return [_shown(target, known) for target in targets]


def _shown(part: Any, known: frozenset[str]) -> Any:
    match part:
        case Mapping():
            return {
                name: HIDDEN if name == "kpi" and isinstance(each, str) and each not in known
                else _shown(each, known)
                for name, each in part.items()
            }  # fmt: skip
        case list() | tuple():
            return [_shown(each, known) for each in part]
        case _:
            return part


def _known(catalogue: Catalogue) -> frozenset[str]:
    return frozenset(visible_kpis(catalogue)) | frozenset(catalogue.drafts)
