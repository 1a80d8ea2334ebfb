"""A log in memory beside real counting, so that replays can be compared with what a prefix of it says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from shared.contracts.events import CleanEvent, clean_decoder
from shared.domain.readings import Reading
from shared.replay.known_readings import readings_then, remembered
from shared.replay.revisions import Revision, revisions, story
from shared.storage.engine import reading
from shared.storage.readings import Ask
from tests.integration.corrections_rig import MemoryLog, corrected
from tests.integration.counting_rig import Counting
from tests.unit.compute.builders import NOW, ARecord, a_record

DISORDER = timedelta(seconds=10)


def of_one(*events: CleanEvent, first: int = 0) -> dict[int, list[ARecord]]:
    """A batch of the partition 0."""
    return {0: [a_record(event, offset=offset) for offset, event in enumerate(events, first)]}


@dataclass(slots=True)
class Remembering:
    """Counting whose flushes happen a second after each other, from `NOW` on, beside a log of all of them.

    Attributes:
        came: the events of each flush.
    """

    counting: Counting
    records: dict[int, list[ARecord]] = field(default_factory=dict)
    came: list[list[CleanEvent]] = field(default_factory=list)
    log: MemoryLog = field(init=False)

    def __post_init__(self) -> None:
        self.log = MemoryLog(self.records)

    async def flush(
        self, batch: Mapping[int, Sequence[ARecord]], *, arrived: datetime | None = None
    ) -> datetime:
        """Count *batch* and undo what it retracts; the instant at which all of that is known.

        Its records arrived just then, unless said otherwise.
        """
        known_at = NOW + timedelta(seconds=len(self.came) + 1)
        timestamp = round((arrived or known_at).timestamp() * 1000)
        batch = {
            p: [replace(record, timestamp=timestamp) for record in records] for p, records in batch.items()
        }
        for partition, records in batch.items():
            self.records.setdefault(partition, []).extend(records)
        events = [clean_decoder.decode(r.value or b"") for records in batch.values() for r in records]
        self.came.append(events)
        await self.counting.count(batch)
        if any(event.retracts for event in events):
            await corrected(self.counting, self.log)
        await self._happened(known_at)
        return known_at

    async def _happened(self, at: datetime) -> None:
        """The database's clock is not ours to set: what it has just stamped gets the time of the story."""
        for table, column in (("flushes", "flushed_at"), ("retractions", "settled_at")):
            await self.counting.connection.execute(
                f"UPDATE {table} SET {column} = $1 WHERE {column} > now() - interval '1 hour'", at
            )

    def first(self, flushes: int) -> list[CleanEvent]:
        """The events of the first so many flushes."""
        return [event for events in self.came[:flushes] for event in events]

    async def known(self, asks: Sequence[Ask], *, at: datetime, most: int = 1_000_000) -> list[Reading]:
        """The readings of *asks* as known *at*."""
        async with reading(self.counting.engine) as connection:
            then = await remembered(connection, self.counting.catalogue, asks, at=at, most=most)
        return await readings_then(self.log, then, disorder=DISORDER)

    async def revisions(self, ask: Ask, *, most: int = 1_000_000) -> list[Revision]:
        """The revisions of *ask*."""
        async with reading(self.counting.engine) as connection:
            told = await story(connection, self.counting.catalogue, ask, disorder=DISORDER, most=most)
        return await revisions(self.log, told)
