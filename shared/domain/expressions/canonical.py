"""The one normal form of an expression's text, by which measures are recognised; it judges no meaning."""

import ast
import keyword

from shared.domain.expressions.nodes import Path
from shared.domain.expressions.source import MAX_LENGTH, Source


def canonical(source: Source, body: ast.expr) -> str:
    """The normal form of *body*, a tree of *source*: one spacing, one kind of quotes and lists.

    Raises:
        ExpressionError: the normal form is longer than an expression may be.
    """
    text = ast.unparse(_Normal().visit(ast.parse(ast.unparse(body), mode="eval")))
    if len(text) > MAX_LENGTH:
        raise source.error(f"the expression is longer than {MAX_LENGTH} characters when written out", body)
    return text


def path_text(path: Path) -> str:
    """A path as its normal form is written."""
    return path.root + "".join(f".{key}" if _is_plain(key) else f"[{key!r}]" for key in path.keys)


class _Normal(ast.NodeTransformer):
    """Fields after a dot where that is possible, and lists as tuples."""

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        value = self.visit(node.value)
        key = node.slice.value if isinstance(node.slice, ast.Constant) else None
        if isinstance(key, str) and _is_plain(key):
            return ast.Attribute(value, key, ast.Load())
        return ast.Subscript(value, node.slice, ast.Load())

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        value = self.visit(node.value)
        if _is_plain(node.attr):
            return ast.Attribute(value, node.attr, ast.Load())
        return ast.Subscript(value, ast.Constant(node.attr), ast.Load())

    def visit_List(self, node: ast.List) -> ast.expr:
        return ast.Tuple(node.elts, ast.Load())

    def visit_Set(self, node: ast.Set) -> ast.expr:
        return ast.Tuple(node.elts, ast.Load())


def _is_plain(key: str) -> bool:
    return key.isascii() and key.isidentifier() and not keyword.iskeyword(key)
