"""What a caller who sees a part may define: nothing that it could not read whole, or that shows it more."""

from collections.abc import Iterable

from services.api.security.redactions import shown_formula, shown_name, shown_targets
from services.api.security.views import visible_kpis
from shared.domain.access import Limits
from shared.domain.access.errors import OutsideLimitsError
from shared.domain.definitions import Catalogue, Definition, DefinitionError, Kpi, Problem
from shared.domain.definitions.lifecycles import Lifecycle
from shared.domain.definitions.plans import spec_of


def check_allowed(definition: Definition, limits: Limits) -> None:
    """Go on only if somebody with *limits* may define this.

    Raises:
        OutsideLimitsError: it belongs to others.
    """
    if not limits.allows(definition):
        raise OutsideLimitsError(
            "this lies outside of the departments and KPIs that the caller is limited to"
        )


def check_whole(definition: Definition, catalogue: Catalogue) -> None:
    """Go on only if the caller whom *catalogue* was handed to sees all that *definition* says.

    Raises:
        OutsideLimitsError: it names KPIs that the caller may not know of. To change it would tell their
            names, or take out of it what others have put there.
    """
    if isinstance(definition, Kpi) and not is_seen_whole(definition, catalogue):
        raise OutsideLimitsError("its definition names what the caller may not know of: ask those who do")


def is_seen_whole(kpi: Kpi, catalogue: Catalogue) -> bool:
    """Whether nothing in the definition of *kpi* is hidden from the caller whom *catalogue* was handed to."""
    targets = spec_of(kpi).get("target", [])
    listed = targets if isinstance(targets, list) else [targets]
    return (
        (kpi.formula is None or shown_formula(kpi.formula, catalogue) == kpi.formula)
        and shown_name(kpi.replaced_by, catalogue) == kpi.replaced_by
        and shown_targets(listed, catalogue) == listed
    )


def check_events(sent: Iterable[Definition], catalogue: Catalogue) -> None:
    """Go on only if the KPIs that were *sent* count events which the caller sees counted already.

    Else a hidden KPI of events could be counted once more under another name, and read.

    Args:
        sent: definitions.
        catalogue: as the caller sees it, without what was sent.

    Raises:
        DefinitionError: with the field of each that does not.
    """
    visible = visible_kpis(catalogue)
    if visible is catalogue.kpis:
        return
    # Not those below a formula: what it is made of may be hidden.
    counted = {kpi.event_type for kpi in visible.values()} | {None}
    problems = [
        Problem(
            f"no KPI that this caller sees counts events of the type {each.event_type!r}:"
            " the first one is for somebody without limits to define",
            each.slug,
            path=("event_type",),
        )
        for each in sent
        if isinstance(each, Kpi) and each.event_type not in counted
    ]
    if problems:
        raise DefinitionError(problems)


def as_if_active(definition: Definition) -> Definition:
    """*definition* as if it counted: a draft is judged like what it is to become."""
    if isinstance(definition, Kpi) and definition.is_draft:
        return definition.model_copy(update={"status": Lifecycle.ACTIVE})
    return definition
