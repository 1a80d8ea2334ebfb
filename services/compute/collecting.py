"""Gathering records into batches worth a transaction: by time, as the flushes go, else by size."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from services.compute.doors import Reader
from services.compute.ownership import Ownership
from services.compute.parts import Tally
from services.compute.rhythm import Rhythm
from shared.messaging.records import Record
from shared.runtime.clock import monotonic_s

IDLE_S = 0.5
"""How long an empty batch waits for its first record."""

BATCH_BYTES = 64 * 1024 * 1024
"""A batch is also full with this many bytes of values: events may be as large as 64 KiB."""

CATCHING_UP_S = 0.5
"""Between flushes while history is counted: fewer and larger ones write each pane less often, which is what a
second process that waits for ingest needs to be a help.
"""

HISTORY_US = 10_000_000
"""Events older than this are history, if they come in great numbers: a few are counted as soon as others."""

WHILE_BUSY_S = 0.02
"""How often the collector looks whether the flush in flight has ended."""


@dataclass(slots=True)
class _Gathered:
    """Records on their way into a batch."""

    records: dict[int, list[Record]] = field(default_factory=dict)
    count: int = 0
    size_bytes: int = 0

    def add(self, partition: int, records: Sequence[Record]) -> None:
        if records:
            self.records.setdefault(partition, []).extend(records)
            self.count += len(records)
            self.size_bytes += sum([len(record.value or b"") for record in records])


def is_history(tallies: Iterable[Tally], *, full: int, now_us: int) -> bool:
    """Whether a batch of these *tallies* is large, for one that may have *full* events, and all of it old."""
    found = list(tallies)
    newest_us = max((tally.last_us for tally in found if tally.last_us is not None), default=now_us)
    return sum(tally.consumed for tally in found) * 20 >= full and newest_us < now_us - HISTORY_US


@dataclass(slots=True)
class Collector:
    """Reads until a batch is due; used by one task.

    Attributes:
        flush_interval_s: between batches, while nothing is behind.
        max_events: a batch is due with as many.
        rhythm: when a batch is to be closed while another is written.
        is_catching_up: what is counted is history; set from batch to batch.
    """

    consumer: Reader
    ownership: Ownership
    flush_interval_s: float
    max_events: int
    rhythm: Rhythm = field(default_factory=Rhythm)
    is_catching_up: bool = False
    _due_s: float = field(default_factory=monotonic_s)

    async def next_batch(self, stopping: asyncio.Event) -> Mapping[int, Sequence[Record]]:
        """The records of each owned partition that make up the next flush; empty when none came.

        What was gathered is dropped when partitions came or went meanwhile: it will be read again.
        """
        generation, gathered = self.ownership.generation, _Gathered()
        idle_until = monotonic_s() + IDLE_S
        while not stopping.is_set():
            room = max(self.max_events - gathered.count, 1)
            found = await self.consumer.batch(self._wait_s(gathered), room)
            if generation != self.ownership.generation:
                generation, gathered = self.ownership.generation, _Gathered()
            for at, records in found.items():
                gathered.add(at.partition, records)
            if self._is_due(gathered) or (not gathered.count and monotonic_s() >= idle_until):
                break
        interval_s = self.flush_interval_s
        self._due_s = monotonic_s() + (max(interval_s, CATCHING_UP_S) if self.is_catching_up else interval_s)
        return gathered.records

    def _is_due(self, gathered: "_Gathered") -> bool:
        if not gathered.count:
            return False
        in_time = monotonic_s() >= self._due_s and (self.ownership.idle.is_set() or self._is_early_enough())
        return in_time or gathered.count >= self.max_events or gathered.size_bytes >= BATCH_BYTES

    def _is_early_enough(self) -> bool:
        """Whether the flush in flight is about to end; history is not counted ahead, in larger batches."""
        return not self.is_catching_up and monotonic_s() >= self.rhythm.close_s

    def _wait_s(self, gathered: "_Gathered") -> float:
        if not gathered.count:
            return IDLE_S
        left = self._due_s - monotonic_s()
        return left if left > 0 else WHILE_BUSY_S
