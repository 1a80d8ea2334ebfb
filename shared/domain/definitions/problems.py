"""What is wrong with definitions, all of it at once, and where it stands in which file."""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.domain.errors import BadInputError


@dataclass(frozen=True, slots=True)
class Place:
    """A spot in a file.

    Attributes:
        line: from 1.
        column: in characters, from 1.
        text: that line of the file; empty where the file cannot be shown.
    """

    file: str
    line: int
    column: int
    text: str

    def excerpt(self) -> str:
        """The line with a caret under the spot, at most 100 characters of it."""
        first = max(0, self.column - 60)
        shown = self.text[first : first + 100].replace("\t", " ")
        return f"    {shown}\n    {' ' * (self.column - 1 - first)}^"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to put right.

    Attributes:
        message: a sentence that says what is wrong and what to write instead.
        slug: the KPI it is about, or the name of a definition of another kind, where that is known.
        place: where it stands; None for definitions that came without a file.
        path: of the field at fault; empty for a definition as a whole.
        within: line and column, from 1, inside the text of that field, where it is an expression.
        about_name: it is the field's name that is wrong, not its value.
    """

    message: str
    slug: str | None = None
    place: Place | None = None
    path: tuple[str | int, ...] = ()
    within: tuple[int, int] | None = None
    about_name: bool = False

    def __str__(self) -> str:
        if self.place is None:
            return f"{self.slug}: {self.message}" if self.slug else self.message
        position = f"{self.place.file}:{self.place.line}:{self.place.column}"
        shown = f"\n{self.place.excerpt()}" if self.place.text.strip() else ""
        return f"{position}: {self.message}{shown}"


class DefinitionError(BadInputError):
    """KPI definitions cannot be used; every problem names its place and what to write instead.

    Attributes:
        problems: at least one, in the order of the files.
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = tuple(problems)
