"""The meaning of expressions as a walk over Python's own tree: slow and plain, to judge the compiled form."""

import ast
from collections.abc import Mapping
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Any

CONTEXT = Context(prec=34, rounding=ROUND_HALF_EVEN, Emin=-6143, Emax=6144)


class FailedError(Exception):
    """The expression has no result for this event."""


def walk(text: str, names: Mapping[str, Any]) -> Any:
    """The result of *text* where *names* holds data and the head; raises FailedError."""
    return _Walker(names).visit(ast.parse(f"({text}\n)", mode="eval").body)


def is_number(x: Any) -> bool:
    return isinstance(x, int | float | Decimal) and not isinstance(x, bool)


def exact(x: Any) -> Any:
    if not is_number(x):
        raise FailedError
    return Decimal(repr(x)) if isinstance(x, float) else x


class _Walker(ast.NodeVisitor):
    def __init__(self, names: Mapping[str, Any]) -> None:
        self.names = names

    def visit_Constant(self, node: ast.Constant) -> Any:
        return node.value

    def visit_Name(self, node: ast.Name) -> Any:
        if self.names.get(node.id) is None and node.id == "subject":
            raise FailedError
        return self.names[node.id]

    def visit_Attribute(self, node: ast.Attribute) -> Any:
        parent = self.visit(node.value)
        if not isinstance(parent, dict) or node.attr not in parent:
            raise FailedError
        return parent[node.attr]

    def truth(self, node: ast.expr) -> bool:
        result = self.visit(node)
        if result is True or result is False:
            return result
        raise FailedError

    def visit_BoolOp(self, node: ast.BoolOp) -> bool:
        stop = isinstance(node.op, ast.Or)
        return stop if any(self.truth(value) is stop for value in node.values) else not stop

    def visit_IfExp(self, node: ast.IfExp) -> Any:
        return self.visit(node.body if self.truth(node.test) else node.orelse)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> Any:
        if isinstance(node.op, ast.Not):
            return not self.truth(node.operand)
        number = exact(self.visit(node.operand))
        if isinstance(node.op, ast.UAdd):
            return number
        return -number if isinstance(number, int) else CONTEXT.minus(number)

    def visit_BinOp(self, node: ast.BinOp) -> Any:
        a, b = exact(self.visit(node.left)), exact(self.visit(node.right))
        whole = isinstance(a, int) and isinstance(b, int)
        try:
            return self.combine(type(node.op), a, b, whole=whole)
        except ArithmeticError as error:
            raise FailedError from error

    def combine(self, op: type[ast.operator], a: Any, b: Any, *, whole: bool) -> Any:
        if op is ast.Add:
            return a + b if whole else CONTEXT.add(a, b)
        if op is ast.Sub:
            return a - b if whole else CONTEXT.subtract(a, b)
        if op is ast.Mult:
            return a * b if whole else CONTEXT.multiply(a, b)
        if op is ast.Div:
            return CONTEXT.divide(a, b)
        if whole:
            return a % b
        rest = CONTEXT.remainder(a, b)
        return CONTEXT.add(rest, b) if rest and (rest < 0) is not (b < 0) else rest

    def visit_Compare(self, node: ast.Compare) -> bool:
        left = self.visit(node.left)
        for op, operand in zip(node.ops, node.comparators, strict=True):
            right = self.visit(operand)
            if not self.related(type(op), left, right):
                return False
            left = right
        return True

    def visit_Tuple(self, node: ast.Tuple) -> list[Any]:
        return [self.visit(element) for element in node.elts]

    def related(self, op: type[ast.cmpop], a: Any, b: Any) -> bool:
        if op in (ast.Eq, ast.NotEq):
            return self.equal(a, b) is (op is ast.Eq)
        if op in (ast.In, ast.NotIn):
            return self.within(a, b) is (op is ast.In)
        if not (isinstance(a, str) and isinstance(b, str)):
            a, b = exact(a), exact(b)
        return bool({ast.Lt: a < b, ast.LtE: a <= b, ast.Gt: a > b, ast.GtE: a >= b}[op])

    def equal(self, a: Any, b: Any) -> bool:
        if is_number(a) and is_number(b):
            return bool(exact(a) == exact(b))
        return type(a) is type(b) and not isinstance(a, list | dict) and a == b

    def within(self, part: Any, whole: Any) -> bool:
        if isinstance(whole, list):
            return any(self.equal(part, element) for element in whole)
        if isinstance(whole, str) and isinstance(part, str):
            return part in whole
        raise FailedError

    def visit_Call(self, node: ast.Call) -> Any:
        assert isinstance(node.func, ast.Name)
        name, arguments = node.func.id, node.args
        if name in ("has", "coalesce"):
            found = [self.or_none(argument) for argument in arguments]
            return (
                self.present(arguments[0])
                if name == "has"
                else next((x for x in found if x is not None), None)
            )
        values = [self.visit(argument) for argument in arguments]
        return self.text_call(name, values) if name in TEXT_CALLS else self.number_call(name, values)

    def or_none(self, node: ast.expr) -> Any:
        try:
            return self.visit(node)
        except FailedError:
            return None

    def present(self, node: ast.expr) -> bool:
        try:
            self.visit(node)
        except FailedError:
            return False
        return True

    def text_call(self, name: str, values: list[Any]) -> Any:
        if name == "contains":
            return self.within(values[1], values[0])
        if not all(isinstance(value, str) for value in values):
            raise FailedError
        return getattr(str, name)(*values)

    def number_call(self, name: str, values: list[Any]) -> Any:
        if name == "number" and isinstance(values[0], str):
            try:
                return int(values[0]) if values[0].lstrip("+-").isdigit() else Decimal(values[0])
            except ArithmeticError as error:
                raise FailedError from error
        numbers = [exact(value) for value in values]
        if name == "round" and isinstance(numbers[0], int):
            return numbers[0]
        if name == "round":
            digits = values[1] if len(values) > 1 else 0
            return Context(prec=200, rounding=ROUND_HALF_EVEN).quantize(
                numbers[0], Decimal(1).scaleb(-digits)
            )
        if name == "abs":
            return -numbers[0] if numbers[0] < 0 else numbers[0]
        return {"min": min, "max": max, "number": max}[name](numbers)


TEXT_CALLS = ("contains", "lower", "upper", "startswith", "endswith")
