"""The file of source topics: which there are and how their plain JSON is read; errors name the place."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path as FilePath

import yaml

from shared.contracts.mappings import Const, JsonMapping, Path
from shared.contracts.topics import OWN
from shared.domain.errors import BadInputError
from shared.domain.events import MAX_ATTRIBUTE_CHARACTERS

_TOPIC = re.compile(r"[a-zA-Z0-9._-]{1,249}")


class SourcesFileError(BadInputError):
    """The file of source topics cannot be used; the message says where and why."""


def read_sources(file: FilePath) -> dict[str, JsonMapping | None]:
    """The source topics that *file* names, each with its mapping or None.

    Raises:
        SourcesFileError: the file cannot be read, or something in it is wrong.
    """
    try:
        return parse_sources(file.read_text(encoding="utf-8"), name=file.name)
    except (OSError, UnicodeDecodeError) as error:
        raise SourcesFileError(f"{file}: {error}") from error


def parse_sources(text: str, *, name: str) -> dict[str, JsonMapping | None]:
    """The source topics in *text*, the content of the file *name*.

    Raises:
        SourcesFileError: something in it is wrong.
    """
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise SourcesFileError(f"{name}: {error}") from error
    if root is None:
        raise SourcesFileError(f"{name}:1:1: the file is empty")
    return _Reader(name).sources(root)


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads nodes, which know their place, rather than values, which do not."""

    name: str

    def sources(self, root: yaml.Node) -> dict[str, JsonMapping | None]:
        members = self._members(root, "the file", required=("apiVersion", "kind", "topics"))
        self._exactly(members["apiVersion"], "apiVersion", "tidemark/v1")
        self._exactly(members["kind"], "kind", "Sources")
        topics = members["topics"]
        if not isinstance(topics, yaml.SequenceNode) or not topics.value:
            raise self._error(topics, "topics is not a list with at least one topic")
        found: dict[str, JsonMapping | None] = {}
        for node in topics.value:
            self._add_topic(node, found)
        return found

    def _add_topic(self, node: yaml.Node, found: dict[str, JsonMapping | None]) -> None:
        members = self._members(node, "a topic", required=("topic",), optional=("mapping",))
        topic = self._text(members["topic"], "topic")
        if not _TOPIC.fullmatch(topic):
            raise self._error(members["topic"], f"{topic!r} is no name of a topic")
        if topic in OWN:
            raise self._error(members["topic"], f"{topic} is written by Tidemark and cannot be a source")
        if topic in found:
            raise self._error(members["topic"], f"topic {topic} is there twice")
        found[topic] = self._mapping(members["mapping"]) if "mapping" in members else None

    def _mapping(self, node: yaml.Node) -> JsonMapping:
        required, optional = ("id", "source", "type"), ("time", "subject", "retracts")
        members = self._members(node, "mapping", required=required, optional=optional)
        paths = {
            name: self._path(members[name], name) for name in ("id", "time", "retracts") if name in members
        }
        places = {
            name: self._path_or_const(members[name], name)
            for name in ("source", "type", "subject")
            if name in members
        }
        return JsonMapping(
            id=paths["id"],
            source=places["source"],
            type=places["type"],
            time=paths.get("time"),
            subject=places.get("subject"),
            retracts=paths.get("retracts"),
        )

    def _path_or_const(self, node: yaml.Node, what: str) -> Path | Const:
        if not isinstance(node, yaml.MappingNode):
            return self._path(node, what)
        const = self._members(node, what, required=("const",))["const"]
        text = self._text(const, f"{what}.const")
        if len(text) > MAX_ATTRIBUTE_CHARACTERS:
            raise self._error(const, f"{what}.const has more than {MAX_ATTRIBUTE_CHARACTERS} characters")
        return Const(text)

    def _path(self, node: yaml.Node, what: str) -> Path:
        names = tuple(self._text(node, what).split("."))
        if not all(names):
            raise self._error(node, f"{what} is no path: write names with dots between them, as order.id")
        return Path(names)

    def _exactly(self, node: yaml.Node, what: str, wanted: str) -> None:
        if self._text(node, what) != wanted:
            raise self._error(node, f"{what} is not {wanted}")

    def _text(self, node: yaml.Node, what: str) -> str:
        if not isinstance(node, yaml.ScalarNode) or not node.value:
            raise self._error(node, f"{what} is not a text")
        return str(node.value)

    def _members(
        self, node: yaml.Node, what: str, *, required: Collection[str], optional: Collection[str] = ()
    ) -> dict[str, yaml.Node]:
        if not isinstance(node, yaml.MappingNode):
            raise self._error(node, f"{what} is not a mapping")
        found: dict[str, yaml.Node] = {}
        for key, value in node.value:
            if key.value in found:
                raise self._error(key, f"{key.value} is there twice")
            if key.value not in required and key.value not in optional:
                known = ", ".join((*required, *optional))
                raise self._error(key, f"{what} has no member {key.value!r}; it has {known}")
            found[key.value] = value
        missing = [name for name in required if name not in found]
        if missing:
            raise self._error(node, f"{what} has no {missing[0]}")
        return found

    def _error(self, node: yaml.Node, complaint: str) -> SourcesFileError:
        mark = node.start_mark
        return SourcesFileError(f"{self.name}:{mark.line + 1}:{mark.column + 1}: {complaint}")
