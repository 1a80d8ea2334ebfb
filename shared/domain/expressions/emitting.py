"""A checked tree as the text of a Python expression over local names; it runs nothing.

A field that is read stands in a local, which is MISSING where the event has no such field. Fields
compare with constants by Python's own operators, which are exact for them; whatever may be a computed
number goes through the functions of `arithmetic`.
"""

from collections.abc import Callable, Iterable
from typing import Any

from shared.domain.expressions import arithmetic
from shared.domain.expressions.nodes import (
    Arithmetic,
    Call,
    Choice,
    Comparison,
    Constant,
    Kind,
    Literal,
    Logic,
    Members,
    Node,
    Not,
    Path,
    Sign,
    kind_of,
    paths_in,
)

EXACT_BELOW = 2**53
"""Up to here a float and the decimal it spells order the same way against every integer."""

MANY_MEMBERS = 4
"""From here on a hashed look-up beats comparing one by one (measured, CPython 3.11)."""

_OPERATORS = {"+": "add", "-": "subtract", "*": "multiply", "/": "divide", "%": "modulo"}
_SIGNS = {"+": "positive", "-": "negative"}
_BUILTINS = {
    "bool": bool,
    "enumerate": enumerate,
    "float": float,
    "int": int,
    "len": len,
    "list": list,
    "range": range,
    "str": str,
}
_RELATIONS = {
    "==": "equal",
    "!=": "equal",
    "<": "less",
    "<=": "at_most",
    ">": "more",
    ">=": "at_least",
    "in": "within",
    "not in": "within",
}
_FLIPPED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}
_CALLS = {"abs": "absolute", "min": "smallest", "max": "largest", "round": "rounded"}


def run_module(lines: Iterable[str]) -> dict[str, Any]:
    """The names that a generated module defines; it can call the functions of `arithmetic` only."""
    names: dict[str, Any] = {**vars(arithmetic), "__builtins__": _BUILTINS}
    exec(compile("\n".join(lines), "<expressions>", "exec"), names)  # noqa: S102 - written by us from a checked tree
    return names


class Emitter:
    """Writes expressions for one generated module.

    Attributes:
        definitions: lines of the functions that the expressions call, in order.
    """

    def __init__(self, local: Callable[[Path], str]) -> None:
        """Args: local: the name of the local that holds a path."""
        self._local = local
        self._temporaries = 0
        self.definitions: list[str] = []

    def text(self, node: Node) -> str:  # noqa: PLR0911 - one case for each class of node
        """A Python expression, in brackets where it needs them, that yields what *node* says."""
        match node:
            case Literal(value):
                return f"({value!r})" if isinstance(value, int | float) else repr(value)
            case Path():
                return self._read(node)
            case Sign(op, operand):
                return f"{_SIGNS[op]}({self._operand(operand)})"
            case Arithmetic(op, left, right):
                return f"{_OPERATORS[op]}({self._operand(left)}, {self._operand(right)})"
            case Comparison():
                return self._chain(node)
            case Logic(op, operands):
                return "(" + f" {op} ".join(self.condition(operand) for operand in operands) + ")"
            case Not(operand):
                return f"(not {self.condition(operand)})"
            case Choice(test, then, otherwise):
                return f"({self.text(then)} if {self.condition(test)} else {self.text(otherwise)})"
            case Call():
                return self._call(node)

    def condition(self, node: Node) -> str:
        """`text`, which raises unless it yields True or False."""
        if kind_of(node) is Kind.TRUTH:
            return self.text(node)
        return f"truth({self._operand(node)})"

    def _read(self, path: Path) -> str:
        name = self._local(path)
        return f"({name} if {name} is not MISSING else absent())"

    def _temporary(self) -> str:
        self._temporaries += 1
        return f"t{self._temporaries}"

    def _operand(self, node: Node) -> str:
        """`text` for an operator or function, which refuses MISSING itself."""
        return self._local(node) if isinstance(node, Path) else self.text(node)

    def _chain(self, node: Comparison) -> str:
        """The pairs of a chain, joined by `and`; an operand between two of them is worked out once."""
        pairs = []
        left: Node | str = node.first
        for position, (op, right) in enumerate(node.rest):
            last = position == len(node.rest) - 1
            if last or isinstance(right, Members | Literal | Path):
                pairs.append(self._pair(op, left, right))
                left = left if isinstance(right, Members) else right
            else:
                name = self._temporary()
                pairs.append(self._general(op, self._side(left), f"({name} := {self.text(right)})"))
                left = name
        return pairs[0] if len(pairs) == 1 else f"({' and '.join(pairs)})"

    def _side(self, side: Node | str) -> str:
        return side if isinstance(side, str) else self._operand(side)

    def _pair(self, op: str, left: Node | str, right: Node | Members) -> str:
        if isinstance(right, Members):
            return self._membership(op, left, right)
        if isinstance(left, Literal) and not isinstance(right, Literal) and op in _FLIPPED:
            return self._pair(_FLIPPED[op], right, left)
        if isinstance(right, Literal) and self._is_plain(left, right) and op in _FLIPPED:
            plain = self._plain(op, self._side(left), right.value)
            if not isinstance(right.value, float):
                return plain
            # A long literal arrives as a decimal, which Python compares with the float's binary value.
            exactly = self._general(op, self._side(left), self._operand(right))
            return f"({plain} if {self._side(left)}.__class__ is not Decimal else {exactly})"
        return self._general(op, self._side(left), self._operand(right))

    def _is_plain(self, left: Node | str, right: Literal) -> bool:
        """Whether Python's own operator gives the right answer."""
        if isinstance(left, str | Literal):
            return False
        if isinstance(right.value, str) or right.value is None:
            return True
        return isinstance(left, Path) and left.root == "data" and abs(right.value) <= EXACT_BELOW

    def _plain(self, op: str, left: str, right: Constant) -> str:
        if isinstance(right, str) or right is None:
            return f"({left} {op} {right!r})"
        if op in ("==", "!="):
            return self._plain_equality(op, left, right)
        # Python orders True and False among the numbers.
        return f"({left} {op} {right!r} if {left} is not True and {left} is not False else wrong())"

    def _plain_equality(self, op: str, left: str, right: float) -> str:
        if right not in (0, 1):
            return f"({left} {op} {right!r})"
        # To Python True equals 1 and False equals 0; asking == first lets MISSING fail.
        is_same = f"is {right!r}" if isinstance(right, bool) else f"is not {bool(right)!r}"
        found = f"({left} == {right!r} and {left} {is_same})"
        return found if op == "==" else f"(not {found})"

    def _general(self, op: str, left: str, right: str) -> str:
        asked = f"{_RELATIONS[op]}({left}, {right})"
        return f"(not {asked})" if op in ("!=", "not in") else asked

    def _membership(self, op: str, left: Node | str, right: Members) -> str:
        found = self._found(left, right)
        return found if op == "in" else f"(not {found})"

    def _found(self, left: Node | str, right: Members) -> str:
        side, texts = self._side(left), [value for value in right.values if isinstance(value, str)]
        if len(texts) < len(right.values) or isinstance(left, str):
            return f"among({side}, {right.values!r})"
        if len(texts) < MANY_MEMBERS or not isinstance(left, Path):
            return f"({side} in {right.values!r})"
        return (
            f"({side} in {{{', '.join(map(repr, texts))}}} if {side}.__class__ is str else not_text({side}))"
        )

    def _call(self, node: Call) -> str:
        match node.name, node.arguments:
            case "has", (Path() as path,):
                return f"({self._local(path)} is not MISSING)"
            case "coalesce", arguments:
                return self._first_of(arguments)
            case "number", (Path() as path,):
                name = self._local(path)
                return f"({name} if {name}.__class__ is int or {name}.__class__ is float else number({name}))"
            case name, arguments:
                return f"{_CALLS.get(name, name)}({', '.join(map(self._operand, arguments))})"

    def _first_of(self, arguments: tuple[Node, ...]) -> str:
        *heads, last = [self._or_none(argument) for argument in arguments]
        names = [self._temporary() for _ in heads]
        steps = [f"{name} if ({name} := {head}) is not None" for name, head in zip(names, heads, strict=True)]
        return f"({' else '.join([*steps, last])})"

    def _or_none(self, node: Node) -> str:
        """*node*, with None in place of a failure."""
        match node:
            case Literal():
                return self.text(node)
            case Path():
                name = self._local(node)
                return f"({name} if {name} is not MISSING else None)"
            case _:
                return self._guarded(node)

    def _guarded(self, node: Node) -> str:
        """A call of a function of its own, for only a statement can catch a failure."""
        parameters = ", ".join(dict.fromkeys(self._local(path) for path in paths_in(node)))
        body = self.text(node)
        name = f"f{len(self.definitions)}"
        lines = [f"def {name}({parameters}):", "    try:", f"        return {body}"]
        self.definitions += [*lines, "    except FAILURES:", "        return None"]
        return f"{name}({parameters})"
