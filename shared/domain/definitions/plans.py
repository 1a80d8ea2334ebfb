"""What putting definitions in force would change; it changes nothing."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from shared.domain.definitions.catalogues import Catalogue
from shared.domain.definitions.kpis import Kpi


class Action(StrEnum):
    """What happens to one KPI."""

    CREATE = "create"
    UPDATE = "update"
    UNCHANGED = "unchanged"
    RETIRE = "retire"


@dataclass(frozen=True, slots=True)
class Difference:
    """A field that changes; None stands for a field that is not there."""

    field: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Change:
    """What happens to one KPI.

    Attributes:
        version: the one in force afterwards; of a retired KPI, the last.
        differences: the fields that change, in the order of the definition.
        starts_counting: breakdowns whose counting starts anew, because nothing in force counts them yet;
            `()` is the total.
    """

    slug: str
    action: Action
    version: int
    differences: tuple[Difference, ...] = ()
    starts_counting: tuple[tuple[str, ...], ...] = ()


def spec_of(kpi: Kpi) -> dict[str, Any]:
    """The definition as plain JSON, without fields that have their default."""
    return kpi.model_dump(mode="json", by_alias=True, exclude_defaults=True)


def plan(catalogue: Catalogue, kpis: Iterable[Kpi], *, prune: bool = False) -> tuple[Change, ...]:
    """What putting *kpis* in force would do to *catalogue*, in their order, retirements last.

    Args:
        catalogue: what is in force.
        kpis: the new definitions, each slug once.
        prune: also retire the KPIs of the catalogue that are not among them.
    """
    wanted = {kpi.slug: kpi for kpi in kpis}
    changes = [_change(catalogue, kpi) for kpi in wanted.values()]
    retired = sorted(catalogue.kpis.keys() - wanted.keys()) if prune else []
    return (*changes, *(Change(slug, Action.RETIRE, catalogue.versions[slug]) for slug in retired))


def outcome(catalogue: Catalogue, kpis: Iterable[Kpi], *, prune: bool = False) -> Mapping[str, Kpi]:
    """The KPIs in force after `plan` has been carried out."""
    kept = {} if prune else dict(catalogue.kpis)
    return kept | {kpi.slug: kpi for kpi in kpis}


def _change(catalogue: Catalogue, kpi: Kpi) -> Change:
    counted = {measure.fingerprint for each in catalogue.kpis.values() for measure in each.measures()}
    starts = tuple(m.breakdown for m in kpi.measures() if m.fingerprint not in counted)
    before = catalogue.kpis.get(kpi.slug)
    if before is None:
        return Change(kpi.slug, Action.CREATE, 1, starts_counting=starts)
    version = catalogue.versions[kpi.slug]
    differences = _differences(spec_of(before), spec_of(kpi))
    if not differences:
        return Change(kpi.slug, Action.UNCHANGED, version)
    return Change(kpi.slug, Action.UPDATE, version + 1, differences, starts)


def _differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Difference, ...]:
    fields = [field for field in Kpi.model_fields if before.get(field) != after.get(field)]
    return tuple(Difference(field, before.get(field), after.get(field)) for field in fields)
