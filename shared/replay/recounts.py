"""Counting measures over any stretches of event time once more from the log; it trusts no pane."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np

from shared.contracts.events import CleanEvent, times_us
from shared.counting.measuring import Measured, measure
from shared.counting.programmes import Programme
from shared.domain.aggregates import NO_EVENTS, Partial, merged
from shared.domain.fold import Int64s, totals
from shared.messaging.records import Record
from shared.replay.decoding import counted_records, decoded
from shared.replay.wanted import Wanted
from shared.storage.replays import Stretch


class RecordReader(Protocol):
    """Reads stretches of the log; `shared.messaging.ranges.RangeReader` is one."""

    def read(self, partition: int, first_offset: int, until_offset: int) -> AsyncIterator[list[Record]]:
        """The records of [*first_offset*, *until_offset*), in order."""


@dataclass(slots=True)
class Recount:
    """What measures come to between given edges of event time, one partial between two of them.

    Feed it each record that counts once, in any order and in batches of any size; its size depends on the
    edges and series alone.
    """

    wanted: Sequence[Wanted]
    edges_us: Int64s
    _programmes: Mapping[int, Programme] = field(init=False)
    _found: dict[tuple[int, str], dict[int, Partial]] = field(default_factory=lambda: defaultdict(dict))

    def __post_init__(self) -> None:
        self._programmes = {
            one.measure_id: Programme.counting(0, [(one.measure_id, one.measure)]) for one in self.wanted
        }

    @classmethod
    def between(cls, wanted: Sequence[Wanted], edges_us: Collection[int]) -> "Recount":
        """A recount of *wanted* between any two of *edges_us*."""
        return cls(wanted, np.array(sorted(set(edges_us)), dtype=np.int64))

    def another(self) -> "Recount":
        """An empty recount of the same measures between the same edges."""
        found = copy(self)
        found._found = defaultdict(dict)  # noqa: SLF001 - of its own class
        return found

    def add(self, partition: int, records: Sequence[Record]) -> None:
        """Count *records* of *partition*; a thread may do it, one at a time."""
        records, events = decoded(records)
        times = times_us([event.time for event in events])
        within = (times >= self.edges_us[0]) & (times < self.edges_us[-1])
        places = np.flatnonzero(within)
        for one in self.wanted:
            first = one.beginnings.get(partition)
            if first is not None:
                chosen = [place for place in places.tolist() if records[place].offset >= first]
                self._count(one, [events[place] for place in chosen], times[chosen])

    def _count(self, one: Wanted, events: Sequence[CleanEvent], times: Int64s) -> None:
        programme = self._programmes[one.measure_id]
        found = measure(events, times, programme)
        if found.unfit:
            # Such an event went to the dead letters if this was counted then, and else it never fits.
            fit = [place for place in range(len(events)) if place not in found.unfit]
            events, times = [events[place] for place in fit], times[fit]
            found = measure(events, times, programme)
        for measured in found.measured:
            self._merge(one, measured)

    def _merge(self, one: Wanted, measured: Measured) -> None:
        """Add rows to the partials between the edges they lie between."""
        rows, count = measured.rows, len(self.edges_us)
        between = np.searchsorted(self.edges_us, rows.time_us, side="right") - 1
        spread = replace(rows, group=rows.group * count + between)
        for number, partial in totals(spread, one.measure.kind).items():
            group, place = divmod(number, count)
            partials = self._found[one.measure_id, measured.series[group]]
            partials[place] = merged(partials[place], partial) if place in partials else partial

    @property
    def is_empty(self) -> bool:
        """Whether nothing was measured between the edges."""
        return not self._found

    def series(self, measure_id: int) -> set[str]:
        """The combinations of dimension values that were met."""
        return {text for number, text in self._found if number == measure_id}

    def partial(self, one: Wanted, dimensions: Collection[str], start_us: int, end_us: int) -> Partial:
        """What the series *dimensions* of a measure come to together between two edges."""
        first, last = np.searchsorted(self.edges_us, (start_us, end_us)).tolist()
        partial = NO_EVENTS[one.measure.kind]
        for text in dimensions:
            found = self._found.get((one.measure_id, text), {})
            for place in sorted(found):
                if first <= place < last:
                    partial = merged(partial, found[place])
        return partial


async def recount(
    reader: RecordReader, stretches: Sequence[Stretch], wanted: Sequence[Wanted], edges_us: Collection[int]
) -> Recount:
    """*wanted* counted again from the records of *stretches* that count.

    Raises:
        LogLostError: the log holds some of it no more.
        BrokerUnavailableError: Kafka did not answer.
    """
    counting = Recount.between(wanted, edges_us)
    for stretch in stretches:
        async for records in reader.read(stretch.partition, stretch.first_offset, stretch.until_offset):
            counted = counted_records(records, stretch)
            await asyncio.to_thread(counting.add, stretch.partition, counted)
    return counting
