"""What a KPI file says once for the KPIs that follow in it: documents of the kind Defaults."""

from copy import copy
from typing import Any

from pydantic import BaseModel, ValidationError, create_model

from shared.domain.definitions.origins import Origin
from shared.domain.definitions.parts import MODEL
from shared.domain.definitions.problems import Problem
from shared.domain.definitions.specs import KpiSpec
from shared.domain.definitions.words import complaints
from shared.domain.definitions.yaml_nodes import Mapping

KIND = "Defaults"
"""What such a document says it is."""

_OF_EVENTS = ("event_type", "business_hours")
"""Fields that a formula has no use for: those with one do not get them."""

FIELDS = (
    "status", "certified", "category", "owner", "department", "objective", "tags", "links", "unit", "format",
    "gaps", "direction", "event_type", "breakdowns", "windows", "zone", "fiscal_year_start", "calendar",
    "business_hours", "prometheus",
)  # fmt: skip
"""The fields that several KPIs may share; the others make a KPI what it is."""


def _optional(name: str) -> Any:
    field = copy(KpiSpec.model_fields[name])
    field.default = None
    return field.annotation, field


DefaultsSpec: type[BaseModel] = create_model(
    "DefaultsSpec", __config__=MODEL, **{name: _optional(name) for name in FIELDS}
)
"""The fields of such a document, each judged as in a KPI."""


def defaults_of(origin: Origin, header: tuple[str, ...]) -> tuple[Mapping, list[Problem]]:
    """The fields that a document of defaults gives, with their places, and what is wrong with them.

    They take the place of those of an earlier document. What is wrong is given, too, lest KPIs seem to lack
    it.
    """
    own = {name: entry for name, entry in _entries(origin).items() if name not in header}
    fields = {name: value.plain for name, (_, value) in own.items() if value.plain is not None}
    others = sorted(set(fields) & set(KpiSpec.model_fields) - set(FIELDS))
    problems = [
        Problem(f"{name} is what a KPI says itself: it has no default", place=origin.key_of((name,)))
        for name in others
    ]
    try:
        DefaultsSpec.model_validate({name: value for name, value in fields.items() if name not in others})
    except ValidationError as error:
        for found in complaints(error, DefaultsSpec):
            at = origin.key_of(found.path) if found.about_name else origin.place_of(found.path, found.within)
            problems.append(Problem(found.message, place=at, path=found.path, within=found.within))
    given = {name: entry for name, entry in own.items() if name in FIELDS}
    return Mapping(origin.node.start, given), problems


def completed(origin: Origin, defaults: Mapping) -> Origin:
    """A KPI with what it does not say itself out of *defaults*; a field that is null says that it has none.

    What comes from there keeps its place there, so that a problem with it is shown where it stands.
    """
    own = _entries(origin)
    skipped = _OF_EVENTS if "formula" in own else ()
    given = {name: entry for name, entry in defaults.entries.items() if name not in skipped}
    return Origin(origin.file, Mapping(origin.node.start, given | own))


def _entries(origin: Origin) -> dict[str, Any]:
    return origin.node.entries if isinstance(origin.node, Mapping) else {}
