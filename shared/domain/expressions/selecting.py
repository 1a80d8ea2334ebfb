"""One generated function for all filters and values of an event type; it knows no KPI."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from shared.domain.expressions.batching import select_text
from shared.domain.expressions.emitting import run_module
from shared.domain.expressions.nodes import Path, paths_in
from shared.domain.expressions.parsed import Filter, Value


class Head(Protocol):
    """What expressions may read of an event beside its data."""

    @property
    def id(self) -> str:
        """Names the event among those of its source."""

    @property
    def source(self) -> str:
        """Where the event comes from."""

    @property
    def type(self) -> str:
        """What happened."""

    @property
    def subject(self) -> str | None:
        """What it happened to, if that was said."""


@dataclass(frozen=True, slots=True)
class Selector:
    """What one measure takes from events of its type.

    Attributes:
        where: which events count; None for all.
        value: the number taken; None to count only.
    """

    where: Filter | None = None
    value: Value | None = None


class Selected(NamedTuple):
    """What one selector took from a batch; its lists may be shared with equal selectors: only read them.

    Attributes:
        rows: positions in the batch, ascending.
        values: the number of each row as the event holds it, or worked out; None without a value.
        failed: rows left out because a field was missing, an operand had a wrong type (null where a
            number is needed included), or a denominator was zero.
    """

    rows: list[int]
    values: list[Any] | None
    failed: int


SelectFunction = Callable[[Sequence[dict[str, Any]], Sequence[Head] | None], list[Selected]]


def reads_heads(selectors: Iterable[Selector]) -> bool:
    """Whether any of *selectors* reads `id`, `source`, `type` or `subject`."""
    return any(path.root != "data" for selector in selectors for path in _paths(selector))


def compile_selectors(selectors: Sequence[Selector]) -> SelectFunction:
    """A function that runs all *selectors* over a batch in one pass.

    It takes the decoded `data` of each event, and their heads if `reads_heads` says so (None otherwise),
    and returns one `Selected` per selector, in order. It never raises on any content of an event.
    """
    pairs = [(selector.where, selector.value) for selector in selectors]
    distinct = list(dict.fromkeys(pairs))
    places = [distinct.index(pair) for pair in pairs]
    select = run_module(select_text(distinct))["select"]

    def ordered(datas: Sequence[dict[str, Any]], heads: Sequence[Head] | None) -> list[Selected]:
        outcomes = [Selected(*outcome) for outcome in select(datas, heads)]
        return [outcomes[place] for place in places]

    return ordered


def _paths(selector: Selector) -> list[Path]:
    trees = [part.tree for part in (selector.where, selector.value) if part is not None]
    return [path for tree in trees for path in paths_in(tree)]
