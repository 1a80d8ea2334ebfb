"""KPIs together: which formula reads which, what they owe each other, and the order to work them out."""

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from shared.domain.definitions.kpis import Kpi


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The KPIs in force.

    Attributes:
        revision: moves with every change.
        kpis: by slug.
        versions: the version of each.
        measure_ids: the number of every measure of these KPIs, by fingerprint.
    """

    revision: int
    kpis: Mapping[str, Kpi]
    versions: Mapping[str, int]
    measure_ids: Mapping[str, int]

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


@dataclass(frozen=True, slots=True)
class CatalogueProblem:
    """What one KPI breaks among the others.

    Attributes:
        path: the field.
        place: line and column within the text of that field, where it is an expression.
    """

    slug: str
    path: tuple[str | int, ...]
    message: str
    place: tuple[int, int] | None = None


def operands_of(kpi: Kpi) -> tuple[str, ...]:
    """The slugs that the formula of *kpi* reads, in alphabetical order; none without a formula."""
    return () if kpi.parsed_formula is None else tuple(sorted(kpi.parsed_formula.names))


def catalogue_problems(kpis: Mapping[str, Kpi]) -> tuple[CatalogueProblem, ...]:
    """Everything that *kpis* break together; empty if they can be in force."""
    return tuple(problem for slug, kpi in kpis.items() for problem in _problems(slug, kpi, kpis))


def _problems(slug: str, kpi: Kpi, kpis: Mapping[str, Kpi]) -> Iterator[CatalogueProblem]:
    if kpi.parsed_formula is None:
        return
    for name, line, column in kpi.parsed_formula.places:
        if name not in kpis:
            yield CatalogueProblem(slug, ("formula",), _unknown(name, kpis), (line, column))
            continue
        cycle = _cycle(slug, name, kpis)
        if cycle:
            message = f"a formula cannot come back to itself: {' -> '.join(cycle)}"
            yield CatalogueProblem(slug, ("formula",), message, (line, column))
        yield from _missing(kpi, kpis[name])


def _unknown(name: str, kpis: Mapping[str, Kpi]) -> str:
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


def _missing(kpi: Kpi, operand: Kpi) -> Iterator[CatalogueProblem]:
    """What the formula of *kpi* asks of *operand* and does not get."""
    for place, window in enumerate(kpi.windows):
        if window not in operand.windows:
            message = f"the formula needs {operand.slug}, which has no window {window}"
            yield CatalogueProblem(kpi.slug, ("windows", place), message)
    for place, names in enumerate(kpi.breakdowns):
        if names not in operand.all_breakdowns:
            message = f"the formula needs {operand.slug}, which has no breakdown [{', '.join(names)}]"
            yield CatalogueProblem(kpi.slug, ("breakdowns", place), message)
    if "today" in kpi.windows and kpi.zone != operand.zone:
        message = f"today begins in {kpi.zone} here and in {operand.zone} for {operand.slug}"
        yield CatalogueProblem(kpi.slug, ("zone",), message)


def _in_order(kpis: Mapping[str, Kpi]) -> list[str]:
    """All slugs, each after its operands; KPIs that miss operands or go in circles come last."""
    ordered: dict[str, None] = {}
    waiting = sorted(kpis)
    while waiting:
        ready = [slug for slug in waiting if all(name in ordered for name in operands_of(kpis[slug]))]
        ordered |= dict.fromkeys(ready or waiting)
        waiting = [slug for slug in waiting if slug not in ordered]
    return list(ordered)
