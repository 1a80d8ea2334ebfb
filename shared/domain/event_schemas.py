"""JSON Schemas of events: whether one can be used, and which rule an event breaks; it fetches nothing.

What a schema costs is bounded before it is used: it may neither refer to itself nor, with every reference
written out, have more than `MAX_PARTS` parts, and its patterns are matched without going back.
"""

import json
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

import jsonschema_rs

from shared.domain.observations.types import Violation, named

MAX_BYTES = 64 * 1024
"""A schema as JSON: as much as an event may have."""

MAX_PARTS = 5_000
"""Objects and arrays of a schema with every reference written out: each is looked at once for each value."""

MAX_LEVELS = 100
"""References within each other, and objects; the walk stays clear of Python's own limit."""

_REGEX_BYTES = 1024 * 1024

_REFUSED = frozenset({"$id", "$dynamicRef", "$recursiveRef", "$anchor", "$dynamicAnchor", "$recursiveAnchor"})
"""What changes where references lead."""

_VALUES = frozenset({"const", "default", "enum", "examples"})
"""Below these stand values and no rules."""


class UnusableSchemaError(ValueError):
    """A schema cannot be used; the message says why."""


class EventSchema:
    """A JSON Schema that the data of events are held against.

    Attributes:
        source: the schema itself.
    """

    def __init__(self, source: Mapping[str, Any]) -> None:
        """Make it ready.

        Raises:
            UnusableSchemaError: it is no JSON Schema, refers to something else, or would take too long.
        """
        self.source = source
        plain = json.loads(_text(source))
        _check_parts(plain)
        try:
            self._validator = jsonschema_rs.validator_for(
                plain,
                offline=True,
                validate_formats=True,
                # The engine that needs time in proportion to the text, whatever the pattern.
                pattern_options=jsonschema_rs.RegexOptions(
                    size_limit=_REGEX_BYTES, dfa_size_limit=_REGEX_BYTES
                ),
                # Values may tell of persons: no message repeats one.
                mask="the value",
            )
        except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError) as error:
            raise UnusableSchemaError(f"this is no JSON Schema that can be used: {_reason(error)}") from error

    def broken_by(self, data: Mapping[str, Any]) -> tuple[Violation, str] | None:
        """The first rule that *data* breaks, and a sentence about it without values; None if it keeps all."""
        if self._validator.is_valid(data):
            return None
        error = next(iter(self._validator.iter_errors(data)))
        path = "data" + "".join(_step(part) for part in error.instance_path)
        rule = str(error.schema_path[-1]) if error.schema_path else "false"
        sentence = f"{path} breaks the rule {rule} of the schema of its type: {error.message}"
        return Violation(_observed_path(error.instance_path), rule), sentence[:1000]


def _text(source: Mapping[str, Any]) -> str:
    try:
        text = json.dumps(source)
    except (TypeError, ValueError, RecursionError) as error:
        raise UnusableSchemaError(f"a schema is plain JSON: {error}") from error
    if len(text) > MAX_BYTES:
        raise UnusableSchemaError(f"a schema has at most {MAX_BYTES // 1024} KiB")
    return text


def _check_parts(schema: Any) -> None:
    parts = sum(1 for _ in islice(_unfolded(schema, schema, ()), MAX_PARTS + 1))
    if parts > MAX_PARTS:
        raise UnusableSchemaError(
            f"with every reference written out, a schema has at most {MAX_PARTS:,} parts"
        )


def _unfolded(root: Any, part: Any, within: tuple[str, ...], level: int = 0) -> Iterator[None]:
    """One item for each object and array there is when every reference is written out."""
    if level > MAX_LEVELS:
        raise UnusableSchemaError(f"a schema has at most {MAX_LEVELS} levels, references included")
    if isinstance(part, list):
        yield None
        for each in part:
            yield from _unfolded(root, each, within, level + 1)
    elif isinstance(part, dict):
        yield None
        for name, each in part.items():
            if name in _REFUSED and isinstance(each, str | bool):
                raise UnusableSchemaError(f"{name} is not accepted: refer with $ref to parts of this schema")
            if name == "$ref" and isinstance(each, str):
                yield from _unfolded(root, _target(root, each, within), (*within, each), level + 1)
            elif name not in _VALUES and name not in ("$defs", "definitions"):
                yield from _unfolded(root, each, within, level + 1)


def _target(root: Any, reference: str, within: tuple[str, ...]) -> Any:
    if reference in within or reference == "#":
        raise UnusableSchemaError(f"$ref {reference!r} leads back to itself: what events may be has to end")
    if not reference.startswith("#/"):
        raise UnusableSchemaError(f"$ref {reference!r} leads elsewhere: write #/$defs/name")
    found = root
    for name in reference[2:].split("/"):
        key = name.replace("~1", "/").replace("~0", "~")
        found = found.get(key) if isinstance(found, dict) else None
    if found is None:
        raise UnusableSchemaError(f"$ref {reference!r} leads to nothing in this schema")
    return found


def _reason(error: Exception) -> str:
    if not isinstance(error, jsonschema_rs.ValidationError):
        return str(error).splitlines()[0]
    place = "".join(_step(part) for part in error.instance_path)
    return f"{error.message} (at {place.removeprefix('.')})" if place else error.message


def _step(part: str | int) -> str:
    return f"[{part}]" if isinstance(part, int) else f".{named(part)}"


def _observed_path(parts: list[str | int]) -> str:
    return "data" + "".join("[]" if isinstance(part, int) else f".{named(part)}" for part in parts)
