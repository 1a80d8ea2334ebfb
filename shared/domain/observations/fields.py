"""What the values of one field of an event type come to, over any set of events; it holds no event."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from shared.domain.observations.masks import looks_personal, masked, shown
from shared.domain.sketches.distinct import Distinct
from shared.domain.sketches.hashing import value_hashes

MAX_EXAMPLES = 8
"""Different values that are kept of a field: enough to show all of a status."""

JSON_TYPES = ("string", "integer", "number", "boolean", "null", "object", "array")
"""In the order in which they are told; a number is one with a fraction or an exponent."""

_TYPES = {
    str: "string",
    int: "integer",
    bool: "boolean",
    type(None): "null",
    dict: "object",
    list: "array",
}


@dataclass(frozen=True, slots=True)
class ObservedField:
    """The values of one field; the one without arguments is the identity of `merged`.

    Attributes:
        present: how many of the events looked at have the field.
        types: how many values of each JSON type were met.
        examples: different values, masked where they are personal.
        low: the smallest number; None of no numbers, and of a personal field.
        high: the largest one.
        decimals: the most digits behind the point.
        distinct: of texts, numbers and truth values; nothing of a personal field, whose values could be
            guessed from their hashes.
        is_personal: whether its values are masked.
    """

    present: int = 0
    types: Mapping[str, int] = field(default_factory=dict)
    examples: tuple[Any, ...] = ()
    low: Decimal | None = None
    high: Decimal | None = None
    decimals: int = 0
    distinct: Distinct = field(default_factory=Distinct)
    is_personal: bool = False

    @classmethod
    def of(cls, values: Sequence[Any], *, present: int, is_personal: bool) -> "ObservedField":
        """The field whose *values* were met in *present* events; one value that looks personal is enough."""
        scalars = [value for value in values if isinstance(value, str | bool | int | float | Decimal)]
        numbers = [exact(value) for value in scalars if not isinstance(value, str | bool)]
        found = cls(
            present=present,
            types=_counted([json_type(value) for value in values]),
            examples=_different([shown(value, personal=False) for value in scalars]),
            low=min(numbers, default=None),
            high=max(numbers, default=None),
            decimals=max((decimals_of(number) for number in numbers), default=0),
            distinct=Distinct.of(value_hashes(scalars)),
        )
        return found.hidden() if is_personal or any(map(looks_personal, scalars)) else found

    def merged(self, other: "ObservedField") -> "ObservedField":
        """The field over both sets of events; of the examples, those here come first."""
        if self.is_personal != other.is_personal:
            return self.hidden().merged(other.hidden())
        return ObservedField(
            present=self.present + other.present,
            types=_added(self.types, other.types),
            examples=_different([*self.examples, *other.examples]),
            low=min((low for low in (self.low, other.low) if low is not None), default=None),
            high=max((high for high in (self.high, other.high) if high is not None), default=None),
            decimals=max(self.decimals, other.decimals),
            distinct=self.distinct.merged(other.distinct),
            is_personal=self.is_personal,
        )

    def hidden(self) -> "ObservedField":
        """The same without anything that its values could be known by."""
        if self.is_personal:
            return self
        examples = _different([masked(example) for example in self.examples])
        return replace(
            self, examples=examples, low=None, high=None, decimals=0, distinct=Distinct(), is_personal=True
        )


def json_type(value: Any) -> str:
    """What JSON calls *value*, integers being told from other numbers."""
    return _TYPES.get(value.__class__, "number")


def exact(number: float | Decimal) -> Decimal:
    """*number* as the decimal it was written as: a float stands for what it prints."""
    return Decimal(repr(number)) if isinstance(number, float) else Decimal(number)


def decimals_of(number: Decimal) -> int:
    """How many digits behind the point *number* needs."""
    exponent = number.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _counted(types: Sequence[str]) -> dict[str, int]:
    return {name: types.count(name) for name in JSON_TYPES if name in types}


def _added(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    both = ((name, one.get(name, 0) + other.get(name, 0)) for name in JSON_TYPES)
    return {name: count for name, count in both if count}


def _different(values: Sequence[Any]) -> tuple[Any, ...]:
    """The first values that differ; to Python, True is 1, so classes are kept apart."""
    first = {(value.__class__, value): value for value in reversed(values)}
    kept = list(reversed(first.values()))
    return tuple(kept[:MAX_EXAMPLES])
