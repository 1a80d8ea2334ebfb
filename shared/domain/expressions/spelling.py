"""A formula with the numbers in it that it was worked out of, for people to read; it evaluates nothing."""

import ast
from collections.abc import Mapping
from decimal import Decimal

from shared.domain.expressions.operands import OPERAND_CALLS, Operand
from shared.domain.expressions.parsed import Formula

NO_DATA = "no data"
"""What stands for a null."""


def number_text(value: Decimal | None) -> str:
    """*value* with all its digits and no exponent."""
    return NO_DATA if value is None else format(value, "f")


def spelled(formula: Formula, values: Mapping[str, Decimal | None]) -> str:
    """The normal form of *formula* with a number in the place of each operand.

    Args:
        formula: what is worked out.
        values: by the text of the operand, such as `revenue` or `prev(revenue)`; a share is written out as
            the quotient that it is.
    """
    tree = ast.parse(formula.canonical, mode="eval")
    return ast.unparse(_Numbers(values).visit(tree))


class _Numbers(ast.NodeTransformer):
    """Puts numbers where KPIs are named."""

    def __init__(self, values: Mapping[str, Decimal | None]) -> None:
        self._values = values

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self._number(Operand(node.id))

    def visit_Call(self, node: ast.Call) -> ast.expr:
        if not _is_operand(node):
            return ast.Call(node.func, [self.visit(each) for each in node.args], node.keywords)
        marks, inner = set[str](), node.args[0]
        marks.add(_name(node.func))
        while isinstance(inner, ast.Call):
            marks.add(_name(inner.func))
            inner = inner.args[0]
        above = Operand(_name(inner), is_previous="prev" in marks, is_total="total" in marks)
        if "share" not in marks:
            return self._number(above)
        below = Operand(above.slug, is_previous=above.is_previous, is_total=True)
        return ast.BinOp(self._number(above), ast.Div(), self._number(below))

    def _number(self, operand: Operand) -> ast.expr:
        value = self._values.get(operand.text)
        text = number_text(value)
        return ast.Name(f"({text})" if value is None or value < 0 else text)


def _is_operand(node: ast.Call) -> bool:
    return _name(node.func) in OPERAND_CALLS


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else ""
