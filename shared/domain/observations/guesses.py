"""What a field seems to be, by its name and what was met in it; it decides nothing for anybody."""

import re
from dataclasses import dataclass
from enum import Enum

from shared.domain.expressions.canonical import path_text
from shared.domain.expressions.nodes import Path
from shared.domain.expressions.reserved import is_reserved
from shared.domain.observations.fields import ObservedField
from shared.domain.observations.masks import MASK, words_of

MOSTLY = 0.9
"""So many of the values are of one type, or the field is left alone."""

FEW_VALUES = 50
"""A dimension with more is no breakdown for a first draft."""

_AMOUNTS = frozenset(
    (
        *("amount", "cost", "discount", "fee", "gross", "net", "paid", "price", "qty", "quantity"),
        *("revenue", "sum", "tax", "total", "value"),
    )
)
_DURATIONS = frozenset(
    ("age", "delay", "duration", "elapsed", "latency", "lead", "ms", "seconds", "wait", "waiting")
)
_IDENTITIES = frozenset(("id", "ids", "key", "no", "number", "sku", "uuid", "ref", "reference", "code"))
_STATES = frozenset(("outcome", "phase", "result", "stage", "state", "status"))
_UNITS = {
    **{code: code.upper() for code in ("eur", "usd", "gbp", "chf", "jpy")},
    "ms": "ms",
    "s": "s",
    "sec": "s",
    "seconds": "s",
    "min": "min",
    "minutes": "min",
    "hours": "h",
    "km": "km",
    "miles": "mi",
    "kg": "kg",
    "percent": "%",
    "pct": "%",
    "bytes": "bytes",
}
_SAFE_VALUE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/-]{0,23}")


class Kind(Enum):
    """What a field may be good for, in the order in which it is suggested."""

    AMOUNT = "looks like an amount"
    DURATION = "looks like a duration"
    FLAG = "is true or false"
    STATUS = "looks like a status, with few values"
    IDENTITY = "looks like an identity"
    NUMBER = "is a number"


@dataclass(frozen=True, slots=True)
class Guess:
    """What a field seems to be.

    Attributes:
        expression: how a KPI reads it.
        name: a word for it, as part of a slug.
    """

    path: str
    expression: str
    kind: Kind
    name: str

    @property
    def why(self) -> str:
        """A sentence for people."""
        return f"{self.path} {self.kind.value}"


def expression_of(path: str) -> str | None:
    """How an expression reads the field at *path*; None within an array and below a name that is a value."""
    names = tuple(path.removeprefix("data.").split("."))
    if "[]" in path or "*" in names:
        return None
    return path_text(Path("data", names))


def guess_of(path: str, field: ObservedField, sampled: int) -> Guess | None:
    """What the field at *path* seems to be, of *sampled* events; None if nothing can be made of it."""
    expression = expression_of(path)
    kind = None if field.is_personal else _kind(path, field, sampled)
    if expression is None or kind is None:
        return None
    return Guess(path, expression, kind, "_".join(_ascii_words(path.removeprefix("data."))) or "field")


def _kind(path: str, field: ObservedField, sampled: int) -> Kind | None:
    words = words_of(path.rsplit(".", 1)[-1])
    if _mostly(field, "boolean"):
        return Kind.FLAG
    if words & _IDENTITIES and _mostly(field, "string", "integer"):
        return Kind.IDENTITY
    if _mostly(field, "integer", "number"):
        if words & _DURATIONS:
            return Kind.DURATION
        return Kind.AMOUNT if words & _AMOUNTS else Kind.NUMBER
    if words & _STATES and _mostly(field, "string") and field.distinct.count <= min(8, max(sampled // 2, 1)):
        return Kind.STATUS
    return None


def _mostly(field: ObservedField, *types: str) -> bool:
    """Whether nearly all values that are there, but for nulls, are of *types*."""
    values = sum(count for name, count in field.types.items() if name != "null")
    return values > 0 and sum(field.types.get(name, 0) for name in types) >= MOSTLY * values


def is_breakdown(path: str, field: ObservedField, sampled: int) -> bool:
    """Whether the field at *path* has few values, and is in enough of the *sampled* events."""
    words = words_of(path.rsplit(".", 1)[-1])
    return (
        not field.is_personal
        and expression_of(path) is not None
        and not path.startswith("data.data.")
        and len(path) <= 100
        and _mostly(field, "string", "boolean")
        and not words & _IDENTITIES
        and 2 * field.present >= sampled
        and 2 <= field.distinct.count <= min(FEW_VALUES, max(sampled // 2, 2))
        and not any(MASK in str(example) for example in field.examples)
    )


def status_values(field: ObservedField) -> list[str]:
    """The values of a status that can be written in a filter and in a slug as they are."""
    texts = [each for each in field.examples if isinstance(each, str) and _SAFE_VALUE.fullmatch(each)]
    return sorted(texts)[:4]


def unit_of(path: str) -> str | None:
    """The unit that the last name of *path* ends with, as in price_eur."""
    words = _ascii_words(path.rsplit(".", 1)[-1])
    return _UNITS.get(words[-1]) if words else None


def slug_of(event_type: str, field: str, name: str) -> str:
    """A slug of at most 63 characters: the type, the field, what is made of it."""
    sized = ((event_type, 22), (field, 22), (name, 15))
    parts = ["_".join(_ascii_words(part))[:most].strip("_") for part, most in sized]
    slug = "_".join(part for part in parts if part)
    slug = slug if slug[:1].isalpha() else f"type_{slug}"
    return f"{slug}_events" if is_reserved(slug) else slug


def title_of(slug: str) -> str:
    """The words of *slug* for people."""
    return slug.replace("_", " ").capitalize()


def _ascii_words(text: str) -> list[str]:
    return re.findall(r"[a-z0-9]+", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", text).lower())
