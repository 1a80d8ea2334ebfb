"""The catalogue as one caller may see it: whole for the engine, less for what is told."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields

from shared.domain.access import Limits
from shared.domain.definitions import Catalogue, Definition, Definitions, Key, Kpi
from shared.domain.errors import UnknownKpiError


@dataclass(frozen=True, slots=True)
class SeenCatalogue(Catalogue):
    """A catalogue of which a caller sees a part.

    Attributes:
        visible: the KPIs it may know of.
    """

    visible: Mapping[str, Kpi] = field(default_factory=dict)


def seen_by(catalogue: Catalogue, limits: Limits) -> Catalogue:
    """*catalogue* for a caller with these *limits*: itself for one without."""
    if limits.is_everything:
        return catalogue
    visible = {slug: kpi for slug, kpi in catalogue.kpis.items() if limits.shows(kpi)}
    parts = {each.name: getattr(catalogue, each.name) for each in fields(Catalogue)}
    return SeenCatalogue(**(parts | _others_seen(catalogue, limits, visible)), visible=visible)


def _others_seen(catalogue: Catalogue, limits: Limits, visible: Mapping[str, Kpi]) -> dict[str, object]:
    """What is seen beside KPIs in force: nothing that names a KPI which is not.

    Objectives and scorecards are seen by their departments, and objectives also by whom sees a KPI that
    serves them; event types by whom sees a KPI that counts them.
    """
    served = {name for kpi in visible.values() for name in kpi.objective}
    leaves = {leaf for slug in visible for leaf in catalogue.leaves(slug)}
    counted = {catalogue.kpis[slug].event_type for slug in leaves}
    return {
        "drafts": {slug: kpi for slug, kpi in catalogue.drafts.items() if limits.shows(kpi)},
        "objectives": {
            slug: each
            for slug, each in catalogue.objectives.items()
            if (slug in served or limits.includes(each.department))
            and each.kpi_weights.keys() <= visible.keys()
        },
        "scorecards": {
            slug: each
            for slug, each in catalogue.scorecards.items()
            if limits.includes(each.department) and all(card.kpi in visible for card in each.kpis)
        },
        "event_types": {name: each for name, each in catalogue.event_types.items() if name in counted},
    }


def seen_definitions(catalogue: Catalogue, limits: Limits) -> dict[Key, Definition]:
    """Everything, of whatever kind, that a caller with these *limits* may know of."""
    return shown_definitions(seen_by(catalogue, limits))


def shown_definitions(catalogue: Catalogue) -> dict[Key, Definition]:
    """Everything that the caller whom *catalogue* was handed to may know of."""
    kpis = visible_kpis(catalogue)
    shown = Definitions(
        kpis, catalogue.objectives, catalogue.scorecards, catalogue.event_types, catalogue.drafts
    )
    return shown.by_key()


def visible_kpis(catalogue: Catalogue) -> Mapping[str, Kpi]:
    """The KPIs that the caller whom *catalogue* was handed to may know of: what to list, search and name."""
    return catalogue.visible if isinstance(catalogue, SeenCatalogue) else catalogue.kpis


def defined_kpi(catalogue: Catalogue, slug: str) -> Kpi:
    """The KPI of that slug, in force or a draft.

    Raises:
        UnknownKpiError: there is none, or none that the caller may know of.
    """
    draft = catalogue.drafts.get(slug)
    return known_kpi(catalogue, slug) if draft is None else draft


def known_kpi(catalogue: Catalogue, slug: str) -> Kpi:
    """The KPI of that slug.

    Raises:
        UnknownKpiError: there is none, or none that the caller may know of.
    """
    found = visible_kpis(catalogue).get(slug)
    if found is None:
        raise UnknownKpiError(slug)
    return found
