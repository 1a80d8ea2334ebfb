"""Where the fields of a definition stand in its file, down to the character of an expression."""

from collections.abc import Sequence as Steps
from dataclasses import dataclass

from shared.domain.definitions.problems import Place
from shared.domain.definitions.yaml_nodes import Mapping, Mark, Node, Scalar, Sequence, mark_at


@dataclass(frozen=True, slots=True)
class KpiFile:
    """A file by its name and text, whose lines end in a line feed."""

    name: str
    text: str

    def place(self, mark: Mark) -> Place:
        """The spot of *mark*."""
        lines = self.text.split("\n")
        shown = lines[mark.line] if mark.line < len(lines) else ""
        return Place(self.name, mark.line + 1, mark.column + 1, shown)


@dataclass(frozen=True, slots=True)
class Origin:
    """The document that a definition came from."""

    file: KpiFile
    node: Node

    def place_of(self, path: Steps[str | int], within: tuple[int, int] | None = None) -> Place:
        """Where the value of the field at *path* stands.

        Args:
            path: names of fields and numbers of list items; steps that the file does not have are left out,
                so that a missing field is shown at what it is missing from.
            within: line and column, from 1, inside the text of the field.
        """
        node = self._follow(path)
        if within is not None and isinstance(node, Scalar):
            return self.file.place(mark_at(self.file.text, _index(self.file.text, node, within)))
        return self.file.place(node.start)

    def key_of(self, path: Steps[str | int]) -> Place:
        """Where the name of the field at *path* stands."""
        parent = self._follow(path[:-1])
        if isinstance(parent, Mapping) and path and path[-1] in parent.entries:
            return self.file.place(parent.entries[str(path[-1])][0])
        return self.file.place(parent.start)

    def _follow(self, path: Steps[str | int]) -> Node:
        node = self.node
        for step in path:
            if isinstance(node, Mapping) and isinstance(step, str) and step in node.entries:
                node = node.entries[step][1]
            elif isinstance(node, Sequence) and isinstance(step, int) and step < len(node.items):
                node = node.items[step]
        return node


def _index(text: str, scalar: Scalar, within: tuple[int, int]) -> int:
    """The index in *text* of a place in the value of *scalar*, by reading both side by side.

    The file may indent, fold and quote what the value holds plainly: its blanks match any run of blanks,
    and every other character matches the next one like it.
    """
    line, column = within
    value = scalar.text
    target = sum(len(each) + 1 for each in value.split("\n")[: line - 1]) + column - 1
    at = _content_start(text, scalar)
    for position, character in enumerate(value[: target + 1]):
        if not character.isspace():
            at = text.find(character, at)
            if at < 0:
                return scalar.start.index
            at += 0 if position == target else 1
    return at


def _content_start(text: str, scalar: Scalar) -> int:
    start = scalar.start.index
    if scalar.style in ("|", ">"):
        return text.find("\n", start) + 1
    return start + 1 if scalar.style in ("'", '"') else start
