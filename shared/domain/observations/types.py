"""What was seen of one event type, over any stretch of time and from any number of processes."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from shared.domain.observations.fields import ObservedField
from shared.domain.observations.masks import is_personal

MAX_FIELDS = 200
"""Fields of one type; a type that has more is said to have more."""

MAX_TYPES = 500
"""Event types that are told apart; events of others are only counted."""

MAX_VIOLATIONS = 20
"""Different ways of breaking a schema that are kept of one type."""

MAX_ELEMENTS = 3
"""Elements of one array that are looked at."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")
"""Other names are values rather than names, perhaps of persons: all of them are shown as *."""


class Violation(NamedTuple):
    """How an event broke the schema of its type: the place in it, and the rule."""

    field: str
    rule: str


@dataclass(frozen=True, slots=True)
class Observed:
    """What was seen of one event type; the one without arguments is the identity of `merged`.

    Attributes:
        events: how many arrived, rejected ones not among them.
        sampled: how many of them were looked into.
        flagged: how many of them broke the schema and were passed on.
        rejected: how many were refused because of the schema.
        fields: by path, such as data.customer.country; of the events looked into.
        has_more_fields: whether there are fields beyond those.
        violations: how often the schema was broken in which way.
    """

    events: int = 0
    sampled: int = 0
    flagged: int = 0
    rejected: int = 0
    fields: Mapping[str, ObservedField] = field(default_factory=dict)
    has_more_fields: bool = False
    violations: Mapping[Violation, int] = field(default_factory=dict)

    def merged(self, other: "Observed") -> "Observed":
        """Both together; where there is no room for all fields, those here stay."""
        fields = dict(self.fields)
        for path in sorted(other.fields):
            if path in fields or len(fields) < MAX_FIELDS:
                fields[path] = (
                    fields[path].merged(other.fields[path]) if path in fields else other.fields[path]
                )
        violations = dict(self.violations)
        for violation, count in other.violations.items():
            if violation in violations or len(violations) < MAX_VIOLATIONS:
                violations[violation] = violations.get(violation, 0) + count
        return Observed(
            events=self.events + other.events,
            sampled=self.sampled + other.sampled,
            flagged=self.flagged + other.flagged,
            rejected=self.rejected + other.rejected,
            fields=fields,
            has_more_fields=self.has_more_fields
            or other.has_more_fields
            or not other.fields.keys() <= fields.keys(),
            violations=violations,
        )

    def scrubbed(self, declared: Collection[str]) -> "Observed":
        """The same with the fields hidden that are personal by name or by being *declared* so."""
        fields = {
            path: each.hidden() if is_personal(path, declared) else each for path, each in self.fields.items()
        }
        return replace(self, fields=fields)


def sampled(
    documents: Sequence[Mapping[str, Any]], *, declared: Collection[str], most_values: int
) -> Observed:
    """What *documents*, the data of events of one type, are made of.

    Documents are looked into one after the other until *most_values* values were met; `events` stays 0, for
    how many there were besides is not known here.

    Args:
        documents: objects as they were sent.
        declared: fields that are called personal.
        most_values: where to stop, so that the work is bounded; one document is always looked into.
    """
    values: defaultdict[str, list[Any]] = defaultdict(list)
    present: defaultdict[str, int] = defaultdict(int)
    met = looked = 0
    for document in documents:
        if met and met >= most_values:
            break
        looked += 1
        paths = set()
        for path, value in values_of(document):
            met += 1
            paths.add(path)
            values[path].append(value)
        for path in paths:
            present[path] += 1
    kept = sorted(values)[:MAX_FIELDS]
    fields = {
        path: ObservedField.of(values[path], present=present[path], is_personal=is_personal(path, declared))
        for path in kept
    }
    return Observed(sampled=looked, fields=fields, has_more_fields=len(kept) < len(values))


def values_of(data: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Every value in *data* with its path: objects and arrays too, of long arrays the first elements."""
    waiting: list[tuple[str, Any]] = [("data", data)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, Mapping):
            waiting += [(f"{path}.{named(name)}", member) for name, member in value.items()]
        elif isinstance(value, list):
            waiting += [(f"{path}[]", element) for element in value[:MAX_ELEMENTS]]
        if path != "data":
            yield path, value


def named(name: str) -> str:
    """*name* of a member as it is shown: * if it is no plain word, for then it may be a value."""
    return name if _NAME.fullmatch(name) else "*"
