"""Chosen panes once more from the records of the log that count; it knows no store."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from services.compute.corrections.taking import Counted, measured_alone, series_lookup
from shared.contracts.events import times_us
from shared.counting.measuring import Measured
from shared.domain.calendars import Calendar
from shared.domain.fold import Deltas, Int64s, Rows, fold
from shared.domain.windows import LENGTH_US, Rung
from shared.messaging.records import Record
from shared.replay.decoding import decoded
from shared.storage.pane_repairs import Repair
from shared.storage.pane_rows import PaneRows, rows_by_kind
from shared.storage.pane_sketches import PaneKey


def interval_us(repair: Repair, calendar: Calendar) -> tuple[int, int]:
    """The stretch of event time that a pane holds, [start, end)."""
    if repair.rung == Rung.D1:
        return repair.start_us, calendar.next_day_start(repair.start_us)
    return repair.start_us, repair.start_us + LENGTH_US[Rung(repair.rung)]


@dataclass(slots=True)
class Refold:
    """What some panes come to; feed it every record of their time that counts, once, in any order.

    Attributes:
        counted: the measures.
        repairs: the panes.
        beginnings: by measure, the first offset of each partition that counts into it.
    """

    counted: Counted
    repairs: Sequence[Repair]
    beginnings: Mapping[int, Mapping[int, int]] = field(default_factory=dict)
    _intervals: Int64s = field(init=False)
    _wanted: Mapping[int, Collection[PaneKey]] = field(init=False)
    _found: list[tuple[Int64s, Deltas]] = field(default_factory=list)

    def __post_init__(self) -> None:
        wanted: dict[int, set[PaneKey]] = {}
        for repair in self.repairs:
            wanted.setdefault(repair.measure_id, set()).add(repair.key)
        self._wanted = wanted
        self._intervals = np.array(sorted(set(self.intervals())), dtype=np.int64).reshape(-1, 2)

    def intervals(self) -> list[tuple[int, int]]:
        """The stretches of event time that the panes hold."""
        calendars = {
            repair: Calendar(self.counted.measures[repair.measure_id].zone) for repair in self.repairs
        }
        return [interval_us(repair, calendar) for repair, calendar in calendars.items()]

    def add(self, partition: int, records: Sequence[Record], known: Mapping[int, Mapping[str, int]]) -> None:
        """Count *records* of *partition*; a thread may do it, one at a time.

        Args:
            partition: where they lie.
            records: those that count, whatever their time.
            known: by measure, the numbers of all its series; what is not among them is in the overflow.
        """
        records, events = decoded(records)
        times = times_us([event.time for event in events])
        within = np.zeros(len(times), dtype=np.bool_)
        for start_us, end_us in self._intervals:
            within |= (times >= start_us) & (times < end_us)
        places = np.flatnonzero(within).tolist()
        for number in self._wanted:
            first = self.beginnings.get(number, {}).get(partition)
            chosen = [events[p] for p in places if first is not None and records[p].offset >= first]
            for measured in measured_alone(chosen, self.counted.programmes[number]):
                self._fold(number, measured, series_lookup(measured.series, known.get(number, {})))

    def _fold(self, number: int, measured: Measured, numbers: Int64s) -> None:
        wanted = self._wanted[number]
        rows = _of_series(measured.rows, numbers, {series_id for series_id, _, _ in wanted})
        if not len(rows.time_us):
            return
        target = measured.target
        # Seen from the oldest of them none is old: a pane has all its events in whichever rung it is.
        now_us = int(rows.time_us.min())
        deltas = fold(rows, finest=target.finest, now_us=now_us, calendar=target.calendar, kind=target.kind)
        keys = zip(deltas.group.tolist(), deltas.rung.tolist(), deltas.start_us.tolist(), strict=True)
        deltas = deltas.taken(np.array([key in wanted for key in keys], dtype=np.bool_))
        self._found.append((deltas.group, deltas))
        if len(self._found) > _PARTS:
            self._found = [(part.series_id, part.deltas) for part in self.rows().parts]

    def rows(self) -> PaneRows:
        """The panes as they have been counted; one without events has no rows."""
        return rows_by_kind(self._found, may_meet=True)


_PARTS = 64
"""So many parts are put together at the latest: memory is bounded by the panes, not by the records."""


def _of_series(rows: Rows, numbers: Int64s, wanted: Collection[int]) -> Rows:
    """The rows of some series, with the number of its series as the group of each."""
    groups = numbers[rows.group]
    chosen = np.isin(groups, np.array(sorted(wanted), dtype=np.int64))
    return replace(
        rows,
        group=groups[chosen],
        time_us=rows.time_us[chosen],
        value=rows.value[chosen],
        key=rows.key[chosen] if len(rows.key) else rows.key,
    )
