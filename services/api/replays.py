"""Questions to the past, answered from Postgres and the log; few at a time, and none without a bound."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncEngine

from shared.contracts.topics import EVENTS
from shared.domain.definitions import Catalogue
from shared.domain.readings import Reading
from shared.messaging.failures import broker_call
from shared.messaging.ranges import RangeReader, open_ranges
from shared.replay.explaining import Bounds, Inquiry, Page, Told, explained, scene, told
from shared.replay.known_readings import readings_then, remembered
from shared.replay.listing import Listed, Pinned, listed, sought
from shared.replay.revisions import Revision, revisions, story
from shared.storage.engine import reading
from shared.storage.readings import Ask
from shared.storage.undoings import cancelled

LOG_LIMIT_S = 30.0
"""How long the log may be read for one answer; a caller who waits longer has usually gone."""

AT_ONCE = 2
"""Answers read from the log at the same time: each takes a good part of a core and up to 50 MiB."""


@dataclass(frozen=True, slots=True)
class Replays:
    """Reads the log for the API.

    Attributes:
        disorder: by how much events may overtake each other; as compute has it.
        most_records: how many records one answer may take.
    """

    engine: AsyncEngine
    bootstrap_servers: str
    disorder: timedelta
    most_records: int
    _turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    async def readings(self, catalogue: Catalogue, asks: Sequence[Ask], *, at: datetime) -> list[Reading]:
        """The readings of *asks*, in their order, as they were known *at*.

        Raises:
            ReplayTooLargeError: it would take too many records.
            LogLostError: the log holds some of them no more.
            StoreUnavailableError, BrokerUnavailableError: a door is closed, or it took too long.
        """
        async with self._turns:
            async with reading(self.engine) as connection:
                then = await remembered(connection, catalogue, asks, at=at, most=self.most_records)
            async with self._log() as log:
                return await readings_then(log, then, disorder=self.disorder)

    async def revisions(self, catalogue: Catalogue, ask: Ask) -> list[Revision]:
        """The changes of a value after it had been complete, oldest first.

        Raises:
            ReplayTooLargeError: it would take too many records.
            LogLostError: the log holds some of them no more.
            StoreUnavailableError, BrokerUnavailableError: a door is closed, or it took too long.
        """
        async with self._turns:
            async with reading(self.engine) as connection:
                told = await story(connection, catalogue, ask, disorder=self.disorder, most=self.most_records)
            async with self._log() as log:
                return await revisions(log, told)

    async def explained(self, catalogue: Catalogue, inquiry: Inquiry, page: Page | None) -> Told:
        """A value with its reasons, and the events of *page*; without one, no events are looked for.

        Raises:
            ReplayTooLargeError: it would take too many records.
            LogLostError: the log holds some of them no more.
            StoreUnavailableError, BrokerUnavailableError: a door is closed, or it took too long.
        """
        if page is None and not inquiry.is_past:
            async with reading(self.engine) as connection:
                found = await scene(connection, catalogue, inquiry, self._bounds, is_log_read=False)
            return told(found, found.answers, None)
        async with self._turns:
            async with reading(self.engine) as connection:
                found = await scene(
                    connection, catalogue, inquiry, self._bounds, is_log_read=page is not None
                )
            async with self._log() as log:
                whole = await explained(log, found, page or Page(0), disorder=self.disorder)
            async with reading(self.engine) as connection:
                return replace(whole, cancelled=await cancelled(connection, whole.silent_keys))

    async def events(
        self, catalogue: Catalogue, inquiry: Inquiry, page: Page, pinned: Pinned | None
    ) -> Listed:
        """The events that a value of a KPI of events is made of, as the first page saw them.

        Raises:
            ReplayTooLargeError: it would take too many records.
            EventsMovedError: these are no longer the events that *pinned* tells of.
            LogLostError: the log holds some of them no more.
            StoreUnavailableError, BrokerUnavailableError: a door is closed, or it took too long.
        """
        async with self._turns:
            async with reading(self.engine) as connection:
                search = await sought(connection, catalogue, inquiry, self._bounds, pinned)
            async with self._log() as log:
                return await listed(log, search, page, pinned)

    @property
    def _bounds(self) -> Bounds:
        return Bounds(self.disorder, self.most_records)

    @contextlib.asynccontextmanager
    async def _log(self) -> AsyncIterator[RangeReader]:
        async with (
            broker_call("reading the log again", deadline_s=LOG_LIMIT_S),
            open_ranges(self.bootstrap_servers, EVENTS) as log,
        ):
            yield log
