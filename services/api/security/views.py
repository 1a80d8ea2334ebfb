"""The catalogue as one caller may see it: whole for the engine, less for what is told."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields

from shared.domain.access import Limits
from shared.domain.definitions import Catalogue, Kpi
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
    parts = {each.name: getattr(catalogue, each.name) for each in fields(catalogue)}
    return SeenCatalogue(**parts, visible=visible)


def visible_kpis(catalogue: Catalogue) -> Mapping[str, Kpi]:
    """The KPIs that the caller whom *catalogue* was handed to may know of: what to list, search and name."""
    return catalogue.visible if isinstance(catalogue, SeenCatalogue) else catalogue.kpis


def known_kpi(catalogue: Catalogue, slug: str) -> Kpi:
    """The KPI of that slug.

    Raises:
        UnknownKpiError: there is none, or none that the caller may know of.
    """
    found = visible_kpis(catalogue).get(slug)
    if found is None:
        raise UnknownKpiError(slug)
    return found
