"""Measures counted between given instants, with the panes they would write; it trusts no stored pane."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from shared.contracts.events import CleanEvent
from shared.counting.measuring import Measured, measure
from shared.counting.programmes import Programme
from shared.domain.aggregates import NO_EVENTS, Partial, merged
from shared.domain.arrays import Int64s
from shared.domain.calendars import Calendar
from shared.domain.definitions import Measure
from shared.domain.fold import pane_starts, totals
from shared.domain.windows import Rung

_SECOND_US = 1_000_000

_SECOND_BITS = 36
"""Of a pane's number: its start in seconds since 1970-01-01 takes fewer, for the next 2,000 years."""

_LOOSE = 1 << 18
"""So many numbers of panes are kept unsorted before copies among them are dropped."""


class Runs:
    """Partials at places in a row, any run of which is merged in a few steps: a segment tree."""

    def __init__(self, partials: Mapping[int, Partial], size: int, nothing: Partial) -> None:
        self._size, self._nothing = max(size, 1), nothing
        self._tree: dict[int, Partial] = {place + self._size: part for place, part in partials.items()}
        for node in range(self._size - 1, 0, -1):
            found = [self._tree[child] for child in (2 * node, 2 * node + 1) if child in self._tree]
            if found:
                self._tree[node] = found[0] if len(found) == 1 else merged(found[0], found[1])

    def between(self, first: int, until: int) -> Partial:
        """The partials at the places [*first*, *until*) together."""
        whole, low, high = self._nothing, first + self._size, until + self._size
        while low < high:
            if low & 1:
                whole, low = self._with(whole, low), low + 1
            if high & 1:
                high -= 1
                whole = self._with(whole, high)
            low, high = low // 2, high // 2
        return whole

    def _with(self, whole: Partial, node: int) -> Partial:
        return merged(whole, self._tree[node]) if node in self._tree else whole


@dataclass(slots=True)
class _Panes:
    """The panes of one measure that hold events, by rung."""

    calendar: Calendar
    numbers: dict[str, int] = field(default_factory=dict)
    met: dict[Rung, list[Int64s]] = field(default_factory=dict)

    def add(self, found: Measured) -> None:
        rows = found.rows
        names = {
            group: self.numbers.setdefault(text, len(self.numbers)) for group, text in found.series.items()
        }
        groups, places = np.unique(rows.group, return_inverse=True)
        series = np.array([names[group] for group in groups.tolist()], dtype=np.int64)[places]
        for rung in (rung for rung in Rung if rung >= found.target.finest):
            seconds = pane_starts(rows.time_us, rung, self.calendar) // _SECOND_US
            self._note(rung, np.unique((series << _SECOND_BITS) | seconds))

    def _note(self, rung: Rung, codes: Int64s) -> None:
        kept = self.met.setdefault(rung, [])
        kept.append(codes)
        if sum(map(len, kept)) > _LOOSE and len(kept) > 1:
            self.met[rung] = [np.unique(np.concatenate(kept))]

    def count(self, rung: Rung) -> int:
        kept = self.met.get(rung)
        return 0 if not kept else len(np.unique(np.concatenate(kept)))


@dataclass(slots=True)
class Sheet:
    """What measures come to between any two of some instants; feed it every event that counts once.

    Attributes:
        measures: by their numbers on this sheet.
        edges_us: the instants, ascending; events before the first and from the last on are left out.
        with_panes: the numbers of measures whose panes are counted, too.
    """

    measures: Mapping[int, Measure]
    edges_us: Int64s
    with_panes: Collection[int] = ()
    _programme: Programme = field(init=False)
    _found: dict[tuple[int, str], dict[int, Partial]] = field(default_factory=dict)
    _runs: dict[tuple[int, str], Runs] = field(default_factory=dict)
    _panes: dict[int, _Panes] = field(init=False)

    def __post_init__(self) -> None:
        self._programme = Programme.counting(0, self.measures.items())
        self._panes = {number: _Panes(Calendar(self.measures[number].zone)) for number in self.with_panes}

    def add(self, events: Sequence[CleanEvent], times: Int64s) -> None:
        """Count *events*, whose instants are *times*; a thread may do it, one at a time."""
        for found in measure(events, times, self._programme).measured:
            self._merge(found)
            if found.target.measure_id in self._panes:
                self._panes[found.target.measure_id].add(found)

    def _merge(self, found: Measured) -> None:
        rows, count, number = found.rows, len(self.edges_us), found.target.measure_id
        between = np.searchsorted(self.edges_us, rows.time_us, side="right") - 1
        spread = replace(rows, group=rows.group * count + between)
        for code, partial in totals(spread, found.target.kind).items():
            group, place = divmod(code, count)
            partials = self._found.setdefault((number, found.series[group]), {})
            partials[place] = merged(partials[place], partial) if place in partials else partial

    def series(self, number: int) -> set[str]:
        """The combinations of dimension values that a measure has met."""
        return {text for known, text in self._found if known == number}

    def partial(self, number: int, dimensions: str, start_us: int, end_us: int) -> Partial:
        """What one series of a measure comes to between two edges; only when everything is counted."""
        key, nothing = (number, dimensions), NO_EVENTS[self.measures[number].kind]
        if key not in self._found:
            return nothing
        if key not in self._runs:
            self._runs[key] = Runs(self._found[key], len(self.edges_us), nothing)
        first, until = np.searchsorted(self.edges_us, (start_us, end_us)).tolist()
        return self._runs[key].between(first, until)

    def panes(self, number: int) -> Iterator[tuple[Rung, int]]:
        """How many panes with events a measure has, by rung, the finest first."""
        finest = self.measures[number].finest
        return ((rung, self._panes[number].count(rung)) for rung in Rung if rung >= finest)
