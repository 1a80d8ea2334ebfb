"""The checked tree of an expression: what may be said, and of which kind it is; it knows no Python."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

Constant = int | float | str | bool | None


class Kind(Enum):
    """What an expression yields, as far as it is known before any event is seen."""

    TRUTH = "a condition"
    NUMBER = "a number"
    TEXT = "a text"
    NULL = "None"
    FIELD = "a field"
    """A number, text, bool or null exactly as the event holds it."""
    ANY = "a value"
    """Anything a field may hold, or a computed number."""


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant."""

    value: Constant


@dataclass(frozen=True, slots=True)
class Path:
    """A field of the event (root data), a name of its head, or another KPI (root kpi)."""

    root: str
    keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Members:
    """The constants to the right of `in`."""

    values: tuple[Constant, ...]


@dataclass(frozen=True, slots=True)
class Sign:
    """A unary plus or minus."""

    op: str
    operand: "Node"


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """Two numbers combined by + - * / or %."""

    op: str
    left: "Node"
    right: "Node"


@dataclass(frozen=True, slots=True)
class Comparison:
    """A chain of comparisons: first op operand, op operand."""

    first: "Node"
    rest: tuple[tuple[str, "Node | Members"], ...]


@dataclass(frozen=True, slots=True)
class Logic:
    """Conditions joined by `and` or by `or`."""

    op: str
    operands: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite of a condition."""

    operand: "Node"


@dataclass(frozen=True, slots=True)
class Choice:
    """One of two values, by a condition."""

    test: "Node"
    then: "Node"
    otherwise: "Node"


@dataclass(frozen=True, slots=True)
class Call:
    """One of the few functions."""

    name: str
    arguments: tuple["Node", ...]


Node = Literal | Path | Sign | Arithmetic | Comparison | Logic | Not | Choice | Call

CALL_KINDS = {
    "has": Kind.TRUTH,
    "startswith": Kind.TRUTH,
    "endswith": Kind.TRUTH,
    "contains": Kind.TRUTH,
    "lower": Kind.TEXT,
    "upper": Kind.TEXT,
    "abs": Kind.NUMBER,
    "min": Kind.NUMBER,
    "max": Kind.NUMBER,
    "round": Kind.NUMBER,
    "number": Kind.NUMBER,
}
"""What each function yields; coalesce yields what its arguments are."""


def kind_of(node: Node) -> Kind:  # noqa: PLR0911 - one case for each class of node
    """What *node* yields."""
    match node:
        case Literal(value):
            return _kind_of_literal(value)
        case Path(root):
            return {"data": Kind.FIELD, "kpi": Kind.NUMBER}.get(root, Kind.TEXT)
        case Sign() | Arithmetic():
            return Kind.NUMBER
        case Comparison() | Logic() | Not():
            return Kind.TRUTH
        case Choice(_, then, otherwise):
            return _joined((then, otherwise))
        case Call("coalesce", arguments):
            return _joined(arguments)
        case Call(name):
            return CALL_KINDS[name]


def _kind_of_literal(value: Constant) -> Kind:
    if value is None:
        return Kind.NULL
    if isinstance(value, bool):
        return Kind.TRUTH
    return Kind.TEXT if isinstance(value, str) else Kind.NUMBER


def _joined(nodes: tuple[Node, ...]) -> Kind:
    """The kind that holds whichever of *nodes* is taken; a number or a text may be null in any case."""
    kinds = {kind_of(node) for node in nodes}
    if len(kinds) > 1 and kinds <= {Kind.NUMBER, Kind.NULL}:
        return Kind.NUMBER
    if len(kinds) > 1 and kinds <= {Kind.TEXT, Kind.NULL}:
        return Kind.TEXT
    return kinds.pop() if len(kinds) == 1 else Kind.ANY


def children(node: Node | Members) -> tuple[Node, ...]:  # noqa: PLR0911 - one case for each class of node
    """The nodes directly below *node*."""
    match node:
        case Literal() | Path() | Members():
            return ()
        case Sign(_, operand) | Not(operand):
            return (operand,)
        case Arithmetic(_, left, right):
            return (left, right)
        case Comparison(first, rest):
            return (first, *(operand for _, operand in rest if not isinstance(operand, Members)))
        case Logic(_, operands):
            return operands
        case Choice(test, then, otherwise):
            return (test, then, otherwise)
        case Call(_, arguments):
            return arguments


def paths_in(node: Node) -> Iterator[Path]:
    """Every path that *node* reads, in order of appearance, repeated as often as it is read."""
    if isinstance(node, Path):
        yield node
    for child in children(node):
        yield from paths_in(child)
