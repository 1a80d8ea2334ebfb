"""A log in memory beside real counting, so that replays can be compared with what a prefix of it says."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from shared.contracts.events import CleanEvent, clean_decoder
from shared.domain.errors import LogLostError
from shared.domain.readings import Reading
from shared.messaging.records import Record
from shared.replay.known_readings import readings_then, remembered
from shared.storage.engine import reading
from shared.storage.readings import Ask
from tests.integration.counting_rig import Counting
from tests.unit.compute.builders import NOW, ARecord

DISORDER = timedelta(seconds=10)


@dataclass(slots=True)
class ALog:
    """Records by partition, read as Kafka's are.

    Attributes:
        begins: the first offset that is still there.
        reads: every stretch that was read.
    """

    records: dict[int, list[ARecord]] = field(default_factory=dict)
    begins: int = 0
    reads: list[tuple[int, int, int]] = field(default_factory=list)

    async def read(self, partition: int, first_offset: int, until_offset: int) -> AsyncIterator[list[Record]]:
        """The records of [*first_offset*, *until_offset*), three at a time."""
        self.reads.append((partition, first_offset, until_offset))
        if first_offset < self.begins:
            raise LogLostError(partition, first_offset, until_offset)
        found = [r for r in self.records.get(partition, []) if first_offset <= r.offset < until_offset]
        for start in range(0, len(found), 3):
            yield [*found[start : start + 3]]


@dataclass(slots=True)
class Remembering:
    """Counting whose flushes happen a second after each other, from `NOW` on, beside a log of all of them."""

    counting: Counting
    log: ALog = field(default_factory=ALog)
    flushes: int = 0

    async def flush(self, batch: Mapping[int, Sequence[ARecord]]) -> datetime:
        """Count *batch* and let it lie in the log; the instant at which it is known."""
        for partition, records in batch.items():
            self.log.records.setdefault(partition, []).extend(records)
        await self.counting.count(batch)
        self.flushes += 1
        known_at = NOW + timedelta(seconds=self.flushes)
        # The database's clock is not ours to set: what it has just stamped gets the time of the story.
        for table, column in (("flushes", "flushed_at"), ("retractions", "settled_at")):
            await self.counting.connection.execute(
                f"UPDATE {table} SET {column} = $1 WHERE {column} > now() - interval '1 hour'", known_at
            )
        return known_at

    def events(self, batches: Sequence[Mapping[int, Sequence[ARecord]]]) -> list[CleanEvent]:
        """The events of *batches*."""
        records = [record for batch in batches for part in batch.values() for record in part]
        return [clean_decoder.decode(record.value or b"") for record in records]

    async def known(self, asks: Sequence[Ask], *, at: datetime, most: int = 1_000_000) -> list[Reading]:
        """The readings of *asks* as known *at*."""
        async with reading(self.counting.engine) as connection:
            then = await remembered(connection, self.counting.catalogue, asks, at=at, most=most)
        return await readings_then(self.log, then, disorder=DISORDER)
