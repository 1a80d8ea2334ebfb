"""Correcting without Kafka: the jobs that undo events, on a log in memory and a real Postgres."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry

from services.compute.backfill.reading import Log, LogDoor
from services.compute.catalogues import CatalogueWatch
from services.compute.corrections.jobs import Corrector
from services.compute.metrics import Metrics
from shared.domain.calendars import instant_us
from shared.domain.errors import LogLostError
from shared.messaging.records import Record
from shared.storage import pane_repairs
from shared.storage.engine import close, connect
from tests.integration.counting_rig import Counting
from tests.unit.compute.builders import NOW, ARecord


@dataclass(slots=True)
class MemoryLog:
    """A log of partitions that hands out a few records at a time.

    Attributes:
        begins: before these offsets nothing is held any more.
        reads: the stretches that were asked for.
    """

    records: Mapping[int, Sequence[ARecord]]
    at_once: int = 3
    begins: dict[int, int] = field(default_factory=dict)
    reads: list[tuple[int, int, int]] = field(default_factory=list)

    async def read(self, partition: int, first_offset: int, until_offset: int) -> AsyncIterator[list[Record]]:
        """The records of a stretch."""
        self.reads.append((partition, first_offset, until_offset))
        if first_offset < self.begins.get(partition, 0):
            raise LogLostError(partition, first_offset, until_offset)
        found = [r for r in self.records[partition] if first_offset <= r.offset < until_offset]
        for start in range(0, len(found), self.at_once):
            yield list(found[start : start + self.at_once])

    def door(self) -> LogDoor:
        """The log as the jobs reach it."""
        return LogDoor(self._opened, self._begins)

    @asynccontextmanager
    async def _opened(self) -> AsyncIterator[Log]:
        yield self

    async def _begins(self) -> Mapping[int, int]:
        return {partition: self.begins.get(partition, 0) for partition in self.records}


async def a_corrector(counting: Counting, log: MemoryLog) -> Corrector:
    """The jobs of the process that counts."""
    watch = CatalogueWatch(counting.engine)
    await watch.load()
    return Corrector(
        counting.url,
        log.door(),
        watch,
        lambda: {partition: one.epoch for partition, one in counting.standings.items()},
        counting.touched,
        Metrics.on(CollectorRegistry()),
        now_us=lambda: instant_us(NOW),
    )


async def corrected(counting: Counting, log: MemoryLog) -> Corrector:
    """Undo and repair everything there is; the jobs that did it."""
    jobs, never = await a_corrector(counting, log), asyncio.Event()
    connection = await connect(counting.url, application_name="tests")
    try:
        await jobs.undo_near(connection, never)
        await jobs.undo_anywhere(connection, never)
        while await pane_repairs.count(connection):
            await jobs.repairer.repair_some(connection, never)
    finally:
        await close(connection)
    return jobs
