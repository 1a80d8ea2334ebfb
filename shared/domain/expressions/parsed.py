"""Filters, values and formulas: parsed texts with what they read; the engine decides when they run."""

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from typing import Any

from shared.domain.expressions.canonical import canonical, path_text
from shared.domain.expressions.emitting import Emitter, run_module
from shared.domain.expressions.nodes import Kind, Node, kind_of, paths_in
from shared.domain.expressions.operands import Operand
from shared.domain.expressions.reading import Reader
from shared.domain.expressions.source import Source


@dataclass(frozen=True, slots=True)
class Filter:
    """A condition on events.

    Attributes:
        canonical: the text in one normal form; equal texts select the same events.
        paths: the fields it reads, as written in an expression: `data.carrier`, `type`.
        tree: what `compile_selectors` compiles.
    """

    canonical: str
    paths: frozenset[str] = field(compare=False)
    tree: Node = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Value:
    """A number taken from each event; the first three attributes are those of `Filter`.

    Attributes:
        is_scalar: it may also be a text or a truth value.
    """

    canonical: str
    paths: frozenset[str] = field(compare=False)
    tree: Node = field(compare=False, repr=False)
    is_scalar: bool = False


@dataclass(frozen=True, slots=True)
class Formula:
    """A number worked out of other KPIs.

    Attributes:
        canonical: the text in one normal form.
        operands: what it reads of other KPIs, in alphabetical order.
        places: each name with the line and column of its first appearance in the text.
    """

    canonical: str
    operands: tuple[Operand, ...] = field(compare=False)
    places: tuple[tuple[str, int, int], ...] = field(compare=False, repr=False)
    _run: Callable[[Mapping[str, Decimal | None]], Any] = field(compare=False, repr=False)

    @property
    def names(self) -> frozenset[str]:
        """Slugs of the KPIs it reads."""
        return frozenset(operand.slug for operand in self.operands)

    def evaluate(self, values: Mapping[str, Decimal | None]) -> Decimal | None:
        """The result to 34 digits, or None where an operand is null or a denominator zero.

        Args:
            values: by the text of the operand, such as `revenue` or `prev(revenue)`; one that is absent
                counts as null.
        """
        result = self._run(values)
        return None if result is None else Decimal(result)


@lru_cache(maxsize=4096)
def parse_filter(text: str) -> Filter:
    """The condition that *text* states.

    Raises:
        ExpressionError: the text is no condition; the author of the KPI has to change it.
    """
    source = Source(text.replace("\r\n", "\n"))
    parsed = source.tree()
    tree = Reader(source, names_are_kpis=False).read_as(Kind.TRUTH, parsed)
    return Filter(canonical(source, parsed), _texts(tree), tree)


@lru_cache(maxsize=4096)
def parse_value(text: str) -> Value:
    """The number that *text* takes from an event.

    Raises:
        ExpressionError: the text is no number; the author of the KPI has to change it.
    """
    source = Source(text.replace("\r\n", "\n"))
    parsed = source.tree()
    tree = Reader(source, names_are_kpis=False).read_as(Kind.NUMBER, parsed)
    return Value(canonical(source, parsed), _texts(tree), tree)


@lru_cache(maxsize=4096)
def parse_scalar(text: str) -> Value:
    """The number, text or truth value that *text* takes from an event.

    Raises:
        ExpressionError: the text is nothing of these; the author of the KPI has to change it.
    """
    source = Source(text.replace("\r\n", "\n"))
    parsed = source.tree()
    tree = Reader(source, names_are_kpis=False).read(parsed)
    if kind_of(tree) is Kind.NULL:
        raise source.error("a field, a number, a text or a truth value is needed here, not null", parsed)
    return Value(canonical(source, parsed), _texts(tree), tree, is_scalar=True)


@lru_cache(maxsize=4096)
def parse_formula(text: str) -> Formula:
    """The number that *text* works out of other KPIs.

    Raises:
        ExpressionError: the text is no formula; the author of the KPI has to change it.
    """
    source = Source(text.replace("\r\n", "\n"))
    parsed = source.tree()
    tree = Reader(source, names_are_kpis=True).read_as(Kind.NUMBER, parsed)
    operands = tuple(sorted({Operand.of(path) for path in paths_in(tree)}))
    if not operands:
        raise source.error("a formula names at least one other KPI", parsed)
    names = frozenset(operand.slug for operand in operands)
    return Formula(canonical(source, parsed), operands, _places(source, parsed, names), _compiled(tree))


def _texts(tree: Node) -> frozenset[str]:
    return frozenset(map(path_text, paths_in(tree)))


def _places(source: Source, parsed: ast.expr, names: frozenset[str]) -> tuple[tuple[str, int, int], ...]:
    found: dict[str, tuple[str, int, int]] = {}
    functions = {node.func for node in ast.walk(parsed) if isinstance(node, ast.Call)}
    for node in ast.walk(parsed):
        if isinstance(node, ast.Name) and node.id in names and node not in functions:
            at = source.error("", node)
            place = (node.id, at.line, at.column)
            found[node.id] = min(place, found.get(node.id, place))
    return tuple(found.values())


def _compiled(tree: Node) -> Callable[[Mapping[str, Decimal | None]], Any]:
    locals_of = {path: f"p{i}" for i, path in enumerate(dict.fromkeys(paths_in(tree)))}
    emitter = Emitter(locals_of.__getitem__)
    result = emitter.text(tree)
    reads = [f"    {name} = values.get({Operand.of(path).text!r})" for path, name in locals_of.items()]
    lines = ["def run(values):", *reads, "    try:", f"        return exact({result})"]
    lines += ["    except FAILURES:", "        return None"]
    run: Callable[[Mapping[str, Decimal | None]], Any] = run_module([*emitter.definitions, *lines])["run"]
    return run
