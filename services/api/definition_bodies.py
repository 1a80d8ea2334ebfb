"""Definitions in the body of a request, as JSON fields or as documents of a KPI file; it stores none."""

import json
from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import Any

from starlette.requests import Request

from services.api.http.bodies import read_body
from services.api.security.refusals import problems_shown
from services.api.security.views import shown_definitions, visible_kpis
from services.api.security.writes import as_if_active, check_events
from shared.domain.definitions import Catalogue, DefinitionError, Kpi, Problem
from shared.domain.definitions.catalogues import CatalogueProblem
from shared.domain.definitions.kinds import Definition, Key, Kind, key_of
from shared.domain.definitions.kpi_files import (
    API_VERSION,
    MAX_BYTES,
    definition_of,
    located_problem,
    read_definitions,
)
from shared.domain.definitions.origins import Origin
from shared.domain.definitions.plans import outcome
from shared.domain.definitions.problems import Place

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


async def drafts_of(request: Request, catalogue: Catalogue) -> tuple[Kpi, ...]:
    """The KPIs that the body of *request* defines, judged as if they were to be put in force.

    Args:
        request: whose body nobody has read.
        catalogue: what is in force, as the caller may see it: formulas and targets may read nothing else.

    Raises:
        DefinitionError: with every problem, each at its field, and with its line and column in YAML.
        BadInputError: the body is too large, not all there, or of another type.
    """
    kind, body = await read_body(request, kinds=BODY_TYPES, most=MAX_BYTES)
    found, origins = _from_json(body) if kind == JSON_TYPE else _from_yaml(body)
    drafts = tuple(each for each in found if isinstance(each, Kpi))
    if not drafts:
        raise DefinitionError([Problem("the body defines no KPI")])
    _check_free(drafts, catalogue)
    check_events(drafts, catalogue)
    own = {key_of(each) for each in found}
    problems = problems_shown(outcome(catalogue, found), found, shown_definitions(catalogue))
    if problems:
        raise DefinitionError([told_problem(each, own, origins) for each in problems])
    return drafts


def told_problem(problem: CatalogueProblem, own: Collection[Key], origins: Mapping[Key, Origin]) -> Problem:
    """*problem* as the answer tells it.

    Args:
        problem: with what was sent, or with what that would break.
        own: what was sent.
        origins: where it stands in the body, of what came as YAML.
    """
    key = problem.kind, problem.slug
    if key in own:
        return located_problem(problem, origins.get(key))
    return Problem(f"{problem.kind.noun} {problem.slug}: {problem.message}", problem.slug)


def _from_yaml(body: bytes) -> tuple[Sequence[Definition], Mapping[Key, Origin]]:
    found = read_definitions({_FILE: yaml_text(body)})
    return [as_if_active(each.definition) for each in found], {each.key: each.origin for each in found}


def _from_json(body: bytes) -> tuple[Sequence[Definition], Mapping[Key, Origin]]:
    fields = dict(json_object(body))
    problems = [
        Problem(f"write {name}: {wanted}, or leave it out", path=(name,))
        for name, wanted in (("apiVersion", API_VERSION), ("kind", Kind.KPI.value))
        if fields.pop(name, wanted) != wanted
    ]
    try:
        draft = as_if_active(definition_of(Kind.KPI, fields))
    except DefinitionError as error:
        raise DefinitionError([*problems, *error.problems]) from error
    if problems:
        raise DefinitionError(problems)
    return [draft], {}


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
        # Halves of characters, which JSON may escape, can neither be stored nor told.
        json.dumps(found, ensure_ascii=False, default=str).encode()
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


def _check_free(drafts: Sequence[Kpi], catalogue: Catalogue) -> None:
    """Go on only if the *drafts* replace no KPI that the caller may not know of."""
    visible = visible_kpis(catalogue)
    problems = [
        Problem("the slug is taken", kpi.slug, path=("slug",))
        for kpi in drafts
        if kpi.slug in catalogue.kpis and kpi.slug not in visible
    ]
    if problems:
        raise DefinitionError(problems)
