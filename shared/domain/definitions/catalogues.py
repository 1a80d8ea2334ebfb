"""KPIs together: which formula reads which, what they owe each other, and the order to work them out."""

import difflib
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, field

from shared.domain.definitions.event_types import EventType
from shared.domain.definitions.kinds import Definitions, Key, Kind
from shared.domain.definitions.kpis import Kpi
from shared.domain.definitions.objectives import Objective
from shared.domain.definitions.same_periods import other_periods
from shared.domain.definitions.scorecards import Scorecard
from shared.domain.definitions.target_problems import target_problems
from shared.domain.expressions import Operand


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The definitions in force.

    Attributes:
        revision: moves with every change.
        kpis: by slug.
        versions: the version of each.
        measure_ids: the number of every measure of these KPIs, by fingerprint.
        objectives, scorecards, event_types: by name.
        drafts: KPIs that are kept and not in force, by slug.
        other_versions: the version of each of these and of the drafts, by kind and name.
    """

    revision: int
    kpis: Mapping[str, Kpi]
    versions: Mapping[str, int]
    measure_ids: Mapping[str, int]
    objectives: Mapping[str, Objective] = field(default_factory=dict)
    scorecards: Mapping[str, Scorecard] = field(default_factory=dict)
    event_types: Mapping[str, EventType] = field(default_factory=dict)
    drafts: Mapping[str, Kpi] = field(default_factory=dict)
    other_versions: Mapping[Key, int] = field(default_factory=dict)

    @property
    def definitions(self) -> Definitions:
        """All of them, without their versions."""
        return Definitions(self.kpis, self.objectives, self.scorecards, self.event_types, self.drafts)

    def version_of(self, key: Key) -> int | None:
        """The newest version of the definition of that kind and name; None if there is none."""
        kind, name = key
        in_force = self.versions.get(name) if kind is Kind.KPI else None
        return self.other_versions.get(key) if in_force is None else in_force

    def evaluation_order(self) -> tuple[str, ...]:
        """The slugs of formulas, each after those that it reads."""
        return tuple(slug for slug in _in_order(self.kpis) if self.kpis[slug].is_formula)

    def leaves(self, slug: str) -> tuple[str, ...]:
        """The KPIs of events that *slug* is made of, however deep: itself, if it is one.

        Raises:
            KeyError: there is no such KPI.
        """
        found: dict[str, None] = {}
        waiting, seen = [slug], {slug}
        while waiting:
            name = waiting.pop()
            operands = operands_of(self.kpis[name])
            if not operands:
                found[name] = None
            waiting += [operand for operand in reversed(operands) if operand not in seen]
            seen.update(operands)
        return tuple(found)

    def leaf_operands(self, slug: str) -> tuple[Operand, ...]:
        """What *slug* comes down to: KPIs of events with the period and dimensions meant, in a fixed order.

        Raises:
            KeyError: there is no such KPI.
        """
        return tuple(dict.fromkeys(_leaf_operands(self.kpis, Operand(slug))))


def _leaf_operands(kpis: Mapping[str, Kpi], wanted: Operand) -> Iterator[Operand]:
    formula = kpis[wanted.slug].parsed_formula
    if formula is None:
        yield wanted
        return
    for operand in formula.operands:
        yield from _leaf_operands(kpis, within(wanted, operand))


def within(outer: Operand, operand: Operand) -> Operand:
    """*operand* of a formula, of which what *outer* says is wanted."""
    return Operand(
        operand.slug,
        is_previous=outer.is_previous or operand.is_previous,
        is_total=outer.is_total or operand.is_total,
    )


@dataclass(frozen=True, slots=True)
class CatalogueProblem:
    """What one definition breaks among the others.

    Attributes:
        slug: the KPI, or the name of a definition of another kind.
        path: the field.
        place: line and column within the text of that field, where it is an expression.
    """

    slug: str
    path: tuple[str | int, ...]
    message: str
    place: tuple[int, int] | None = None
    kind: Kind = Kind.KPI


def operands_of(kpi: Kpi) -> tuple[str, ...]:
    """The slugs that the formula of *kpi* reads, in alphabetical order; none without a formula."""
    return () if kpi.parsed_formula is None else tuple(sorted(kpi.parsed_formula.names))


def catalogue_problems(kpis: Mapping[str, Kpi], drafts: Container[str] = ()) -> tuple[CatalogueProblem, ...]:
    """Everything that *kpis* break together; empty if they can be in force.

    Args:
        kpis: by slug.
        drafts: slugs that are taken and not in force, so that no formula may read them.
    """
    return tuple(problem for slug, kpi in kpis.items() for problem in _problems(slug, kpi, kpis, drafts))


def _problems(
    slug: str, kpi: Kpi, kpis: Mapping[str, Kpi], drafts: Container[str]
) -> Iterator[CatalogueProblem]:
    for path, message in target_problems(kpi, kpis):
        yield CatalogueProblem(slug, path, message)
    if kpi.parsed_formula is None:
        return
    for name, line, column in kpi.parsed_formula.places:
        if name not in kpis:
            yield CatalogueProblem(slug, ("formula",), unknown_kpi(name, kpis, drafts), (line, column))
            continue
        cycle = _cycle(slug, name, kpis)
        if cycle:
            message = f"a formula cannot come back to itself: {' -> '.join(cycle)}"
            yield CatalogueProblem(slug, ("formula",), message, (line, column))
        elif any(one.slug == name and one.is_previous for one in kpi.parsed_formula.operands):
            yield from _goes_back_twice(slug, name, kpis, (line, column))
        yield from _missing(kpi, kpis[name])


def unknown_kpi(name: str, kpis: Mapping[str, Kpi], drafts: Container[str]) -> str:
    """The sentence that says that *name* is none of *kpis*."""
    if name in drafts:
        return f"the KPI {name!r} is a draft: it has no values until its status is active"
    close = difflib.get_close_matches(name, kpis, n=1)
    return f"there is no KPI {name!r}" + (f"; did you mean {close[0]!r}?" if close else "")


def _cycle(slug: str, first: str, kpis: Mapping[str, Kpi]) -> tuple[str, ...]:
    """The shortest way from *slug* by way of its operand *first* back to *slug*; empty without one."""
    ways: list[tuple[str, ...]] = [(slug, first)]
    seen = {first}
    for way in ways:
        if way[-1] == slug:
            return way
        for name in operands_of(kpis[way[-1]]) if way[-1] in kpis else ():
            if name not in seen:
                seen.add(name)
                ways.append((*way, name))
    return ()


def _goes_back_twice(
    slug: str, name: str, kpis: Mapping[str, Kpi], place: tuple[int, int]
) -> Iterator[CatalogueProblem]:
    """Panes are kept for one period back, so there is no `prev` of what has one in it."""
    waiting, seen = [name], {name}
    while waiting:
        formula = kpis[waiting[-1]].parsed_formula if waiting[-1] in kpis else None
        at = waiting.pop()
        operands = () if formula is None else formula.operands
        if any(operand.is_previous for operand in operands):
            message = f"prev({name}) goes back twice: there is a prev() in {at} already"
            yield CatalogueProblem(slug, ("formula",), message, place)
            return
        waiting += [operand.slug for operand in operands if operand.slug not in seen]
        seen.update(operand.slug for operand in operands)


def _missing(kpi: Kpi, operand: Kpi) -> Iterator[CatalogueProblem]:
    """What the formula of *kpi* asks of *operand* and does not get."""
    for place, window in enumerate(kpi.windows):
        if window not in operand.windows:
            message = f"the formula needs {operand.slug}, which has no window {window}"
            yield CatalogueProblem(kpi.slug, ("windows", place), message)
    for place, names in enumerate(kpi.breakdowns):
        if names not in operand.all_breakdowns and not _is_total_only(kpi, operand.slug):
            message = f"the formula needs {operand.slug}, which has no breakdown [{', '.join(names)}]"
            yield CatalogueProblem(kpi.slug, ("breakdowns", place), message)
    for name, message in other_periods(kpi, operand, kpi.windows):
        yield CatalogueProblem(kpi.slug, (name,), message)


def _is_total_only(kpi: Kpi, slug: str) -> bool:
    """Whether the formula of *kpi* reads *slug* within `total` alone."""
    formula = kpi.parsed_formula
    return formula is not None and all(one.is_total for one in formula.operands if one.slug == slug)


def _in_order(kpis: Mapping[str, Kpi]) -> list[str]:
    """All slugs, each after its operands; KPIs that miss operands or go in circles come last."""
    ordered: dict[str, None] = {}
    waiting = sorted(kpis)
    while waiting:
        ready = [slug for slug in waiting if all(name in ordered for name in operands_of(kpis[slug]))]
        ordered |= dict.fromkeys(ready or waiting)
        waiting = [slug for slug in waiting if slug not in ordered]
    return list(ordered)
