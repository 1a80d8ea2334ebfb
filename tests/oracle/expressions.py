"""What `where`, `value` and `formula` mean, read off Python's syntax tree with exact fractions.

Operands are looked at from left to right as Python does, and only as far as needed. The first one that is
missing, or null or of the wrong type where that cannot be, leaves the whole expression undefined.
"""

import ast
import operator
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Any

Scope = Callable[[str], Any]
"""The value of a top-level name; raises UndefinedError for one that has none."""


class UndefinedError(Exception):
    """The expression has no value here: a filter is false then, a value or formula null."""


def evaluated(text: str, scope: Scope) -> Any:
    """The value of *text*: a Fraction or int, a str, a bool, None, or whatever a field holds.

    Raises:
        UndefinedError: it has none.
    """
    return _of(_tree(text), scope)


def number(text: str, scope: Scope) -> Fraction | None:
    """The number that *text* comes to, None when it comes to none."""
    try:
        return Fraction(_number(evaluated(text, scope)))
    except UndefinedError:
        return None


def holds(text: str, scope: Scope) -> bool:
    """Whether the condition *text* is true."""
    try:
        return evaluated(text, scope) is True
    except UndefinedError:
        return False


@lru_cache(maxsize=1000)
def _tree(text: str) -> ast.expr:
    return ast.parse(f"({text}\n)", mode="eval").body


def _of(node: ast.expr, scope: Scope) -> Any:
    return _EVALUATE[type(node)](node, scope)


def _constant(node: ast.Constant, _scope: Scope) -> Any:
    if isinstance(node.value, float):
        return Fraction(repr(node.value))
    return node.value


def _name(node: ast.Name, scope: Scope) -> Any:
    return _plain(scope(node.id))


def _attribute(node: ast.Attribute, scope: Scope) -> Any:
    whole = _of(node.value, scope)
    if not isinstance(whole, Mapping) or node.attr not in whole:
        raise UndefinedError
    return _plain(whole[node.attr])


def _subscript(node: ast.Subscript, scope: Scope) -> Any:
    whole, key = _of(node.value, scope), _of(node.slice, scope)
    if not isinstance(whole, Mapping) or key not in whole:
        raise UndefinedError
    return _plain(whole[key])


def _plain(value: Any) -> Any:
    return Fraction(value) if isinstance(value, Decimal) else value


def _unary(node: ast.UnaryOp, scope: Scope) -> Any:
    operand = _of(node.operand, scope)
    if isinstance(node.op, ast.Not):
        return not _truth(operand)
    return -_number(operand) if isinstance(node.op, ast.USub) else _number(operand)


def _binary(node: ast.BinOp, scope: Scope) -> Any:
    left, right = _number(_of(node.left, scope)), _number(_of(node.right, scope))
    try:
        return _ARITHMETIC[type(node.op)](Fraction(left), Fraction(right))
    except ZeroDivisionError:
        raise UndefinedError from None


_ARITHMETIC: dict[type[ast.operator], Callable[[Fraction, Fraction], Fraction]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Mod: operator.mod,
}


def _logic(node: ast.BoolOp, scope: Scope) -> bool:
    decisive = isinstance(node.op, ast.Or)
    return next((decisive for part in node.values if _truth(_of(part, scope)) is decisive), not decisive)


def _choice(node: ast.IfExp, scope: Scope) -> Any:
    return _of(node.body if _truth(_of(node.test, scope)) else node.orelse, scope)


def _list(node: ast.List | ast.Tuple | ast.Set, scope: Scope) -> list[Any]:
    return [_of(element, scope) for element in node.elts]


def _comparison(node: ast.Compare, scope: Scope) -> bool:
    left = _of_or_none(node.left, node.ops[0], scope)
    for op, right_node in zip(node.ops, node.comparators, strict=True):
        right = _of(right_node, scope)
        if not _compared(op, left, right):
            return False
        left = right
    return True


def _of_or_none(node: ast.expr, op: ast.cmpop, scope: Scope) -> Any:
    """A field that is not there `is None`; in any other comparison it leaves all undefined."""
    try:
        return _of(node, scope)
    except UndefinedError:
        if isinstance(op, ast.Is | ast.IsNot):
            return None
        raise


def _compared(op: ast.cmpop, left: Any, right: Any) -> bool:
    if isinstance(op, ast.Is | ast.Eq):
        return _equal(left, right)
    if isinstance(op, ast.IsNot | ast.NotEq):
        return not _equal(left, right)
    if isinstance(op, ast.In | ast.NotIn):
        return _within(left, right) is isinstance(op, ast.In)
    if not (isinstance(left, str) and isinstance(right, str)):
        left, right = _number(left), _number(right)
    return bool(_ORDER[type(op)](left, right))


_ORDER: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}


def _equal(left: Any, right: Any) -> bool:
    """Equal numbers, texts, truth values or nulls; values of different kinds are not equal."""
    if _is_number(left) and _is_number(right):
        return bool(left == right)
    return type(left) is type(right) and isinstance(left, str | bool | None) and left == right


def _within(part: Any, whole: Any) -> bool:
    if isinstance(whole, list):
        return any(_equal(part, _plain(member)) for member in whole)
    if isinstance(whole, str) and isinstance(part, str):
        return part in whole
    raise UndefinedError


def _is_number(value: Any) -> bool:
    return isinstance(value, int | Fraction) and not isinstance(value, bool)


def _number(value: Any) -> int | Fraction:
    if not _is_number(value):
        raise UndefinedError
    return value  # type: ignore[no-any-return]  # just checked, in words mypy does not follow


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise UndefinedError
    return value


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise UndefinedError
    return value


def _call(node: ast.Call, scope: Scope) -> Any:
    name = node.func.id if isinstance(node.func, ast.Name) else ""
    if name in _LAZY:
        return _LAZY[name](node.args, scope)
    return _FUNCTIONS[name](*(_of(argument, scope) for argument in node.args))


def _has(arguments: list[ast.expr], scope: Scope) -> bool:
    """Whether the event has the field, be it null; an attribute that is null is one that it does not have."""
    try:
        value = _of(arguments[0], scope)
    except UndefinedError:
        return False
    return value is not None or not isinstance(arguments[0], ast.Name)


def _coalesce(arguments: list[ast.expr], scope: Scope) -> Any:
    for argument in arguments:
        try:
            value = _of(argument, scope)
        except UndefinedError:
            continue
        if value is not None:
            return value
    return None


def _spelled(value: Any) -> int | Fraction:
    if isinstance(value, str) and re.fullmatch(r"[+-]?\d+(\.\d+)?([eE][+-]?\d{1,2})?", value, re.ASCII):
        return Fraction(value)
    return _number(value)


def _previous(arguments: list[ast.expr], scope: Scope) -> Any:
    """The argument as it was one period earlier: the scope of a formula knows how to."""
    return _of(arguments[0], scope.earlier())  # type: ignore[attr-defined]


def _total(arguments: list[ast.expr], scope: Scope) -> Any:
    return _of(arguments[0], scope.total())  # type: ignore[attr-defined]


def _share(arguments: list[ast.expr], scope: Scope) -> Fraction:
    part, whole = _number(_of(arguments[0], scope)), _number(_total(arguments, scope))
    if whole == 0:
        raise UndefinedError
    return Fraction(part) / whole


_LAZY: dict[str, Callable[[list[ast.expr], Scope], Any]] = {
    "has": _has,
    "coalesce": _coalesce,
    "prev": _previous,
    "total": _total,
    "share": _share,
}
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "startswith": lambda text, part: _text(text).startswith(_text(part)),
    "endswith": lambda text, part: _text(text).endswith(_text(part)),
    "contains": lambda whole, part: _within(part, whole),
    "lower": lambda text: _text(text).lower(),
    "upper": lambda text: _text(text).upper(),
    "abs": lambda value: abs(_number(value)),
    "min": lambda *values: min(map(_number, values)),
    "max": lambda *values: max(map(_number, values)),
    "round": lambda value, digits=0: round(Fraction(_number(value)), digits),
    "number": _spelled,
}

_EVALUATE: dict[type[ast.expr], Callable[[Any, Scope], Any]] = {
    ast.Constant: _constant,
    ast.Name: _name,
    ast.Attribute: _attribute,
    ast.Subscript: _subscript,
    ast.UnaryOp: _unary,
    ast.BinOp: _binary,
    ast.BoolOp: _logic,
    ast.IfExp: _choice,
    ast.Compare: _comparison,
    ast.Call: _call,
    ast.List: _list,
    ast.Tuple: _list,
    ast.Set: _list,
}
