"""What the log says of a few questions, split by when it came to count; it knows no KPI and no value."""

import asyncio
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from shared.domain.calendars import instant_us
from shared.messaging.records import Record
from shared.replay.decoding import counted_records
from shared.replay.recounts import RecordReader, Recount
from shared.storage.replayed_changes import Flushed, Undone
from shared.storage.replays import Stretch


class ChangeReason(StrEnum):
    """Why a value that was complete changed."""

    LATE_EVENT = "late_event"
    RETRACTION = "retraction"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where in the log a change comes from: offsets [first_offset, until_offset) of a partition."""

    partition: int
    first_offset: int
    until_offset: int


@dataclass(frozen=True, slots=True)
class Change:
    """What came to count, or ceased to, at an instant.

    Attributes:
        part: what it comes to.
    """

    at: datetime
    reason: ChangeReason
    origin: Origin
    part: Recount


@dataclass(frozen=True, slots=True)
class History:
    """What counted in time, and how that changed.

    Attributes:
        since: records that arrived before count in time, whenever they were counted.
        stretches: where the log is to be read, without the offsets that count nothing.
        flushes: those from *since* on, by partition and offset.
        undone: events that were retracted by retractions that arrived from *since* on.
    """

    since: datetime
    stretches: Sequence[Stretch]
    flushes: Sequence[Flushed]
    undone: Sequence[Undone]


@dataclass(slots=True)
class Split:
    """Sorts records out by when they came to count.

    Attributes:
        in_time: everything that arrived in time and was not retracted late.
        late: what each flush brought late, by its place among the flushes.
        retracted: what each event that was retracted late came to, by its place; until then it counts.
    """

    history: History
    in_time: Recount
    late: dict[int, Recount] = field(default_factory=dict)
    retracted: dict[int, Recount] = field(default_factory=dict)
    came_late: dict[int, int] = field(default_factory=dict)
    _firsts: Mapping[int, list[int]] = field(init=False)
    _places: Mapping[int, list[int]] = field(init=False)
    _undone: Mapping[tuple[int, int], int] = field(init=False)

    def __post_init__(self) -> None:
        firsts, places = defaultdict[int, list[int]](list), defaultdict[int, list[int]](list)
        for place, flushed in enumerate(self.history.flushes):
            firsts[flushed.partition].append(flushed.first_offset)
            places[flushed.partition].append(place)
        self._firsts, self._places = firsts, places
        self._undone = {(one.partition, one.offset): n for n, one in enumerate(self.history.undone)}

    def add(self, partition: int, records: Sequence[Record]) -> None:
        """Sort out *records* of a partition, which count; a thread may do it, one at a time."""
        since_ms = instant_us(self.history.since) / 1000
        in_time: list[Record] = []
        late: dict[int, list[Record]] = defaultdict(list)
        for record in records:
            flush = None if record.timestamp < since_ms else self._flush_of(partition, record.offset)
            undone = self._undone.get((partition, record.offset))
            if undone is not None:
                self.retracted[undone] = self.in_time.another()
                self.retracted[undone].add(partition, [record])
                if flush is not None:
                    self.came_late[undone] = flush
            elif flush is None:
                in_time.append(record)
            else:
                late[flush].append(record)
        self.in_time.add(partition, in_time)
        for flush, found in late.items():
            self.late.setdefault(flush, self.in_time.another()).add(partition, found)

    def _flush_of(self, partition: int, offset: int) -> int | None:
        """The place of the flush that counted *offset*; None of one that was in time by the flush's clock."""
        place = bisect_right(self._firsts[partition], offset) - 1
        if place < 0:
            return None
        found = self._places[partition][place]
        return found if offset < self.history.flushes[found].until_offset else None

    def at_first(self) -> list[Recount]:
        """All that counted in time, that which was retracted later included."""
        early = [part for number, part in self.retracted.items() if number not in self.came_late]
        return [self.in_time, *early]

    def changes(self) -> list[Change]:
        """Everything that happened after that and was measured, in its order."""
        flushes, undone = self.history.flushes, self.history.undone
        came = [(flush, part) for flush, part in self.late.items()]
        came += [(flush, self.retracted[number]) for number, flush in self.came_late.items()]
        entering = [
            Change(flushes[flush].at, ChangeReason.LATE_EVENT, _origin(flushes[flush]), part)
            for flush, part in came
        ]
        leaving = [
            Change(undone[n].at, ChangeReason.RETRACTION, _place(undone[n]), part)
            for n, part in self.retracted.items()
        ]
        measured = [change for change in entering + leaving if not change.part.is_empty]
        return sorted(measured, key=lambda change: (change.at, change.reason))


def _origin(flushed: Flushed) -> Origin:
    return Origin(flushed.partition, flushed.first_offset, flushed.until_offset)


def _place(undone: Undone) -> Origin:
    return Origin(undone.partition, undone.offset, undone.offset + 1)


def counting_until_retracted(stretches: Sequence[Stretch], undone: Sequence[Undone]) -> list[Stretch]:
    """*stretches* in which the events of *undone* are not silent: they counted for a while."""
    offsets: dict[int, set[int]] = defaultdict(set)
    for one in undone:
        offsets[one.partition].add(one.offset)
    return [replace(one, silent=one.silent - offsets[one.partition]) for one in stretches]


async def split(reader: RecordReader, history: History, recount: Recount) -> Split:
    """The records of *history*, sorted out by when they came to count; *recount* is empty and is used up.

    Raises:
        LogLostError: the log holds some of it no more.
        BrokerUnavailableError: Kafka did not answer.
    """
    found = Split(history, recount)
    for stretch in history.stretches:
        async for records in reader.read(stretch.partition, stretch.first_offset, stretch.until_offset):
            counted = counted_records(records, stretch)
            await asyncio.to_thread(found.add, stretch.partition, counted)
    return found
