"""What each series did to a change, by brute force: Bennet's split of a difference of quotients."""

import ast
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from tests.oracle.definitions import Definition

Known = Mapping[str, Definition]
Look = Callable[[str], Fraction]
"""The value of a KPI, 0 where it has none."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What a KPI is above and below the line, at one instant, for all or for one series.

    Attributes:
        below: 1 for what adds up.
    """

    above: Fraction
    below: Fraction

    @property
    def value(self) -> Fraction | None:
        """The quotient."""
        return self.above / self.below if self.below else None


@dataclass(frozen=True, slots=True)
class Did:
    """What a series did to the change; mix and rate are None for what adds up."""

    amount: Fraction
    mix: Fraction | None
    rate: Fraction | None


def method_of(known: Known, slug: str) -> str | None:
    """How the change of a KPI can be told by its series; None where it cannot, or nobody asks."""
    kpi = known[slug]
    if is_linear(known, slug):
        return "difference"
    if kpi.aggregate == "avg" and kpi.formula is None:
        return "mix_and_rate"
    node = None if kpi.formula is None else _tree(kpi.formula)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
        return "mix_and_rate" if _adds(known, node.left) and _adds(known, node.right) else None
    return None


def is_linear(known: Known, slug: str, aggregates: tuple[str, ...] = ("count", "sum", "rate")) -> bool:
    """Whether a KPI is one of *aggregates*, or a formula that adds, subtracts and scales such."""
    kpi = known[slug]
    if kpi.formula is None:
        return kpi.aggregate in aggregates
    return _adds(known, _tree(kpi.formula), aggregates)


def _adds(known: Known, node: ast.expr, aggregates: tuple[str, ...] = ("count", "sum", "rate")) -> bool:
    match node:
        case ast.Name(name):
            return is_linear(known, name, aggregates)
        case ast.UnaryOp(operand=operand):
            return _adds(known, operand, aggregates)
        case ast.BinOp(left, ast.Add() | ast.Sub(), right):
            return _adds(known, left, aggregates) and _adds(known, right, aggregates)
        case ast.BinOp(ast.Constant(), ast.Mult(), each) | ast.BinOp(
            each, ast.Mult() | ast.Div(), ast.Constant()
        ):
            return _adds(known, each, aggregates)
    return False


def parts_of(known: Known, slug: str, look: Look, counted: int) -> Parts:
    """A KPI above and below the line; *counted* are the events of a mean."""
    kpi = known[slug]
    if is_linear(known, slug):
        return Parts(look(slug), Fraction(1))
    if kpi.formula is None:
        return Parts(look(slug) * counted, Fraction(counted))
    node = _tree(kpi.formula)
    assert isinstance(node, ast.BinOp)
    return Parts(_sum(node.left, look), _sum(node.right, look))


_OPERATORS: Mapping[type[ast.operator], Callable[[Fraction, Fraction], Fraction]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


def _sum(node: ast.expr, look: Look) -> Fraction:
    match node:
        case ast.Name(name):
            return look(name)
        case ast.Constant(number):
            return Fraction(str(number))
        case ast.UnaryOp(ast.USub(), operand):
            return -_sum(operand, look)
        case ast.BinOp(left, op, right):
            return _OPERATORS[type(op)](_sum(left, look), _sum(right, look))
    raise AssertionError(ast.dump(node))


def did(method: str, then: Parts, now: Parts, whole_then: Parts, whole_now: Parts) -> Did:
    """What a series that was *then* and is *now* did to the change of the whole."""
    if method == "difference":
        return Did(now.above - then.above, None, None)
    assert whole_then.value is not None
    assert whole_now.value is not None
    weight_then, weight_now = then.below / whole_then.below, now.below / whole_now.below
    # What has nothing to divide by at one instant has the quotient of the other: all that it did is mix.
    rate_then = then.value if then.value is not None else now.value
    rate_now = now.value if now.value is not None else then.value
    if rate_then is None or rate_now is None:
        return Did(Fraction(0), Fraction(0), Fraction(0))
    mean = (whole_then.value + whole_now.value) / 2
    mix = ((rate_then + rate_now) / 2 - mean) * (weight_now - weight_then)
    rate = (weight_then + weight_now) / 2 * (rate_now - rate_then)
    return Did(mix + rate, mix, rate)


def _tree(formula: str) -> ast.expr:
    return ast.parse(f"({formula}\n)", mode="eval").body
