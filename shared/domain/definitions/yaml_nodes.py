"""YAML as a tree with positions: a plain subset of the language, read defensively; it knows no KPI.

Left out on purpose: anchors and aliases (they can blow a small file up), tags, and the YAML 1.1 readings
of `no`, `on`, `1:30` and dates, which turn texts into something else.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import yaml

MAX_DEPTH = 16
"""Levels of a document; a KPI needs four."""

_INTEGER = re.compile(r"[-+]?\d{1,38}", re.ASCII)
_DECIMAL = re.compile(r"[-+]?(\d{1,38}\.?\d{0,38}|\.\d{1,38})([eE][-+]?\d{1,2})?", re.ASCII)
STRANGE = re.compile(
    "[^\t\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)
"""Everything that YAML does not allow, and line breaks that only some programs see as such."""

_WORDS = {"": None, "~": None, "null": None, "true": True, "false": False}


@dataclass(frozen=True, slots=True)
class Mark:
    """A position: line and column from 0, and the index in the whole text."""

    line: int
    column: int
    index: int


@dataclass(frozen=True, slots=True)
class Scalar:
    """One text, number, truth value or null; *style* is the kind of quotes, or | or >."""

    start: Mark
    text: str
    style: str | None

    @property
    def plain(self) -> Any:
        """What it stands for."""
        if self.style not in (None, ""):
            return self.text
        if self.text.lower() in _WORDS:
            return _WORDS[self.text.lower()]
        if _INTEGER.fullmatch(self.text):
            return int(self.text)
        return Decimal(self.text) if _DECIMAL.fullmatch(self.text) else self.text


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list."""

    start: Mark
    items: list["Node"] = field(default_factory=list)

    @property
    def plain(self) -> Any:
        """What it stands for."""
        return [item.plain for item in self.items]


@dataclass(frozen=True, slots=True)
class Mapping:
    """Keys with values, each key once."""

    start: Mark
    entries: dict[str, tuple[Mark, "Node"]] = field(default_factory=dict)

    @property
    def plain(self) -> Any:
        """What it stands for."""
        return {key: value.plain for key, (_, value) in self.entries.items()}


Node = Scalar | Sequence | Mapping


@dataclass(frozen=True, slots=True)
class Fault:
    """Something in the text that is not read."""

    message: str
    mark: Mark


class _UnreadableError(Exception):
    """The rest of the text cannot be read."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.message)
        self.fault = fault


def read_nodes(text: str) -> tuple[list[Node], list[Fault]]:
    """The documents of *text* that hold anything, and everything that is wrong with the YAML.

    Reading stops at the first fault after which the rest would be guesswork; what stood before it is there.
    """
    strange = STRANGE.search(text)
    if strange is not None:
        return [], [
            Fault(f"the character U+{ord(strange[0]):04X} is not read", mark_at(text, strange.start()))
        ]
    reader = _Reader(text)
    documents: list[Node] = []
    try:
        documents.extend(reader.documents())
    except _UnreadableError as error:
        return documents, [*reader.faults, error.fault]
    return documents, reader.faults


def mark_at(text: str, index: int) -> Mark:
    """The position of the character *index* of *text*."""
    before = text[:index]
    return Mark(before.count("\n"), index - before.rfind("\n") - 1, index)


class _Reader:
    """Builds nodes out of the parser's events, to a limited depth."""

    def __init__(self, text: str) -> None:
        self._events = _events(text)
        self.faults: list[Fault] = []

    def documents(self) -> Iterator[Node]:
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                node = self._node(next(self._events), 1)
                if not (isinstance(node, Scalar) and node.plain is None):
                    yield node

    def _node(self, event: yaml.Event, depth: int) -> Node:
        start = _mark(event.start_mark)
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
            raise _UnreadableError(Fault("anchors (&) and aliases (*) are not read: write it out", start))
        if getattr(event, "tag", None) is not None:
            raise _UnreadableError(Fault("tags (!) are not read: leave it out", start))
        if depth > MAX_DEPTH:
            raise _UnreadableError(Fault(f"nested more than {MAX_DEPTH} deep", start))
        if isinstance(event, yaml.ScalarEvent):
            return Scalar(start, event.value, event.style)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(start, depth)
        return self._mapping(start, depth)

    def _sequence(self, start: Mark, depth: int) -> Sequence:
        sequence = Sequence(start)
        for event in self._events:
            if isinstance(event, yaml.SequenceEndEvent):
                break
            sequence.items.append(self._node(event, depth + 1))
        return sequence

    def _mapping(self, start: Mark, depth: int) -> Mapping:
        mapping = Mapping(start)
        for event in self._events:
            if isinstance(event, yaml.MappingEndEvent):
                break
            key = self._node(event, depth + 1)
            value = self._node(next(self._events), depth + 1)
            if not isinstance(key, Scalar):
                self.faults.append(Fault("a key is a plain word", key.start))
            elif key.text in mapping.entries:
                self.faults.append(Fault(f"{key.text!r} is there twice", key.start))
            else:
                mapping.entries[key.text] = (key.start, value)
        return mapping


def _events(text: str) -> Iterator[yaml.Event]:
    try:
        yield from yaml.parse(text, Loader=yaml.CSafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise _UnreadableError(Fault(_sentence(error), _mark(mark))) from error
    except yaml.YAMLError as error:
        raise _UnreadableError(Fault("this is no YAML", Mark(0, 0, 0))) from error


def _mark(mark: Any) -> Mark:
    return Mark(0, 0, 0) if mark is None else Mark(mark.line, mark.column, mark.index)


def _sentence(error: yaml.MarkedYAMLError) -> str:
    parts = [part for part in (error.context, error.problem) if part]
    return "this is no YAML: " + ", ".join(parts)
