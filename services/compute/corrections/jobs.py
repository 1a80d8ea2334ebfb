"""The jobs that correct: undo what lies where it is remembered, search for the rest, make panes anew."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial

import asyncpg
import structlog

from services.compute.backfill.reading import Log, LogDoor
from services.compute.catalogues import CatalogueWatch
from services.compute.corrections.finding import Found, anywhere, near
from services.compute.corrections.repairers import Repairer
from services.compute.corrections.taking import Counted
from services.compute.corrections.undoing import Settlement, settle
from services.compute.metrics import Metrics
from services.compute.touched import Touched
from shared.domain.errors import LogLostError, TryAgainError
from shared.runtime.clock import epoch_us, monotonic_s
from shared.runtime.lifecycle import pause
from shared.storage import pane_repairs, retractions
from shared.storage.engine import close, connect, driver_errors
from shared.storage.retractions import Sought

log = structlog.get_logger(__name__)

Job = Callable[[asyncio.Event], Awaitable[None]]
"""Works until the event is set."""

LOOK_S = 0.5
"""How often it is looked whether an event is to be undone: so long a value may be behind its retraction."""

SOUGHT_AT_ONCE = 1000
"""Retractions looked up in one round."""

UNDONE_AT_ONCE = 100
"""Events undone by one transaction: their partition is not counted meanwhile, for 1.7 ms an event (measured
with eight measures on a machine that others kept busy, 0.4 ms of it this process's own work).
"""

SEARCH_SHARE = 0.5
"""The share of its time that looking through the log may take: counting needs the processor, too."""


@dataclass(slots=True)
class Corrector:
    """Undoes what is retracted in the partitions that this process owns.

    Attributes:
        database_url: the store; every job has a connection of its own.
        door: how the log is reached.
        epochs: the partitions counted here and the epochs they are owned by.
        now_us: the wall clock in microseconds.
    """

    database_url: str
    door: LogDoor
    watch: CatalogueWatch
    epochs: Callable[[], Mapping[int, int]]
    touched: Touched
    metrics: Metrics
    now_us: Callable[[], int] = epoch_us
    repairer: Repairer = field(init=False)

    def __post_init__(self) -> None:
        self.repairer = Repairer(self.door, self.watch, self.epochs, self.touched, self.metrics, self.now_us)

    def jobs(self) -> dict[str, Job]:
        """By name: undoing, searching, which may take long, and repairing; each until it is told to stop."""
        work = {"undo": self.undo_near, "search": self.undo_anywhere, "repair": self.repairer.repair_some}
        return {name: partial(self._repeat, one) for name, one in work.items()}

    async def _repeat(
        self, work: Callable[[asyncpg.Connection, asyncio.Event], Awaitable[None]], stopping: asyncio.Event
    ) -> None:
        """Do *work* again and again; a failure ends the connection, not the job."""
        while not await pause(stopping, LOOK_S):
            try:
                async with self._connected() as connection:
                    while not await pause(stopping, LOOK_S):
                        await work(connection, stopping)
            except TryAgainError as error:
                log.warning("corrections_put_off", reason=str(error))

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[asyncpg.Connection]:
        connection = await connect(self.database_url, application_name="tidemark-compute-corrections")
        try:
            yield connection
        finally:
            await close(connection)

    async def undo_near(self, connection: asyncpg.Connection, stopping: asyncio.Event) -> None:
        """Undo the events that lie where they are remembered; what does not is left to `undo_anywhere`.

        Raises:
            TryAgainError: a door was closed, or somebody else was at it; what was committed stays.
        """
        sought = await self._sought(connection, is_placed=True)
        await self._observe(connection)
        if not sought:
            return
        async with self.door.opened() as reader:
            for partition, mine in sought.items():
                with driver_errors():
                    found = await near(connection, reader, mine)
                await self._settled(connection, partition, found)
                there = {one.sought.key for one in found}
                with driver_errors():
                    await retractions.lose(connection, partition, [s.key for s in mine if s.key not in there])
                if stopping.is_set():
                    return

    async def undo_anywhere(self, connection: asyncpg.Connection, stopping: asyncio.Event) -> None:
        """Look through the log for events that nobody remembers; what is not there may still come.

        Raises:
            TryAgainError: as `undo_near`.
        """
        sought = await self._sought(connection, is_placed=False)
        if not sought:
            return
        async with AsyncExitStack() as stack:
            reader = await stack.enter_async_context(self.door.opened())
            begins = await self.door.begins()
            for partition, mine in sought.items():
                await self._searched(connection, reader, mine, begin=begins[partition], stopping=stopping)

    async def _searched(
        self, connection: asyncpg.Connection, reader: Log, sought: Sequence[Sought], *, begin: int,
        stopping: asyncio.Event,
    ) -> None:  # fmt: skip
        partition = sought[0].partition
        try:
            with driver_errors():
                found = await anywhere(connection, reader, sought, begin=begin, rest=_Rests(stopping))
        except (LogLostError, _StoppedError) as error:
            log.info("search_put_off", partition=partition, reason=str(error))
            return
        there = {one.sought.key for one in found}
        await self._settled(connection, partition, found, [s for s in sought if s.key not in there])

    async def _sought(
        self, connection: asyncpg.Connection, *, is_placed: bool
    ) -> Mapping[int, Sequence[Sought]]:
        """What is to be undone here, by partition."""
        by_partition: dict[int, list[Sought]] = defaultdict(list)
        with driver_errors():
            found = await retractions.sought(
                connection, self.epochs().keys(), is_placed=is_placed, most=SOUGHT_AT_ONCE
            )
        for one in found:
            by_partition[one.partition].append(one)
        return by_partition

    async def _settled(
        self,
        connection: asyncpg.Connection,
        partition: int,
        found: Sequence[Found],
        ahead: Sequence[Sought] = (),
    ) -> None:
        """Undo *found* some at a time, and note that there is nothing to undo for *ahead*."""
        epoch = self.epochs().get(partition)
        if epoch is None or not (found or ahead):
            return
        counted = Counted.of(self.watch.catalogue.revision, self.watch.numbered())
        for start in range(0, max(len(found), 1), UNDONE_AT_ONCE):
            part = Settlement(
                partition, epoch, found[start : start + UNDONE_AT_ONCE], ahead if start == 0 else ()
            )
            self.touched.add(dict(await settle(connection, part, counted, now_us=self.now_us())))
            self.metrics.corrections.retractions.labels("undone").inc(len(part.found))
            self.metrics.corrections.retractions.labels("ahead").inc(len(part.ahead))
            log.info(
                "retractions_settled", partition=partition, undone=len(part.found), ahead=len(part.ahead)
            )

    async def _observe(self, connection: asyncpg.Connection) -> None:
        with driver_errors():
            self.metrics.corrections.sought.set(await retractions.count_sought(connection))
            self.metrics.corrections.repairs_open.set(await pane_repairs.count(connection))


class _StoppedError(Exception):
    """The process is told to stop: the search is not finished and begins anew elsewhere."""


class _Rests:
    """Rests as long as the reading took, so that a search leaves half of the time to others."""

    def __init__(self, stopping: asyncio.Event) -> None:
        self._stopping = stopping
        self._since_s = monotonic_s()

    async def __call__(self) -> None:
        took_s = monotonic_s() - self._since_s
        if await pause(self._stopping, took_s * (1 / SEARCH_SHARE - 1)):
            raise _StoppedError("told to stop")
        self._since_s = monotonic_s()
