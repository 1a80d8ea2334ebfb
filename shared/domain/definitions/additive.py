"""Which KPIs add up over time: the values over the parts of a stretch make that of the stretch; no reader."""

from collections.abc import Mapping
from enum import Enum

from shared.domain.definitions.kpis import Kpi
from shared.domain.definitions.target_rules import ADDITIVE
from shared.domain.expressions import Operand
from shared.domain.expressions.nodes import Arithmetic, Kind, Literal, Node, Path, Sign
from shared.domain.expressions.reading import Reader
from shared.domain.expressions.source import Source


class _Sort(Enum):
    NUMBER = "a number"
    SUM = "something that adds up"


def adds_up(kpis: Mapping[str, Kpi], slug: str) -> bool:
    """Whether the KPI *slug* is a count, a sum, or a formula that adds, subtracts and scales such KPIs.

    A formula that does not hold together with *kpis* does not add up.
    """
    return _sort_of(kpis, slug, frozenset()) is _Sort.SUM


def _sort_of(kpis: Mapping[str, Kpi], slug: str, above: frozenset[str]) -> _Sort | None:
    kpi = kpis.get(slug)
    if kpi is None or slug in above:
        return None
    if kpi.parsed_formula is None:
        return _Sort.SUM if kpi.aggregate in ADDITIVE else None
    source = Source(kpi.parsed_formula.canonical)
    tree = Reader(source, names_are_kpis=True).read_as(Kind.NUMBER, source.tree())
    return _sort(kpis, tree, above | {slug})


def _sort(kpis: Mapping[str, Kpi], node: Node, above: frozenset[str]) -> _Sort | None:
    match node:
        case Literal(int() | float()):
            return _Sort.NUMBER
        case Path():
            operand = Operand.of(node)
            return None if operand.is_previous else _sort_of(kpis, operand.slug, above)
        case Sign(_, operand):
            return _sort(kpis, operand, above)
        case Arithmetic(op, left, right):
            return _combined(op, _sort(kpis, left, above), _sort(kpis, right, above))
    return None


def _combined(op: str, left: _Sort | None, right: _Sort | None) -> _Sort | None:
    if left is None or right is None:
        return None
    if op in ("+", "-"):
        return left if left is right else None
    if op == "*" and _Sort.NUMBER in (left, right):
        return left if right is _Sort.NUMBER else right
    return left if op == "/" and right is _Sort.NUMBER else None
