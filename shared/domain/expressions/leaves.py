"""The smallest parts of an expression, constants and names, with their limits; it knows no operator."""

import ast
import keyword
import math
from decimal import Decimal

from shared.domain.expressions.nodes import Constant, Path
from shared.domain.expressions.reserved import FOREIGN_CONSTANTS
from shared.domain.expressions.source import Source

MAX_STRING = 256
"""Characters of one text constant."""

MAX_INTEGER = 10**38
"""Integers have at most 38 digits, as those of events."""

MAX_PATH = 16
"""Keys of a path: events are no deeper."""

HEAD = frozenset(("type", "source", "subject", "id"))
"""Names that read the event's head; every other field is one of data."""


def constant(source: Source, node: ast.Constant) -> Constant:
    """The constant that stands at *node*.

    Raises:
        ExpressionError: it is of a type that events do not have, too large, or not exactly kept.
    """
    match node.value:
        case None | bool():
            return node.value
        case int() if abs(node.value) < MAX_INTEGER:
            return node.value
        case int():
            raise source.error("an integer has at most 38 digits", node)
        case float():
            return _float(source, node, node.value)
        case str():
            return _string(source, node, node.value)
    raise source.error(f"a constant of type {type(node.value).__name__} is not allowed", node)


def _float(source: Source, node: ast.Constant, value: float) -> float:
    if not math.isfinite(value):
        raise source.error("the number is too large", node)
    written = ast.get_source_segment(source.bracketed, node) or repr(value)
    if Decimal(written.replace("_", "")) != Decimal(repr(value)):
        raise source.error("a number with a fraction has at most 15 significant digits", node)
    return value


def _string(source: Source, node: ast.Constant, value: str) -> str:
    if len(value) > MAX_STRING:
        raise source.error(f"a text has at most {MAX_STRING} characters", node)
    if node.kind is not None or node.end_lineno != node.lineno:
        raise source.error("a text is written 'like this', on one line", node)
    if any("\ud800" <= character <= "\udfff" or character == "\0" for character in value):
        raise source.error("a text holds no NUL and no lone surrogate", node)
    return value


def field_path(source: Source, node: ast.expr) -> Path:
    """The field of an event that *node* names.

    Raises:
        ExpressionError: the name does not begin with data, or is not written as a field is.
    """
    name, keys = _name_and_keys(source, node)
    if name.id == "data" and 0 < len(keys) <= MAX_PATH:
        return Path("data", keys)
    if name.id in HEAD and not keys:
        return Path(name.id)
    if keys and name.id == "data":
        raise source.error(f"a path has at most {MAX_PATH} fields", node)
    raise source.error(_unknown_field(name.id), name)


def kpi_name(source: Source, node: ast.expr) -> Path:
    """The KPI that *node* names in a formula.

    Raises:
        ExpressionError: it is not a bare name.
    """
    name, keys = _name_and_keys(source, node)
    if keys:
        raise source.error("a formula reads other KPIs by their slugs, not fields of events", name)
    if name.id in FOREIGN_CONSTANTS:
        raise source.error(f"unknown name {name.id!r}: write {FOREIGN_CONSTANTS[name.id]}", name)
    return Path("kpi", (name.id,))


def _name_and_keys(source: Source, node: ast.expr) -> tuple[ast.Name, tuple[str, ...]]:
    keys: list[str] = []
    at = node
    while isinstance(at, ast.Attribute | ast.Subscript):
        keys.append(_key(source, at))
        at = at.value
    if not isinstance(at, ast.Name):
        raise source.error("fields are read from data only, as in data.amount", node)
    return at, tuple(reversed(keys))


def _key(source: Source, node: ast.Attribute | ast.Subscript) -> str:
    if isinstance(node, ast.Attribute):
        # Python folds look-alike characters of names together; in brackets they stay as written.
        if node.attr not in source.text:
            raise source.error(f"write ['...'] around the name {node.attr!r}", node)
        return node.attr
    name = node.slice.value if isinstance(node.slice, ast.Constant) else None
    if isinstance(node.slice, ast.Constant) and isinstance(name, str) and name:
        return _string(source, node.slice, name)
    raise source.error("in square brackets stands the name of a field, as in data['order-id']", node.slice)


def _unknown_field(name: str) -> str:
    if name in FOREIGN_CONSTANTS:
        return f"unknown name {name!r}: write {FOREIGN_CONSTANTS[name]}"
    if name == "data":
        return "data is the whole object: name a field of it, as in data.amount"
    if name in HEAD:
        return f"{name} has no fields: fields of the event are written data.amount"
    field = name if name.isidentifier() and not keyword.iskeyword(name) else "amount"
    return f"unknown name {name!r}: fields of the event are written data.{field}"
