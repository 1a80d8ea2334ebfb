"""What is wrong with the text of an expression, and where; it knows no file."""

from shared.domain.errors import BadInputError


class ExpressionError(BadInputError):
    """An expression cannot be used; the message says what to write instead.

    Attributes:
        message: one sentence without a position.
        line: of the text, from 1.
        column: of that line in characters, from 1.
        text: the expression as written.
    """

    def __init__(self, message: str, line: int, column: int, text: str) -> None:
        super().__init__(message, line, column, text)
        self.message = message
        self.line = line
        self.column = column
        self.text = text

    def __str__(self) -> str:
        return f"line {self.line}, column {self.column}: {self.message}\n{self._excerpt()}"

    def _excerpt(self) -> str:
        """The line at fault with a caret under the spot, at most 100 characters of it."""
        lines = self.text.split("\n")
        shown = lines[self.line - 1] if self.line <= len(lines) else ""
        first = max(0, self.column - 60)
        window = shown[first : first + 100].replace("\t", " ")
        return f"  {window}\n  {' ' * (self.column - 1 - first)}^"
