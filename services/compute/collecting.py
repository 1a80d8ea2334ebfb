"""Gathering records into batches worth a transaction: by time while Postgres keeps up, else by size."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from services.compute.ownership import Ownership
from shared.messaging.consumer import Consumer
from shared.messaging.records import Record
from shared.runtime.clock import monotonic_s

IDLE_S = 0.5
"""How long an empty batch waits for its first record."""

WHILE_BUSY_S = 0.02
"""How often the collector looks whether the flush in flight has ended."""


@dataclass(slots=True)
class Collector:
    """Reads until a batch is due; used by one task."""

    consumer: Consumer
    ownership: Ownership
    flush_interval_s: float
    max_events: int
    _due_s: float = field(default_factory=monotonic_s)

    async def next_batch(self, stopping: asyncio.Event) -> dict[int, Sequence[Record]]:
        """The records of each owned partition that make up the next flush; empty when none came.

        What was gathered is dropped when partitions came or went meanwhile: it will be read again.
        """
        generation, gathered, count = self.ownership.generation, dict[int, list[Record]](), 0
        idle_until = monotonic_s() + IDLE_S
        while not stopping.is_set():
            found = await self.consumer.batch(self._wait_s(gathered), max(self.max_events - count, 1))
            if generation != self.ownership.generation:
                generation, gathered, count = self.ownership.generation, {}, 0
            for at, records in found.items():
                gathered.setdefault(at.partition, []).extend(records)
                count += len(records)
            if self._is_due(gathered, count) or (not gathered and monotonic_s() >= idle_until):
                break
        self._due_s = monotonic_s() + self.flush_interval_s
        return {partition: records for partition, records in gathered.items() if records}

    def _is_due(self, gathered: dict[int, list[Record]], count: int) -> bool:
        if not gathered:
            return False
        in_time = monotonic_s() >= self._due_s and self.ownership.idle.is_set()
        return in_time or count >= self.max_events

    def _wait_s(self, gathered: dict[int, list[Record]]) -> float:
        if not gathered:
            return IDLE_S
        left = self._due_s - monotonic_s()
        return left if left > 0 else WHILE_BUSY_S
