"""What became of events for the KPIs that would count them, and which fields they have; blind to measures."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from shared.contracts.events import CleanEvent
from shared.domain.aggregates import Kind
from shared.domain.arrays import Int64s
from shared.domain.calendars import Calendar
from shared.domain.definitions import Catalogue, Kpi
from shared.domain.expressions import (
    SelectFunction,
    Selector,
    compile_selectors,
    parse_filter,
    parse_scalar,
    parse_value,
    scaled_values,
)
from shared.domain.expressions.canonical import path_text
from shared.domain.expressions.nodes import Path, paths_in
from shared.domain.lineage import EventUse, event_uses
from shared.domain.previews import FieldSeen, Tally

_SAMPLED = 2_000
"""Events of a type whose fields are listed, so that a misspelt one can be told from one that is rare."""

_LISTED = 500
"""Fields listed of a type at most."""

_DEPTH = 4
"""How deep fields are listed: what lies deeper is found only by its whole name."""


@dataclass(slots=True)
class _Counted:
    """What one KPI takes of events, step by step.

    Attributes:
        fields: how often each field that it reads is there.
    """

    kpi: Kpi
    use: EventUse
    tally: Tally = field(default_factory=Tally)
    fields: Counter[Path] = field(default_factory=Counter)
    _select: SelectFunction = field(init=False)
    _value_paths: tuple[Path, ...] = field(init=False)

    def __post_init__(self) -> None:
        measure = self.kpi.measures()[0]
        parse = parse_scalar if measure.kind is Kind.DISTINCT else parse_value
        where = None if measure.where is None else parse_filter(measure.where)
        value = None if measure.value is None else parse(measure.value)
        self._value_paths = () if value is None else tuple(dict.fromkeys(paths_in(value.tree)))
        self._select = compile_selectors([Selector(where), Selector(where, value)])

    def add(self, events: Sequence[CleanEvent], times: Int64s) -> None:
        matched, taken = self._select([event.data for event in events], events)
        open_rows = self._within_hours(matched.rows, times)
        outside = len(matched.rows) - len(open_rows)
        kept = set(taken.rows)
        left = [row for row in matched.rows if row in open_rows and row not in kept]
        missing = sum(any(_found(events[row], path) is None for path in self._value_paths) for row in left)
        values = (
            [taken.values[n] for n, row in enumerate(taken.rows) if row in open_rows] if taken.values else []
        )
        unfit = self._unfit(values)
        self.tally = self.tally.plus(
            Tally(
                events=len(events),
                filtered=len(events) - len(matched.rows) - matched.failed,
                filter_failed=matched.failed,
                outside_hours=outside,
                value_missing=missing,
                value_not_a_number=len(left) - missing,
                value_out_of_range=unfit,
                counted=len(open_rows) - len(left) - unfit,
            )
        )
        for each in self.use.fields:
            self.fields[each.field] += sum(_found(event, each.field) is not None for event in events)

    def _within_hours(self, rows: Sequence[int], times: Int64s) -> set[int]:
        hours = self.kpi.hours
        if hours is None or not rows:
            return set(rows)
        is_open = hours.holds(times[np.array(rows)], Calendar(self.kpi.zone)).tolist()
        return {row for row, is_in in zip(rows, is_open, strict=True) if is_in}

    def _unfit(self, values: list[Any]) -> int:
        if self.kpi.measures()[0].kind is Kind.DISTINCT or not values:
            return 0
        return len(scaled_values(values, self.kpi.scale)[1])


@dataclass(slots=True)
class _Type:
    """The events of one type."""

    events: int = 0
    sampled: int = 0
    names: Counter[str] = field(default_factory=Counter)

    def add(self, events: Sequence[CleanEvent]) -> None:
        self.events += len(events)
        chosen = events[: _SAMPLED - self.sampled]
        self.sampled += len(chosen)
        for event in chosen:
            for path in _paths(event.data, ()):
                if path in self.names or len(self.names) < _LISTED:
                    self.names[path] += 1


@dataclass(slots=True)
class Study:
    """Events as some KPIs see them; feed it every event once."""

    counted: Mapping[str, _Counted]
    types: dict[str, _Type] = field(default_factory=dict)

    @classmethod
    def of(cls, catalogue: Catalogue, slugs: Iterable[str]) -> "Study":
        """A study for the KPIs of events that *slugs* come down to."""
        uses = {use.slug: use for slug in slugs for use in event_uses(catalogue, slug)}
        return cls({slug: _Counted(catalogue.kpis[slug], use) for slug, use in uses.items()})

    def add(self, events: Sequence[CleanEvent], times: Int64s) -> None:
        """Look at *events*, whose instants are *times*; a thread may do it, one at a time."""
        places: dict[str, list[int]] = {}
        for place, event in enumerate(events):
            places.setdefault(event.type, []).append(place)
        parts = {name: ([events[place] for place in found], times[found]) for name, found in places.items()}
        for name, (chosen, _) in parts.items():
            self.types.setdefault(name, _Type()).add(chosen)
        for one in self.counted.values():
            if one.kpi.event_type in parts:
                one.add(*parts[one.kpi.event_type])

    def tally(self, slug: str) -> Tally:
        """What became of the events for the KPI *slug*."""
        return self.counted[slug].tally

    def fields(self, slug: str) -> list[FieldSeen]:
        """The fields that the KPI *slug* reads, and how often they are there."""
        one = self.counted[slug]
        return [FieldSeen(each.text, tuple(each.roles), one.fields[each.field]) for each in one.use.fields]

    def names(self, event_type: str) -> list[str]:
        """The fields of the events of a type, as expressions write them."""
        found = self.types.get(event_type)
        return [] if found is None else sorted(found.names)


def _found(event: CleanEvent, path: Path) -> Any:
    """What *event* has at *path*; None where it has nothing."""
    if path.root != "data":
        return getattr(event, path.root)
    found: Any = event.data
    for key in path.keys:
        found = found.get(key) if isinstance(found, dict) else None
    return found


def _paths(data: Mapping[str, Any], above: tuple[str, ...]) -> Iterator[str]:
    for key, value in data.items():
        keys = (*above, key)
        if value is not None:
            yield path_text(Path("data", keys))
        if isinstance(value, dict) and len(keys) < _DEPTH:
            yield from _paths(value, keys)
