"""Versions of definitions as a caller may see them who does not see all KPIs."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from services.api.security.redactions import shown_formula, shown_name, shown_targets
from services.api.security.views import visible_kpis
from shared.domain.access import Limits
from shared.domain.definitions import Catalogue, Kind
from shared.storage.definition_histories import Version, Versions


def versions_shown(found: Versions, kind: Kind, catalogue: Catalogue, limits: Limits) -> Versions:
    """*found* without the versions that were not the caller's to see, and without the names of hidden KPIs.

    Versions are judged by what they say, not read as definitions: they may be of an earlier release.
    """
    if limits.is_everything:
        return found
    shown = [_shown(each, catalogue) for each in found.versions if _is_seen(each, kind, catalogue, limits)]
    return replace(found, versions=tuple(shown))


def _is_seen(version: Version, kind: Kind, catalogue: Catalogue, limits: Limits) -> bool:
    spec, visible = version.spec, visible_kpis(catalogue)
    if kind is Kind.KPI:
        by_name = limits.kpis is not None and spec.get("slug") in limits.kpis
        return by_name or limits.includes(_departments(spec))
    named = {*spec.get("kpi_weights", {}), *(each["kpi"] for each in spec.get("kpis", ()))}
    return limits.includes(_departments(spec)) and named <= visible.keys()


def _departments(spec: Mapping[str, Any]) -> tuple[str, ...]:
    found = spec.get("department", ())
    return (found,) if isinstance(found, str) else tuple(found)


def _shown(version: Version, catalogue: Catalogue) -> Version:
    spec = dict(version.spec)
    if spec.get("formula") is not None:
        spec["formula"] = shown_formula(spec["formula"], catalogue)
    if "target" in spec:
        whole = isinstance(spec["target"], list)
        targets = shown_targets(spec["target"] if whole else [spec["target"]], catalogue)
        spec["target"] = targets if whole else targets[0]
    if shown_name(spec.get("replaced_by"), catalogue) is None:
        spec.pop("replaced_by", None)
    return replace(version, spec=spec)
