"""From Python's tree to the checked tree: a whitelist of what may be said, with plain words for the rest."""

import ast

from shared.domain.expressions.errors import ExpressionError
from shared.domain.expressions.leaves import constant, field_path, kpi_name
from shared.domain.expressions.nodes import (
    Arithmetic,
    Call,
    Choice,
    Comparison,
    Kind,
    Literal,
    Logic,
    Members,
    Node,
    Not,
    Path,
    Sign,
    kind_of,
)
from shared.domain.expressions.operands import OPERAND_CALLS, operand_call
from shared.domain.expressions.source import Source

_ARITHMETIC = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Mod: "%"}
_COMPARISONS = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.In: "in",
    ast.NotIn: "not in",
}
_ARGUMENTS: dict[str, tuple[int, int, Kind | None]] = {
    "has": (1, 1, None),
    "abs": (1, 1, Kind.NUMBER),
    "min": (2, 16, Kind.NUMBER),
    "max": (2, 16, Kind.NUMBER),
    "round": (1, 2, Kind.NUMBER),
    "coalesce": (2, 16, None),
    "number": (1, 1, None),
    "lower": (1, 1, Kind.TEXT),
    "upper": (1, 1, Kind.TEXT),
    "startswith": (2, 2, Kind.TEXT),
    "endswith": (2, 2, Kind.TEXT),
    "contains": (2, 2, Kind.TEXT),
}
"""How few and how many arguments each function takes, and of which kind."""

FUNCTIONS = OPERAND_CALLS | _ARGUMENTS.keys()
"""Everything that can be called."""

_NUMERIC_CALLS = frozenset(("abs", "min", "max", "round", "coalesce"))
"""What can be called in a formula, besides `OPERAND_CALLS`."""


def fits(kind: Kind, wanted: Kind) -> bool:
    """Whether something of *kind* may turn out to be what is *wanted*."""
    return kind in (wanted, Kind.FIELD, Kind.ANY)


class Reader:
    """Reads one expression; its errors point into the text."""

    def __init__(self, source: Source, *, names_are_kpis: bool) -> None:
        self._source = source
        self._names_are_kpis = names_are_kpis
        self._leaf = kpi_name if names_are_kpis else field_path

    def read(self, node: ast.expr) -> Node:  # noqa: PLR0911 - one case for each class of node
        """The checked tree of *node*.

        Raises:
            ExpressionError: something that is not allowed, or that can never be right.
        """
        match node:
            case ast.Constant():
                return Literal(constant(self._source, node))
            case ast.Name() | ast.Attribute() | ast.Subscript():
                return self._leaf(self._source, node)
            case ast.UnaryOp():
                return self._unary(node)
            case ast.BinOp():
                return self._arithmetic(node)
            case ast.Compare():
                return self._comparison(node)
            case ast.BoolOp(op, values):
                name = "and" if isinstance(op, ast.And) else "or"
                return Logic(name, tuple(self.read_as(Kind.TRUTH, value) for value in values))
            case ast.IfExp(test, body, orelse):
                return Choice(self.read_as(Kind.TRUTH, test), self.read(body), self.read(orelse))
            case ast.Call():
                return self._call(node)
            case ast.List() | ast.Tuple() | ast.Set():
                raise self._error("a list may stand only to the right of `in`", node)
        raise self._error(f"{_description(node)} is not allowed in an expression", node)

    def read_as(self, wanted: Kind, node: ast.expr) -> Node:
        """The checked tree of *node*, which must be able to yield what is *wanted*."""
        read = self.read(node)
        if not fits(kind_of(read), wanted):
            raise self._error(f"{wanted.value} is needed here, and this is {kind_of(read).value}", node)
        return read

    def _error(self, message: str, node: ast.AST) -> ExpressionError:
        return self._source.error(message, node)

    def _unary(self, node: ast.UnaryOp) -> Node:
        match node.op, node.operand:
            case ast.Not(), operand:
                return Not(self.read_as(Kind.TRUTH, operand))
            case ast.USub(), ast.Constant(int() | float() as value) if not isinstance(value, bool):
                constant(self._source, node.operand)
                return Literal(-value)
            case (ast.USub() | ast.UAdd()) as sign, operand:
                return Sign("-" if isinstance(sign, ast.USub) else "+", self.read_as(Kind.NUMBER, operand))
        raise self._error("the operator ~ is not allowed", node)

    def _arithmetic(self, node: ast.BinOp) -> Node:
        op = _ARITHMETIC.get(type(node.op))
        if op is None:
            raise self._error("numbers combine by + - * / and % only", node)
        return Arithmetic(op, self.read_as(Kind.NUMBER, node.left), self.read_as(Kind.NUMBER, node.right))

    def _comparison(self, node: ast.Compare) -> Node:
        first = left = self.read(node.left)
        rest: list[tuple[str, Node | Members]] = []
        for operator, operand in zip(node.ops, node.comparators, strict=True):
            op = _COMPARISONS.get(type(operator))
            if op is None:
                raise self._error("write == None or != None instead of `is`", operand)
            right = self._members(operand) if op.endswith("in") else self.read(operand)
            if isinstance(right, Members) and operand is not node.comparators[-1]:
                raise self._error("a list may only end a chain of comparisons", operand)
            self._check_pair(op, left, right, operand)
            rest.append((op, right))
            left = left if isinstance(right, Members) else right
        return Comparison(first, tuple(rest))

    def _members(self, node: ast.expr) -> Node | Members:
        if not isinstance(node, ast.List | ast.Tuple | ast.Set):
            return self.read(node)
        values = [self.read(element) for element in node.elts]
        literals = tuple(value.value for value in values if isinstance(value, Literal))
        if not literals or len(literals) < len(values):
            raise self._error("a list holds one or more constants, as in ('AA', 'UA')", node)
        return Members(literals)

    def _check_pair(self, op: str, left: Node, right: Node | Members, at: ast.expr) -> None:
        if isinstance(right, Members):
            return
        kinds = {kind_of(left), kind_of(right)}
        known = kinds - {Kind.FIELD, Kind.ANY}
        if op.endswith("in"):
            if not fits(kind_of(right), Kind.TEXT):
                raise self._error("to the right of `in` stands a list, a text or a field", at)
        elif op in ("==", "!="):
            if len(known - {Kind.NULL}) > 1:
                raise self._error(f"{kind_of(left).value} is never equal to {kind_of(right).value}", at)
        elif len(known) > 1 or known & {Kind.NULL, Kind.TRUTH}:
            raise self._error(f"the operator {op} orders two numbers or two texts", at)

    def _call(self, node: ast.Call) -> Node:
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if self._names_are_kpis and name in OPERAND_CALLS:
            return operand_call(self._source, node, name)
        if name not in _ARGUMENTS or (self._names_are_kpis and name not in _NUMERIC_CALLS):
            raise self._error(self._unknown_function(node.func), node)
        fewest, most, kind = _ARGUMENTS[name]
        if node.keywords or not fewest <= len(node.args) <= most:
            raise self._error(f"{name}() takes {_count(fewest, most)}", node)
        if name == "round" and len(node.args) == 2:
            self._check_digits(node.args[1])
        arguments = [self.read(arg) if kind is None else self.read_as(kind, arg) for arg in node.args]
        if name == "has" and not isinstance(arguments[0], Path):
            raise self._error("has() takes a field, as in has(data.amount)", node.args[0])
        if name == "number" and kind_of(arguments[0]) in (Kind.TRUTH, Kind.NULL):
            raise self._error("number() takes a field, a text or a number", node.args[0])
        return Call(name, tuple(arguments))

    def _check_digits(self, node: ast.expr) -> None:
        value = node.value if isinstance(node, ast.Constant) else None
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 15:
            raise self._error("round() takes a number of decimals from 0 to 15", node)

    def _unknown_function(self, function: ast.expr) -> str:
        known = sorted(_NUMERIC_CALLS | OPERAND_CALLS if self._names_are_kpis else _ARGUMENTS)
        if isinstance(function, ast.Attribute):
            return f"there are no methods; functions are written {known[0]}(data.amount): {', '.join(known)}"
        name = repr(function.id) if isinstance(function, ast.Name) else "like this"
        return f"there is no function {name}; there are {', '.join(known)}"


def _count(fewest: int, most: int) -> str:
    if fewest == most:
        return "one argument" if most == 1 else f"{most} arguments"
    return f"{fewest} to {most} arguments"


def _description(node: ast.expr) -> str:
    """What the construct is called, as in `generator exp`."""
    names = {ast.JoinedStr: "a text with f''", ast.Starred: "*", ast.NamedExpr: ":=", ast.Lambda: "lambda"}
    return names.get(type(node), "a construct like this")
