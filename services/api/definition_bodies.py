"""Definitions in the body of a request, as JSON fields or as documents of a KPI file; it stores none."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from starlette.requests import Request

from services.api.bodies import read_body
from shared.domain.definitions import Catalogue, DefinitionError, Kpi, Problem
from shared.domain.definitions.kinds import Definition, Kind
from shared.domain.definitions.kpi_files import (
    API_VERSION,
    MAX_BYTES,
    check_together,
    definition_of,
    read_definitions,
)
from shared.domain.definitions.lifecycles import Lifecycle
from shared.domain.definitions.plans import outcome
from shared.domain.definitions.problems import Place
from shared.domain.definitions.together import problems_together

JSON_TYPE = "application/json"
YAML_TYPES = ("application/yaml", "application/x-yaml", "text/yaml")
BODY_TYPES = (JSON_TYPE, *YAML_TYPES)

_FILE = "body"
"""What the text of a request is called where a place in it is told."""

DESCRIPTION = (
    "A KPI by its fields as JSON, or application/yaml with one or several documents of a KPI file; formulas"
    " may name KPIs in force and those of the body"
)


BODY_SCHEMAS: dict[str, dict[str, Any]] = {
    JSON_TYPE: {
        "type": "object",
        "description": "The fields of a KPI file's document; docs/kpi.schema.json has them all",
        "required": ["slug", "title", "category", "owner", "windows"],
        "properties": {"slug": {"type": "string"}, "windows": {"type": "array", "items": {"type": "string"}}},
    },
    **{kind: {"type": "string", "description": "Documents of a KPI file"} for kind in YAML_TYPES},
}
"""How OpenAPI says what such a body holds."""


async def drafts_of(request: Request, catalogue: Catalogue, *, visible: Collection[str]) -> tuple[Kpi, ...]:
    """The KPIs that the body of *request* defines, judged as if they were to be put in force.

    Args:
        request: whose body nobody has read.
        catalogue: what is in force.
        visible: the KPIs that the caller may know of: formulas may read no others.

    Raises:
        DefinitionError: with every problem, each at its field, and with its line and column in YAML.
        BadInputError: the body is too large, not all there, or of another type.
    """
    kind, body = await read_body(request, kinds=BODY_TYPES, most=MAX_BYTES)
    found = _from_json(body, catalogue) if kind == JSON_TYPE else _from_yaml(body, catalogue)
    drafts = tuple(each for each in found if isinstance(each, Kpi))
    if not drafts:
        raise DefinitionError([Problem("the body defines no KPI")])
    _check_visible(drafts, catalogue, visible)
    return drafts


def _from_yaml(body: bytes, catalogue: Catalogue) -> Sequence[Definition]:
    found = read_definitions({_FILE: yaml_text(body)})
    located = [replace(each, definition=_active(each.definition)) for each in found]
    definitions = [each.definition for each in located]
    check_together(located, outcome(catalogue, definitions))
    return definitions


def _from_json(body: bytes, catalogue: Catalogue) -> Sequence[Definition]:
    fields = dict(json_object(body))
    problems = [
        Problem(f"write {name}: {wanted}, or leave it out", path=(name,))
        for name, wanted in (("apiVersion", API_VERSION), ("kind", Kind.KPI.value))
        if fields.pop(name, wanted) != wanted
    ]
    try:
        draft = _active(definition_of(Kind.KPI, fields))
    except DefinitionError as error:
        raise DefinitionError([*problems, *error.problems]) from error
    found = problems_together(outcome(catalogue, [draft]))
    problems += [Problem(each.message, each.slug, path=each.path, within=each.place) for each in found]
    if problems:
        raise DefinitionError(problems)
    return [draft]


def _active(definition: Definition) -> Definition:
    """*definition* as if it counted: what it would do is asked, whether it is to do so yet or not."""
    if isinstance(definition, Kpi) and definition.is_draft:
        return definition.model_copy(update={"status": Lifecycle.ACTIVE})
    return definition


def yaml_text(body: bytes) -> str:
    """The text of *body*.

    Raises:
        DefinitionError: it is no UTF-8.
    """
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        message = f"the body is not UTF-8 text: byte {error.start} is not"
        raise DefinitionError([Problem(message, place=Place(_FILE, 1, 1, ""))]) from error


def json_object(body: bytes) -> Mapping[str, Any]:
    """The JSON object of *body*, with numbers to the last digit.

    Raises:
        DefinitionError: it is none, with line and column where that is known.
    """
    try:
        found = json.loads(body, parse_float=Decimal, parse_constant=_refused, object_pairs_hook=_once_each)
    except json.JSONDecodeError as error:
        place = Place(_FILE, error.lineno, error.colno, "")
        raise DefinitionError([Problem(f"this is no JSON: {error.msg}", place=place)]) from error
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise DefinitionError([Problem(f"this is no JSON that can be read: {error}")]) from error
    if not isinstance(found, dict):
        raise DefinitionError([Problem("a definition is an object of fields")])
    return found


def _refused(name: str) -> None:
    raise ValueError(f"{name} is no number")


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{next(name for name in names if names.count(name) > 1)!r} is there twice")
    return found


def _check_visible(drafts: Sequence[Kpi], catalogue: Catalogue, visible: Collection[str]) -> None:
    """Go on only if the *drafts* neither read nor replace a KPI that the caller may not know of."""
    hidden = catalogue.kpis.keys() - set(visible) - {kpi.slug for kpi in drafts}
    problems = [
        Problem(f"there is no KPI {name!r}", kpi.slug, path=("formula",), within=(line, column))
        for kpi in drafts
        if kpi.parsed_formula is not None
        for name, line, column in kpi.parsed_formula.places
        if name in hidden
    ]
    problems += [
        Problem("the slug is taken", kpi.slug, path=("slug",))
        for kpi in drafts
        if kpi.slug in catalogue.kpis and kpi.slug not in visible
    ]
    if problems:
        raise DefinitionError(problems)
