"""KPI files: from YAML text to definitions, with every problem at its place; it opens no file."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from pydantic import ValidationError

from shared.domain.definitions import defaults, yaml_nodes
from shared.domain.definitions.catalogues import CatalogueProblem
from shared.domain.definitions.kinds import MODELS, Definition, Definitions, Key, Kind, key_of, name_field
from shared.domain.definitions.kpis import Kpi
from shared.domain.definitions.origins import KpiFile, Origin
from shared.domain.definitions.problems import DefinitionError, Problem
from shared.domain.definitions.together import problems_together, warnings_together
from shared.domain.definitions.words import complaints

API_VERSION = "tidemark/v1"
"""The version of the file format; another one would be another set of fields."""

MAX_BYTES = 1024 * 1024
"""A larger file is no list of definitions that people keep."""


@dataclass(frozen=True, slots=True)
class Located:
    """A definition and the document that it came from."""

    definition: Definition
    origin: Origin

    @property
    def key(self) -> Key:
        """What it defines."""
        return key_of(self.definition)


def read_definitions(files: Mapping[str, str]) -> tuple[Located, ...]:
    """The definitions of *files*, texts by name, each judged on its own.

    Raises:
        DefinitionError: with every problem of every file.
    """
    found: list[Located] = []
    problems: list[Problem] = []
    for name, text in files.items():
        located, wrong = _read(KpiFile(name, text.removeprefix("\ufeff").replace("\r\n", "\n")))
        found += located
        problems += wrong
    problems += _repeated(found)
    if problems:
        raise DefinitionError(problems)
    return tuple(found)


def check_together(located: Iterable[Located], outcome: Definitions) -> tuple[Problem, ...]:
    """Judge the definitions of *outcome* among each other, those that are *located* with their places.

    Returns:
        What is allowed and probably not meant, of the definitions that are located.

    Raises:
        DefinitionError: with every problem.
    """
    origins = {each.key: each.origin for each in located}
    found = problems_together(outcome)
    if found:
        raise DefinitionError([_located(problem, origins) for problem in found])
    warnings = warnings_together(outcome)
    return tuple(_located(each, origins) for each in warnings if (each.kind, each.slug) in origins)


def definitions_of(text: str, *, file: str = "definitions.yaml") -> tuple[Definition, ...]:
    """The definitions of one *text* that is complete in itself.

    Raises:
        DefinitionError: with every problem.
    """
    located = read_definitions({file: text})
    definitions = tuple(each.definition for each in located)
    check_together(located, Definitions.of(definitions))
    return definitions


def kpis_of(text: str, *, file: str = "definitions.yaml") -> tuple[Kpi, ...]:
    """The KPIs among the definitions of one *text* that is complete in itself.

    Raises:
        DefinitionError: with every problem.
    """
    return tuple(each for each in definitions_of(text, file=file) if isinstance(each, Kpi))


def _read(file: KpiFile) -> tuple[list[Located], list[Problem]]:
    if len(file.text.encode(errors="replace")) > MAX_BYTES:
        return [], [Problem("the file is larger than 1 MiB", place=file.place(yaml_nodes.Mark(0, 0, 0)))]
    nodes, faults = yaml_nodes.read_nodes(file.text)
    problems = [Problem(fault.message, place=file.place(fault.mark)) for fault in faults]
    found: list[Located] = []
    given = yaml_nodes.Mapping(yaml_nodes.Mark(0, 0, 0))
    for node in nodes:
        origin = Origin(file, node)
        try:
            match _kind_of(origin):
                case defaults.KIND:
                    given, wrong = defaults.defaults_of(origin, HEADER)
                    problems += [*_version(origin, origin.node.plain), *wrong]
                case Kind.KPI:
                    whole = defaults.completed(origin, given)
                    found.append(Located(_definition(whole), whole))
                case _:
                    found.append(Located(_definition(origin), origin))
        except DefinitionError as error:
            problems += error.problems
    # What is wrong with a default is wrong with every KPI that takes it: once is enough.
    once: dict[object, Problem] = {}
    for problem in problems:
        once.setdefault((problem.message, problem.place), problem)
    return found, sorted(once.values(), key=_position)


def _kind_of(origin: Origin) -> object:
    fields = origin.node.plain
    return fields.get("kind") if isinstance(fields, dict) else None


def _position(problem: Problem) -> tuple[int, int]:
    return (problem.place.line, problem.place.column) if problem.place else (0, 0)


def _definition(origin: Origin) -> Definition:
    fields = origin.node.plain
    if not isinstance(fields, dict):
        raise DefinitionError([Problem("a document is a mapping of fields", place=origin.place_of(()))])
    kind = next((each for each in Kind if each == fields.get("kind")), None)
    problems = _header(origin, fields, kind)
    own = {name: value for name, value in fields.items() if name not in HEADER}
    try:
        # A document of no known kind is most likely a KPI: its other problems are told with that one.
        definition = definition_of(kind or Kind.KPI, own)
    except DefinitionError as error:
        problems += [_placed(problem, origin) for problem in error.problems]
    if problems:
        raise DefinitionError(problems)
    return definition


def definition_of(kind: Kind, fields: Mapping[str, object]) -> Definition:
    """The definition of *kind* that *fields* say, of which those that are null are not there.

    Raises:
        DefinitionError: with every problem and the path of its field, of which none has a place.
    """
    model = MODELS[kind]
    given = fields.get(name_field(kind))
    try:
        return model.model_validate({name: value for name, value in fields.items() if value is not None})
    except ValidationError as error:
        name = given if isinstance(given, str) else None
        found = complaints(error, model)
        raise DefinitionError(
            [Problem(c.message, name, path=c.path, within=c.within, about_name=c.about_name) for c in found]
        ) from error


def _placed(problem: Problem, origin: Origin) -> Problem:
    path = problem.path
    place = origin.key_of(path) if problem.about_name else origin.place_of(path, problem.within)
    return replace(problem, place=place)


HEADER = ("apiVersion", "kind")
"""What every document of a file begins with."""


def _version(origin: Origin, fields: Mapping[str, object]) -> list[Problem]:
    if fields.get("apiVersion") == API_VERSION:
        return []
    message = f"write apiVersion: {API_VERSION}"
    return [Problem(message, place=origin.place_of(("apiVersion",)), path=("apiVersion",))]


def _header(origin: Origin, fields: Mapping[str, object], kind: Kind | None) -> list[Problem]:
    problems = _version(origin, fields)
    if kind is None:
        message = f"write kind: {', '.join(list(Kind)[:-1])} or {list(Kind)[-1]}"
        problems.append(Problem(message, place=origin.place_of(("kind",)), path=("kind",)))
    return problems


def _repeated(located: Iterable[Located]) -> list[Problem]:
    first: dict[Key, Origin] = {}
    problems = []
    for each in located:
        (kind, name), field = each.key, name_field(each.key[0])
        if each.key in first:
            other = first[each.key].place_of((field,))
            message = f"the {kind.noun} {name} is there already, in {other.file} line {other.line}"
            problems.append(Problem(message, name, each.origin.place_of((field,)), (field,)))
        first.setdefault(each.key, each.origin)
    return problems


def _located(problem: CatalogueProblem, origins: Mapping[Key, Origin]) -> Problem:
    return located_problem(problem, origins.get((problem.kind, problem.slug)))


def located_problem(problem: CatalogueProblem, origin: Origin | None) -> Problem:
    """*problem* at its place in the document of *origin*; without a place, if there is no document."""
    place = None if origin is None else origin.place_of(problem.path, problem.place)
    return Problem(problem.message, problem.slug, place, problem.path, problem.place)
