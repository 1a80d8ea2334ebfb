"""KPI files: from YAML text to KPIs, with every problem at its place; it opens no file."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pydantic import ValidationError

from shared.domain.definitions import yaml_nodes
from shared.domain.definitions.catalogues import CatalogueProblem, catalogue_problems
from shared.domain.definitions.kpis import Kpi
from shared.domain.definitions.origins import KpiFile, Origin
from shared.domain.definitions.problems import DefinitionError, Problem
from shared.domain.definitions.words import complaints

API_VERSION = "tidemark/v1"
"""The version of the file format; another one would be another set of fields."""

KIND = "KPI"
MAX_BYTES = 1024 * 1024
"""A larger file is no list of definitions that people keep."""


@dataclass(frozen=True, slots=True)
class LocatedKpi:
    """A KPI and the document that it came from."""

    kpi: Kpi
    origin: Origin


def read_kpis(files: Mapping[str, str]) -> tuple[LocatedKpi, ...]:
    """The KPIs of *files*, texts by name, each judged on its own.

    Raises:
        DefinitionError: with every problem of every file.
    """
    found: list[LocatedKpi] = []
    problems: list[Problem] = []
    for name, text in files.items():
        kpis, wrong = _read(KpiFile(name, text.removeprefix("\ufeff").replace("\r\n", "\n")))
        found += kpis
        problems += wrong
    problems += _repeated(found)
    if problems:
        raise DefinitionError(problems)
    return tuple(found)


def check_together(located: Iterable[LocatedKpi], outcome: Mapping[str, Kpi]) -> None:
    """Judge the KPIs of *outcome* among each other, those that are *located* with their places.

    Raises:
        DefinitionError: with every problem.
    """
    origins = {each.kpi.slug: each.origin for each in located}
    found = catalogue_problems(outcome)
    if found:
        raise DefinitionError([_located(problem, origins.get(problem.slug)) for problem in found])


def kpis_of(text: str, *, file: str = "definitions.yaml") -> tuple[Kpi, ...]:
    """The KPIs of one *text* that is complete in itself.

    Raises:
        DefinitionError: with every problem.
    """
    located = read_kpis({file: text})
    check_together(located, {each.kpi.slug: each.kpi for each in located})
    return tuple(each.kpi for each in located)


def _read(file: KpiFile) -> tuple[list[LocatedKpi], list[Problem]]:
    if len(file.text.encode(errors="replace")) > MAX_BYTES:
        return [], [Problem("the file is larger than 1 MiB", place=file.place(yaml_nodes.Mark(0, 0, 0)))]
    nodes, faults = yaml_nodes.read_nodes(file.text)
    problems = [Problem(fault.message, place=file.place(fault.mark)) for fault in faults]
    kpis: list[LocatedKpi] = []
    for node in nodes:
        origin = Origin(file, node)
        try:
            kpis.append(LocatedKpi(_kpi(origin), origin))
        except DefinitionError as error:
            problems += error.problems
    return kpis, sorted(problems, key=_position)


def _position(problem: Problem) -> tuple[int, int]:
    return (problem.place.line, problem.place.column) if problem.place else (0, 0)


def _kpi(origin: Origin) -> Kpi:
    fields = origin.node.plain
    if not isinstance(fields, dict):
        raise DefinitionError([Problem("a document is a mapping of fields", place=origin.place_of(()))])
    slug = fields.get("slug") if isinstance(fields.get("slug"), str) else None
    problems = _header(origin, fields)
    own = {name: value for name, value in fields.items() if name not in _HEADER and value is not None}
    try:
        kpi = Kpi.model_validate(own)
    except ValidationError as error:
        for complaint in complaints(error):
            path = complaint.path
            place = origin.key_of(path) if complaint.about_name else origin.place_of(path, complaint.within)
            problems.append(Problem(complaint.message, slug, place))
    if problems:
        raise DefinitionError(problems)
    return kpi


_HEADER = {"apiVersion": API_VERSION, "kind": KIND}


def _header(origin: Origin, fields: Mapping[str, object]) -> list[Problem]:
    return [
        Problem(f"write {name}: {wanted}", place=origin.place_of((name,)))
        for name, wanted in _HEADER.items()
        if fields.get(name) != wanted
    ]


def _repeated(located: Iterable[LocatedKpi]) -> list[Problem]:
    first: dict[str, Origin] = {}
    problems = []
    for each in located:
        slug = each.kpi.slug
        if slug in first:
            other = first[slug].place_of(("slug",))
            message = f"the KPI {slug} is there already, in {other.file} line {other.line}"
            problems.append(Problem(message, slug, each.origin.place_of(("slug",))))
        first.setdefault(slug, each.origin)
    return problems


def _located(problem: CatalogueProblem, origin: Origin | None) -> Problem:
    place = None if origin is None else origin.place_of(problem.path, problem.place)
    return Problem(problem.message, problem.slug, place)
