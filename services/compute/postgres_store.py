"""Counting kept in Postgres: each verb is one statement of `shared.storage`."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

import asyncpg
import structlog

from services.compute.batches import Addition
from services.compute.series_index import SeriesIndex
from shared.domain.windows import Marks, are_stale
from shared.runtime.clock import epoch_us
from shared.storage import activations, flushes, pane_marks, panes, positions, retractions
from shared.storage.engine import close, connect, driver_errors
from shared.storage.flushes import Flush, SeenIn
from shared.storage.frozen import end_frozen
from shared.storage.panes import PaneRows, StagedRows
from shared.storage.positions import Move, Position
from shared.storage.retractions import Retraction
from shared.storage.series import SeriesLimits

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class PostgresTransaction:
    """A transaction that is open on *connection*."""

    connection: asyncpg.Connection

    async def stage(self, rows: PaneRows) -> StagedRows:
        """As in `panes.stage`."""
        return await panes.stage(self.connection, rows)

    async def move(self, moves: Sequence[Move]) -> None:
        """As in `positions.move`."""
        await positions.move(self.connection, moves)

    async def record(self, spans: Sequence[Flush]) -> None:
        """As in `flushes.record`."""
        await flushes.record(self.connection, spans)

    async def retract(self, new: Sequence[Retraction]) -> None:
        """As in `retractions.register`."""
        await retractions.register(self.connection, new)

    async def activate(self, measure_ids: Sequence[int], from_offsets: Mapping[int, int]) -> None:
        """As in `activations.activate`."""
        await activations.activate(self.connection, measure_ids, from_offsets)

    async def add(self, staged: StagedRows, *, shard: int) -> None:
        """As in `panes.add`."""
        await panes.add(self.connection, staged, shard=shard)


@dataclass(frozen=True, slots=True)
class PostgresSession:
    """Flushes written by *connection*, with the numbers of the series that were met on it."""

    connection: asyncpg.Connection
    index: SeriesIndex
    now_us: Callable[[], int] = epoch_us

    async def rows(self, additions: Sequence[Addition]) -> PaneRows:
        """The additions as rows; new series are numbered in transactions of their own."""
        with driver_errors():
            return await self.index.rows(self.connection, additions, await self._marks())

    async def _marks(self) -> Marks:
        """The marks, moved on first where nobody has done so for too long."""
        marks = await pane_marks.load(self.connection)
        if are_stale(marks, self.now_us()):
            for parts in await pane_marks.due(self.connection, now_us=self.now_us()):
                async with self.connection.transaction():
                    await pane_marks.derive(self.connection, parts, now_us=self.now_us())
            marks = await pane_marks.load(self.connection)
        return marks

    def counted(self, additions: Sequence[Addition]) -> dict[int, set[str]]:
        """By measure, the series that *additions* were counted into."""
        return self.index.counted(additions)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[PostgresTransaction]:
        """A transaction for the length of a block."""
        with driver_errors():
            async with self.connection.transaction():
                yield PostgresTransaction(self.connection)


@dataclass(frozen=True, slots=True)
class PostgresClaims:
    """Partitions taken over by *connection*."""

    connection: asyncpg.Connection

    async def register(self, partitions: int, *, log_id: str) -> None:
        """As in `positions.register`; whoever is frozen with a lock on them is in nobody's way."""
        with driver_errors():
            if await end_frozen(self.connection):
                log.warning("frozen_session_ended")
            await positions.register(self.connection, partitions, log_id=log_id)

    async def take_over(self, partition: int, *, owner: str, first_offset: int, log_id: str) -> Position:
        """As in `positions.take_over`."""
        with driver_errors():
            return await positions.take_over(
                self.connection, partition, owner=owner, first_offset=first_offset, log_id=log_id
            )

    async def seen(self, partition: int, *, horizon: timedelta, most: int) -> list[SeenIn]:
        """As in `flushes.seen`."""
        with driver_errors():
            return await flushes.seen(self.connection, partition, horizon=horizon, most=most)

    async def retracted(self, partition: int, *, most: int) -> bytes:
        """As in `retractions.retracted`."""
        with driver_errors():
            return await retractions.retracted(self.connection, partition, most=most)


@dataclass(frozen=True, slots=True)
class PostgresStore:
    """Counting in the database at *url*, with no more series than *limits* allow."""

    url: str
    limits: SeriesLimits = field(default_factory=SeriesLimits)
    now_us: Callable[[], int] = epoch_us

    @asynccontextmanager
    async def session(self) -> AsyncIterator[PostgresSession]:
        """A connection to write flushes by."""
        async with AsyncExitStack() as stack:
            connection = await self._connected(stack, "tidemark-compute")
            with driver_errors():
                await panes.prepare(connection)
            yield PostgresSession(connection, SeriesIndex(self.limits), self.now_us)

    @asynccontextmanager
    async def claims(self) -> AsyncIterator[PostgresClaims]:
        """A connection to take a partition over by."""
        async with AsyncExitStack() as stack:
            yield PostgresClaims(await self._connected(stack, "tidemark-compute-takeover"))

    async def _connected(self, stack: AsyncExitStack, application_name: str) -> asyncpg.Connection:
        connection = await connect(self.url, application_name=application_name)
        stack.push_async_callback(close, connection)
        return connection
