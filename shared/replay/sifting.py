"""Telling the events that a value is made of from those beside it, and why these do not count.

It is fed records of the log as a recount is, measures them by the same programmes, and keeps of them only
what is to be shown: its size depends on that and on the records that count nothing.
"""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from shared.counting.measuring import Measurement, measure
from shared.counting.programmes import Programme
from shared.domain.aggregates import NO_EVENTS, Aggregate, Kind, Partial, merged
from shared.domain.fold import Int64s, totals
from shared.messaging.records import Record
from shared.replay.candidates import Bools, Candidates, Chosen, Order, Taken, Target

_PASSING, _VALUED, _OPEN = 0, 1, 2
"""The numbers of the measures that are worked out side by side: without value, hours and series; without
hours and series; the measure itself.
"""


@dataclass(slots=True)
class Beside:
    """How many events of the type and the time do not count into the value, each by the first reason.

    Attributes:
        before_start: they came before the KPI began to be counted.
        filtered: they are not what its filter asks for.
        out_of_range: their value has more digits than are kept.
        without_value: there is nothing in them to be taken.
        outside_hours: they happened outside business hours.
        other_series: they have other dimension values.
    """

    before_start: int = 0
    filtered: int = 0
    out_of_range: int = 0
    without_value: int = 0
    outside_hours: int = 0
    other_series: int = 0


@dataclass(frozen=True, slots=True)
class Silent:
    """A record that would be part of the value, but counts nothing."""

    partition: int
    offset: int
    key: bytes


@dataclass(slots=True)
class Sift:
    """Sifts records; feed it every record of the stretches once, in the order of the log.

    Attributes:
        most: how many events are kept to be shown.
        before: only what comes after this place in the list is kept.
        undone: the places in the log of events that were counted and undone.
        partial: what the events of the value come to.
        checksum: of where they lie in the log.
        late: how many of them came late.
        listed: the first of them from *before* on, newest first.
        deciding: the event whose value the value is, where there is one.
        retracted: the first events that were undone, newest first, and *undone_n* how many there are.
        silent: copies, and what was retracted before it could count.
        dead: events that were set aside for a value out of range when they were to be counted.
        records: how many were looked at.
    """

    target: Target
    most: int
    before: Order | None = None
    undone: frozenset[tuple[int, int]] = frozenset()
    partial: Partial = field(init=False)
    checksum: int = 0
    late: int = 0
    listed: list[Taken] = field(default_factory=list)
    deciding: Taken | None = None
    retracted: list[Taken] = field(default_factory=list)
    undone_n: int = 0
    silent: list[Silent] = field(default_factory=list)
    dead: int = 0
    records: int = 0
    beside: Beside = field(default_factory=Beside)
    _programme: Programme = field(init=False)

    def __post_init__(self) -> None:
        own = self.target.wanted.measure
        valued = replace(own, hours=None, breakdown=())
        passing = replace(valued, value=None, scale=0, kind=Kind.NUMBERS)
        numbered = [(_PASSING, passing), (_VALUED, valued), (_OPEN, own)]
        self._programme = Programme.counting(0, numbered)
        self.partial = NO_EVENTS[own.kind]

    def add(self, partition: int, records: Sequence[Record], silent: frozenset[int]) -> None:
        """Sift *records* of *partition*, of which those at *silent* offsets count nothing.

        A thread may do it, one at a time.
        """
        self.records += len(records)
        found = Candidates.of(self.target, partition, records, silent)
        if len(found.events):
            self._sort_out(found, measure(found.events, found.times, self._programme))

    def _sort_out(self, part: Candidates, found: Measurement) -> None:
        masks = {number: np.zeros(len(part.events), dtype=np.bool_) for number in (_PASSING, _VALUED, _OPEN)}
        own: Chosen | None = None
        for measured in found.measured:
            masks[measured.target.measure_id][measured.places] = True
            if measured.target.measure_id == _OPEN:
                own = Chosen.of(self.target, measured)
        unfit = np.zeros(len(part.events), dtype=np.bool_)
        unfit[list(found.unfit)] = True
        in_time = part.are_after_start(self.target.wanted)
        self._tell_beside(part.is_silent, in_time, unfit, masks, own)
        if own is not None:
            self._take(part, own, in_time)

    def _tell_beside(
        self, is_silent: Bools, in_time: Bools, unfit: Bools, masks: dict[int, Bools], own: Chosen | None
    ) -> None:
        passing, valued, is_open = masks[_PASSING], masks[_VALUED], masks[_OPEN]
        is_own = np.zeros(len(passing), dtype=np.bool_)
        if own is not None:
            is_own[own.places[own.is_own]] = True
        counts, beside = ~is_silent & in_time, self.beside
        beside.before_start += _count(~is_silent & ~in_time)
        beside.filtered += _count(counts & ~passing)
        beside.out_of_range += _count(counts & passing & unfit)
        beside.without_value += _count(counts & passing & ~unfit & ~valued)
        beside.outside_hours += _count(counts & valued & ~is_open)
        beside.other_series += _count(counts & is_open & ~is_own)
        self.dead += _count(is_silent & in_time & passing & unfit)

    def _take(self, part: Candidates, own: Chosen, in_time: Bools) -> None:
        is_there = own.is_own & in_time[own.places]
        is_silent = part.is_silent[own.places]
        self._count(part, own, is_there & ~is_silent)
        for row in np.flatnonzero(is_there & is_silent).tolist():
            one = part.taken(own, row)
            if (one.partition, one.offset) in self.undone:
                self.undone_n += 1
                self.retracted = heapq.nlargest(self.most, [*self.retracted, one], key=_order)
            else:
                self.silent.append(Silent(one.partition, one.offset, one.key))

    def _count(self, part: Candidates, own: Chosen, which: Bools) -> None:
        if not which.any():
            return
        chosen, rows = own.measured.rows.chosen(which), np.flatnonzero(which)
        whole = replace(chosen, group=np.zeros(len(chosen.group), dtype=np.int64))
        self.partial = merged(self.partial, totals(whole, self.target.wanted.measure.kind)[0])
        places = own.places[rows]
        self.checksum += int(part.offsets[places].sum()) * (part.partition + 1)
        self.late += _count(part.arrived_ms[places] >= self.target.late_ms)
        self._list(part, own, rows)
        self._decide(part, own, rows)

    def _list(self, part: Candidates, own: Chosen, rows: Int64s) -> None:
        """Keep the newest of *rows*; only so many of them can be among the newest of all."""
        places = own.places[rows]
        newest = np.lexsort((part.offsets[places], part.times[places]))[::-1]
        if self.before is not None:
            before = self.before
            orders = zip(part.times[places].tolist(), part.offsets[places].tolist(), strict=True)
            follows = [(time, part.partition, offset) < before for time, offset in orders]
            newest = newest[np.array(follows, dtype=np.bool_)[newest]]
        taken = [part.taken(own, row) for row in rows[newest[: self.most]].tolist()]
        self.listed = heapq.nlargest(self.most, [*self.listed, *taken], key=_order)

    def _decide(self, part: Candidates, own: Chosen, rows: Int64s) -> None:
        """Keep the event of *rows* and those before whose value the value of the KPI is."""
        values, times = own.measured.rows.value[rows], part.times[own.places[rows]]
        match self.target.aggregate:
            case Aggregate.MIN:
                extreme, sign = values == values.min(), 1
            case Aggregate.MAX:
                extreme, sign = values == values.max(), -1
            case Aggregate.FIRST:
                extreme, sign = times == times.min(), 1
            case Aggregate.LAST | Aggregate.TIME_SINCE_LAST:
                extreme, sign = times == times.max(), 1
            case _:
                return
        several = [part.taken(own, row) for row in rows[extreme].tolist()]
        if self.deciding is not None:
            several.append(self.deciding)
        if self.target.aggregate in (Aggregate.MIN, Aggregate.MAX):
            self.deciding = min(several, key=lambda one: (sign * one.scaled, one.time_us, one.key))
            return
        choose = min if self.target.aggregate is Aggregate.FIRST else max
        self.deciding = choose(several, key=lambda one: (one.time_us, one.key, one.scaled))


def _order(one: Taken) -> Order:
    return one.order


def _count(which: Bools) -> int:
    return int(np.count_nonzero(which))
