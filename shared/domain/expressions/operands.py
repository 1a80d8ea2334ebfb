"""What a formula may ask of a KPI: its value, that of one period earlier, that of all dimensions together."""

import ast
from dataclasses import dataclass

from shared.domain.expressions.leaves import kpi_name
from shared.domain.expressions.nodes import Arithmetic, Node, Path
from shared.domain.expressions.source import Source

OPERAND_CALLS = frozenset(("prev", "total", "share"))
"""The functions of formulas that say which value of a KPI is meant."""


@dataclass(frozen=True, slots=True, order=True)
class Operand:
    """A value of a KPI that a formula reads.

    Attributes:
        is_previous: over the window as it was one period earlier.
        is_total: without regard to the dimension values asked for.
    """

    slug: str
    is_previous: bool = False
    is_total: bool = False

    @classmethod
    def of(cls, path: Path) -> "Operand":
        """The operand that *path*, as `operand_call` makes it, stands for."""
        slug, *marks = path.keys
        return cls(slug, is_previous="prev" in marks, is_total="total" in marks)

    @property
    def text(self) -> str:
        """How it is written in a formula."""
        name = f"total({self.slug})" if self.is_total else self.slug
        return f"prev({name})" if self.is_previous else name


def operand_call(source: Source, node: ast.Call, name: str) -> Node:
    """What *node*, a call of the function *name* of `OPERAND_CALLS`, reads; a share is a quotient.

    Raises:
        ExpressionError: it is not about one KPI, or says the same twice.
    """
    if node.keywords or len(node.args) != 1:
        raise source.error(f"{name}() takes one argument", node)
    path = _operand(source, node.args[0], name)
    if name == "share" and "total" in path.keys[1:]:
        raise source.error("share() divides by the total already: write the KPI without total()", node)
    if name in path.keys[1:]:
        raise source.error(f"{name}() is said once for a KPI", node)
    return Arithmetic("/", path, _marked(path, "total")) if name == "share" else _marked(path, name)


def _operand(source: Source, node: ast.expr, name: str) -> Path:
    match node:
        case ast.Name():
            return kpi_name(source, node)
        case ast.Call(ast.Name("prev" | "total" as inner)):
            path = operand_call(source, node, inner)
            if isinstance(path, Path):
                return path
    raise source.error(f"{name}() takes the slug of a KPI, as in {name}(revenue)", node)


def _marked(path: Path, mark: str) -> Path:
    slug, *marks = path.keys
    return Path("kpi", (slug, *sorted({*marks, mark})))
