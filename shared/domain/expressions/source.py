"""The text of an expression as Python's parser sees it, with limits and positions; it judges no meaning."""

import ast
import re
import unicodedata
import warnings
from dataclasses import dataclass

from shared.domain.expressions.errors import ExpressionError

MAX_LENGTH = 2000
"""Characters of an expression, as written and as written out."""

MAX_DEPTH = 32
"""Levels of nesting: beyond it neither people nor Python's compiler follow."""

MAX_NODES = 256
"""Parts of an expression, which bounds the work that one event can cause."""

_HINTS = (
    (re.compile(r"&&"), "write `and` instead of &&"),
    (re.compile(r"\|\|"), "write `or` instead of ||"),
    (re.compile(r"!(?!=)"), "write `not` instead of !"),
    (re.compile(r"<>"), "write != instead of <>"),
    (re.compile(r"(?<![=!<>:])=(?!=)"), "write == to compare"),
    (re.compile(r"(?i:\bnull\b)"), "write None for null"),
    (re.compile(r"\b(AND|OR|NOT|IN)\b"), "write and, or, not, in with small letters"),
)
_STRINGS = re.compile(r"'(?:[^'\\\n]|\\.)*'|\"(?:[^\"\\\n]|\\.)*\"")


@dataclass(frozen=True, slots=True)
class Source:
    """One expression's text and where its parts stand."""

    text: str

    @property
    def bracketed(self) -> str:
        """The text in brackets, in which it may go over several lines."""
        return f"({self.text}\n)"

    def error(self, message: str, node: ast.AST) -> ExpressionError:
        """The error that points at *node*."""
        line = getattr(node, "lineno", 1)
        column = self._column(line, getattr(node, "col_offset", 1))
        return ExpressionError(message, line, column, self.text)

    def error_at(self, message: str, offset: int) -> ExpressionError:
        """The error that points at the character *offset* of the text."""
        before = self.text[:offset]
        line_start = before.rfind("\n") + 1
        return ExpressionError(message, before.count("\n") + 1, offset - line_start + 1, self.text)

    def _column(self, line: int, offset_bytes: int) -> int:
        """The 1-based column in characters of a place in the text between the brackets of `tree`."""
        shown = self.text.split("\n")[line - 1] if line <= self.text.count("\n") + 1 else ""
        offset_bytes -= 1 if line == 1 else 0
        return len(shown.encode()[: max(0, offset_bytes)].decode(errors="ignore")) + 1

    def tree(self) -> ast.expr:
        """The text as Python's parser reads it, within the limits.

        Raises:
            ExpressionError: it is no single expression, or too large.
        """
        self._check_characters()
        body = self._parsed()
        # Only where the text closes a bracket that it never opened does its tree begin with ours.
        if body.lineno == 1 and body.col_offset == 0 and not isinstance(body, ast.Tuple | ast.GeneratorExp):
            raise self.error_at("a closing bracket has no opening one", 0)
        self._check_size(body)
        return body

    def _check_characters(self) -> None:
        if not self.text.strip():
            raise self.error_at("the expression is empty", 0)
        if len(self.text) > MAX_LENGTH:
            raise self.error_at(f"the expression is longer than {MAX_LENGTH} characters", MAX_LENGTH)
        for offset, character in enumerate(self.text):
            if character not in "\n\t" and unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp"):
                raise self.error_at(f"the character U+{ord(character):04X} is not allowed", offset)

    def _parsed(self) -> ast.expr:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                return ast.parse(self.bracketed, mode="eval").body
        except SyntaxError as error:
            raise self._syntax_error(error) from None
        except (ValueError, MemoryError, RecursionError):
            raise self.error_at("the expression is nested too deeply", 0) from None

    def _syntax_error(self, error: SyntaxError) -> ExpressionError:
        bare = _STRINGS.sub(lambda found: " " * len(found[0]), self.text)
        for pattern, hint in _HINTS:
            found = pattern.search(bare)
            if found is not None:
                return self.error_at(hint, found.start())
        line, column = error.lineno or 1, error.offset or 1
        if error.msg.startswith("unmatched"):
            offset = max(0, self.text.rfind(error.msg[11]))
            return self.error_at("a closing bracket has no opening one", offset)
        lines = self.text.split("\n")
        if line > len(lines) or (line == 1 and column <= 1):
            return self.error_at("the expression is not complete", len(self.text.rstrip()))
        column = min(column - (1 if line == 1 else 0), len(lines[line - 1]) + 1)
        return ExpressionError(_plain(error.msg), line, max(1, column), self.text)

    def _check_size(self, body: ast.expr) -> None:
        level: list[ast.AST] = [body]
        nodes = depth = 0
        while level:
            nodes, depth = nodes + len(level), depth + 1
            if nodes > MAX_NODES:
                raise self.error(f"the expression has more than {MAX_NODES} parts", level[0])
            if depth > MAX_DEPTH:
                raise self.error(f"the expression is nested more than {MAX_DEPTH} deep", level[0])
            level = [child for node in level for child in _parts(node)]


def _parts(node: ast.AST) -> list[ast.AST]:
    """The children that count: operators and contexts do not, and a path is one part."""
    if isinstance(node, ast.Attribute | ast.Subscript):
        return _parts(node.value)
    return [child for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr)]


def _plain(message: str) -> str:
    """Python's complaint without its advice about statements."""
    first = re.split(r"\. | \(", message, maxsplit=1)[0]
    return "this is not how an expression is written" if first == "invalid syntax" else first
