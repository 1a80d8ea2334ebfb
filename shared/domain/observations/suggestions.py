"""Drafts of KPIs from what was seen of an event type, each with its reasons; people decide what they mean."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from shared.domain.definitions.kpi_texts import SEPARATOR, definition_text
from shared.domain.definitions.kpis import Kpi
from shared.domain.observations.guesses import (
    Guess,
    Kind,
    guess_of,
    is_breakdown,
    slug_of,
    status_values,
    title_of,
    unit_of,
)
from shared.domain.observations.types import Observed

TO_FILL_IN = "to-fill-in"
"""What stands where only people know the answer: lint accepts it, and it can be searched for."""

MAX_BREAKDOWNS = 3
"""More would multiply the series of a first draft."""

MAX_KPIS = 60
"""Drafts of one type: who has more fields than that writes by hand."""

WINDOWS = ("1h", "24h", "7d", "30d")
"""Now, today, this week and this month, as most screens have them."""

_EVENTS = "every KPI of a type begins with how many there are"


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A draft.

    Attributes:
        why: what was seen that speaks for it.
    """

    kpi: Kpi
    why: str


def suggested(event_type: str, observed: Observed, *, owner: str | None = None) -> tuple[Suggestion, ...]:
    """Drafts of KPIs from what was *observed* of *event_type*: together they are a KPI file that lints.

    Personal fields, fields within arrays, and fields whose names are values are not used. What no definition
    can say, as a field whose path is too long for an expression, is left out.

    Args:
        event_type: the type.
        observed: what was seen; of nothing, only the count is drafted.
        owner: who answers for the type, if that is known.
    """
    draft = _Drafts(event_type, observed, owner or TO_FILL_IN)
    found: dict[str, Suggestion] = {}
    for group in draft.groups():
        made = _made(group)
        if made and len(found) + len(made) <= MAX_KPIS and not any(each.kpi.slug in found for each in made):
            found |= {each.kpi.slug: each for each in made}
    return tuple(found.values())


def suggestions_text(suggestions: Sequence[Suggestion], *, sampled: int) -> str:
    """*suggestions* as the text of a KPI file, the reasons as comments; *sampled* events speak for them."""
    head = (
        f"# Drafted from {sampled:,} events that were looked into. Decide what is worth a KPI, then fill in\n"
        f"# owner and category where {TO_FILL_IN} stands.\n"
    )
    return head + SEPARATOR.join(f"# Why: {each.why}\n{definition_text(each.kpi)}" for each in suggestions)


def _made(group: Sequence[tuple[dict[str, Any], str]]) -> list[Suggestion]:
    """The drafts of *group*, or none of them: those with formulas need the others."""
    try:
        return [Suggestion(Kpi.model_validate(fields), why) for fields, why in group]
    except ValidationError:
        return []


Group = list[tuple[dict[str, Any], str]]


@dataclass(frozen=True, slots=True)
class _Drafts:
    event_type: str
    observed: Observed
    owner: str

    def groups(self) -> Iterator[Group]:
        """Drafts that stand or fall together, the most useful ones first."""
        yield [
            (self._fields("", "events", event_type=self.event_type, aggregate="count", **self._by()), _EVENTS)
        ]
        guesses = self._guesses()
        for kind in Kind:
            for guess in guesses:
                if guess.kind is kind:
                    yield from self._of(guess)

    def _guesses(self) -> list[Guess]:
        fields = self.observed.fields
        found = (guess_of(path, each, self.observed.sampled) for path, each in sorted(fields.items()))
        return [guess for guess in found if guess is not None]

    def _of(self, guess: Guess) -> Iterator[Group]:
        match guess.kind:
            case Kind.AMOUNT:
                yield [self._number(guess, "sum", **self._by()), self._number(guess, "avg")]
            case Kind.DURATION:
                yield [self._number(guess, "avg"), self._number(guess, "percentile", percentile=95)]
            case Kind.NUMBER:
                yield [self._number(guess, "avg")]
            case Kind.IDENTITY:
                fields = self._event_fields(guess, "distinct")
                yield [(fields | {"value": guess.expression, "aggregate": "distinct"}, guess.why)]
            case Kind.FLAG:
                yield self._share(guess, "yes", guess.expression)
            case Kind.STATUS:
                for value in status_values(self.observed.fields[guess.path]):
                    yield self._share(guess, value, f"{guess.expression} == '{value}'")

    def _number(self, guess: Guess, aggregate: str, **more: Any) -> tuple[dict[str, Any], str]:
        field = self.observed.fields[guess.path]
        own = {
            "value": guess.expression,
            "aggregate": aggregate,
            "scale": min(field.decimals, 9),
            "unit": unit_of(guess.path),
        }
        name = "p95" if aggregate == "percentile" else aggregate
        return self._event_fields(guess, name) | own | more, guess.why

    def _share(self, guess: Guess, name: str, where: str) -> Group:
        """How many are so, and which share of all that is."""
        fields = self._fields(guess.name, f"{name}_n", event_type=self.event_type)
        count = fields | {"where": where, "aggregate": "count"}
        formula = f"100 * {count['slug']} / {slug_of(self.event_type, '', 'events')}"
        share = self._fields(guess.name, f"{name}_pct", formula=formula, unit="%")
        return [(count, guess.why), (share, f"{guess.why}; of all events")]

    def _event_fields(self, guess: Guess, name: str) -> dict[str, Any]:
        return self._fields(guess.name, name, event_type=self.event_type)

    def _fields(self, field: str, name: str, **own: Any) -> dict[str, Any]:
        slug = slug_of(self.event_type, field, name)
        head = {
            "slug": slug,
            "title": title_of(slug),
            "category": TO_FILL_IN,
            "owner": self.owner,
            "windows": list(WINDOWS),
        }
        return head | {key: value for key, value in own.items() if value is not None}

    def _by(self) -> Mapping[str, Any]:
        """The breakdowns, by the fields with the fewest values."""
        fields = self.observed.fields
        able = [
            (each.distinct.count, path)
            for path, each in fields.items()
            if is_breakdown(path, each, self.observed.sampled)
        ]
        return {"breakdowns": [[path.removeprefix("data.")] for _, path in sorted(able)[:MAX_BREAKDOWNS]]}
