"""The job that fills new measures: for each partition owned here, the log up to where live counting began."""

import asyncio
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, aclosing
from dataclasses import dataclass, field, replace
from typing import Protocol

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from services.compute.backfill.filling import Filled, fill
from services.compute.backfill.pacing import Pace
from services.compute.backfill.reading import BATCH_RECORDS, Log, LogDoor, batches
from services.compute.catalogues import CatalogueWatch
from services.compute.postgres_store import PostgresSession
from shared.counting.programmes import Programme
from shared.domain.calendars import as_datetime
from shared.domain.errors import LogLostError, TryAgainError
from shared.messaging.records import Record
from shared.runtime.clock import epoch_us, utc_now
from shared.runtime.lifecycle import pause
from shared.storage import backfill_cursors as cursors
from shared.storage.backfill_cursors import BackfillOverError, Cursor, Step, shard_of
from shared.storage.backfill_ends import give_up, settle
from shared.storage.backfill_reports import has_work
from shared.storage.engine import driver_errors, reading, transaction
from shared.storage.pane_marks import MarksMovedError

log = structlog.get_logger(__name__)

LOOK_S = 1.0
"""How often it is looked whether there is something to fill."""


class Store(Protocol):
    """Where panes are kept."""

    def session(self) -> AbstractAsyncContextManager[PostgresSession]:
        """A connection of the caller's own to write by."""


class _OvertakenError(Exception):
    """An event of the batch was undone while the batch was counted: it is to be counted anew."""


@dataclass(slots=True)
class Backfiller:
    """Fills the measures of backfills in the partitions that this process owns.

    Attributes:
        owned: the partitions counted live here; their owner fills them, too, which spreads the work.
        pace: when the next batch may be counted.
        now_us: the wall clock in microseconds.
    """

    engine: AsyncEngine
    store: Store
    door: LogDoor
    watch: CatalogueWatch
    owned: Callable[[], Collection[int]]
    pace: Pace
    batch_records: int = BATCH_RECORDS
    now_us: Callable[[], int] = epoch_us
    _programmes: dict[int, Programme] = field(default_factory=dict)

    async def run(self, stopping: asyncio.Event) -> None:
        """Fill whatever is to be filled until *stopping* is set."""
        while not await pause(stopping, LOOK_S):
            try:
                if await self._is_needed():
                    await self.work(stopping)
            except TryAgainError as error:
                log.warning("backfill_put_off", reason=str(error))

    async def _is_needed(self) -> bool:
        """Whether something can be done here; without it no door is opened."""
        if not self.watch.shadows:
            return False
        async with reading(self.engine) as connection:
            return await has_work(connection, self.owned())

    async def work(self, stopping: asyncio.Event) -> None:
        """Fill what is to be filled here now, and end the backfills that nothing is left of.

        Raises:
            TryAgainError: a door was closed or a partition lost; what was committed stays.
        """
        async with AsyncExitStack() as stack:
            session = await stack.enter_async_context(self.store.session())
            reader = await stack.enter_async_context(self.door.opened())
            for cursor in await self._taken_over(session):
                await self._filled(session, reader, cursor, stopping)
            with driver_errors():
                ready = await cursors.counted_out(session.connection)
        for backfill_id in ready:
            await self._settled(backfill_id)

    async def _taken_over(self, session: PostgresSession) -> list[Cursor]:
        begins = await self.door.begins()
        mine = {partition: begins[partition] for partition in self.owned() if partition in begins}
        with driver_errors():
            await cursors.open_cursors(session.connection, mine)
            return await cursors.take_over(session.connection, mine.keys())

    async def _filled(
        self, session: PostgresSession, reader: Log, cursor: Cursor, stopping: asyncio.Event
    ) -> None:
        """Fill the stretch of *cursor*, as far as nothing comes between."""
        try:
            most = min(self.batch_records, max(round(_rate(cursor) or self.batch_records), 1))
            stretch = cursor.partition, cursor.next_offset, cursor.until_offset
            log.info("backfill_begun", backfill=cursor.backfill_id, partition=stretch[0], offset=stretch[1])
            async with aclosing(batches(reader, *stretch, most=most)) as found:
                async for records, to_offset in found:
                    await self.pace.wait(stopping)
                    if stopping.is_set() or cursor.partition not in self.owned():
                        return
                    await self._write(session, cursor, records, to_offset)
                    cursor = replace(cursor, next_offset=to_offset)
                    self.pace.passed(len(records), _rate(cursor))
        except BackfillOverError:
            log.info("backfill_batch_dropped", backfill=cursor.backfill_id, partition=cursor.partition)
        except LogLostError as error:
            await self._given_up(cursor.backfill_id, str(error))

    async def _write(
        self, session: PostgresSession, cursor: Cursor, records: Sequence[Record], to_offset: int
    ) -> None:
        """Count *records* and write what they come to, again if one of them was undone meanwhile.

        So it is when coarser panes were derived.
        """
        while True:
            try:
                filled = await self._written(session, cursor, records, to_offset)
            except (_OvertakenError, MarksMovedError):
                continue
            log.debug(
                "backfill_batch_committed", backfill=cursor.backfill_id, events=filled.counted, to=to_offset
            )
            return

    async def _written(
        self, session: PostgresSession, cursor: Cursor, records: Sequence[Record], to_offset: int
    ) -> Filled:
        stretch = cursor.partition, cursor.next_offset, to_offset
        with driver_errors():
            spans = await cursors.counted_in(session.connection, *stretch)
            undone = await cursors.undone_in(session.connection, *stretch)
        programme = self._programme(cursor.backfill_id)
        filled = await asyncio.to_thread(fill, records, spans, undone, programme, now_us=self.now_us())
        rows = await session.rows(filled.additions)
        async with session.transaction() as writing:
            staged = await writing.stage(rows)
            await cursors.advance(writing.connection, cursor, _step(records, filled, to_offset))
            # The cursor is locked from here on: who undoes an event now waits, and finds it counted.
            if await cursors.undone_in(writing.connection, *stretch) != undone:
                raise _OvertakenError
            await writing.add(staged, shard=shard_of(cursor.partition))
        return filled

    def _programme(self, backfill_id: int) -> Programme:
        """What a backfill fills; it never changes, and it may be gone from the catalogue by now."""
        if backfill_id not in self._programmes:
            mine = [(s.measure_id, s.measure) for s in self.watch.shadows if s.backfill_id == backfill_id]
            if not mine:
                raise BackfillOverError
            self._programmes[backfill_id] = Programme.counting(self.watch.catalogue.revision, mine)
        return self._programmes[backfill_id]

    async def _given_up(self, backfill_id: int, reason: str) -> None:
        async with transaction(self.engine) as connection:
            await give_up(connection, backfill_id, reason, utc_now())
        log.error("backfill_failed", backfill=backfill_id, reason=reason)

    async def _settled(self, backfill_id: int) -> None:
        async with transaction(self.engine) as connection:
            state = await settle(connection, backfill_id, utc_now())
        log.info("backfill_settled", backfill=backfill_id, state=state)


def _rate(cursor: Cursor) -> float | None:
    """The share of the rate that one partition may take, so that all together keep to it."""
    return None if cursor.rate_limit is None else cursor.rate_limit / cursor.partitions


def _step(records: Sequence[Record], filled: Filled, to_offset: int) -> Step:
    first_at = as_datetime(records[0].timestamp * 1000) if records else None
    return Step(to_offset, filled.counted, filled.unfit, first_at)
