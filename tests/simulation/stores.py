"""A counting store in memory: sessions with a network before them, transactions, locks, and lost answers."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from contextvars import Context
from dataclasses import dataclass, field
from typing import Any, TypeVar

from services.compute.batches import Addition
from services.compute.series_index import SeriesIndex
from shared.domain.aggregates import Kind
from shared.domain.arrays import Int64s
from shared.domain.columns import NumberColumns
from shared.domain.errors import StoreUnavailableError
from shared.domain.fold import Deltas
from shared.domain.windows import DERIVED, Marks
from shared.storage.flushes import Flush, SeenIn
from shared.storage.pane_rows import PaneRows
from shared.storage.positions import Move, Position
from shared.storage.retractions import Retraction
from shared.storage.series import SeriesLimits
from tests.simulation.tables import Change, Tables

LOCK_TIMEOUT_S = 3.0
"""As the product sets it for its sessions."""

IDLE_IN_TRANSACTION_S = 15.0
"""After this long without a statement the server ends a session that holds a transaction open."""

_T = TypeVar("_T")


@dataclass(slots=True)
class Server:
    """The database server, which goes on with what it was told whatever becomes of the one who told it.

    Attributes:
        is_down: nobody is answered, and sessions are cut.
        lose_answers: how often, from 0 to 1, the answer of a commit is lost, whether it was done or not.
    """

    whims: random.Random
    tables: Tables = field(default_factory=Tables)
    is_down: bool = False
    lose_answers: float = 0.0
    sessions: list["Session"] = field(default_factory=list)
    world: Context = field(default_factory=Context)

    def spawn(self, work: Coroutine[Any, Any, _T]) -> "asyncio.Task[_T]":
        """Do *work* as the server itself, which no process freezes or kills."""
        task = asyncio.get_running_loop().create_task(work, context=self.world)
        task.add_done_callback(lambda done: done.cancelled() or done.exception())
        return task

    def cut(self) -> None:
        """Cut every session, as a restart does."""
        for session in list(self.sessions):
            session.hang_up()

    async def locked(self, partition: int, holder: object) -> None:
        """Hold the row of *partition* for *holder*, in turn."""
        locks, until_s = self.tables.locks, asyncio.get_running_loop().time() + LOCK_TIMEOUT_S
        while locks.get(partition, holder) is not holder:
            if asyncio.get_running_loop().time() > until_s:
                raise StoreUnavailableError("lock timeout")
            await asyncio.sleep(0.01)
        locks[partition] = holder

    def released(self, holder: object) -> None:
        """Let go of every row that *holder* has locked."""
        for partition in [p for p, by in self.tables.locks.items() if by is holder]:
            del self.tables.locks[partition]


class Session:
    """One connection: statements one after the other, at most one transaction open."""

    def __init__(self, server: Server, process: Any) -> None:
        self.server, self.process = server, process
        self.is_cut = False
        self._running: asyncio.Task[Any] | None = None
        self._asked_s = 0.0

    async def call(self, statement: Callable[[], Coroutine[Any, Any, _T]]) -> _T:
        """Send *statement* and wait for its answer.

        Raises:
            StoreUnavailableError: the connection was lost, before or after the statement was done.
        """
        await self._travel()
        self._running = self.server.spawn(statement())
        self._asked_s = asyncio.get_running_loop().time()
        answer: _T = await asyncio.shield(self._running)
        await self._travel()
        return answer

    async def _travel(self) -> None:
        await asyncio.sleep(self.server.whims.choice((0.0, 0.001, 0.01, 0.03)))
        if self.is_cut or self.server.is_down or self.process.is_dead:
            self.hang_up()
            raise StoreUnavailableError("the connection is lost")

    def hang_up(self) -> None:
        """Cut the connection; the server lets go when the statement in hand is done."""
        if not self.is_cut:
            self.is_cut = True
            self.server.sessions.remove(self)
            self.server.spawn(self._let_go())

    async def _let_go(self) -> None:
        if self._running is not None:
            await asyncio.gather(self._running, return_exceptions=True)
        self.server.released(self)

    def watch_idle(self) -> None:
        """End the session when it has been silent for too long in the transaction that is open."""
        later = asyncio.get_running_loop().call_later
        later(IDLE_IN_TRANSACTION_S, self._end_if_idle, context=self.server.world)

    def _end_if_idle(self) -> None:
        if all(by is not self for by in self.server.tables.locks.values()):
            return
        if asyncio.get_running_loop().time() - self._asked_s >= IDLE_IN_TRANSACTION_S:
            self.hang_up()
        else:
            self.watch_idle()


class Transaction:
    """Changes that are applied when it commits; the rows it has moved stay locked until then."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._changes: list[Change] = []

    async def stage(self, rows: PaneRows) -> Any:
        """The rows, as if they lay on the server."""
        await self._session.call(_nothing)
        return rows

    async def move(self, moves: Sequence[Move]) -> None:
        """Lock, compare, and set when it commits."""

        async def done() -> None:
            for partition in sorted(move.partition for move in moves):
                await self._session.server.locked(partition, self._session)
            self._session.server.tables.compared(moves)

        await self._session.call(done)
        self._session.watch_idle()
        self._changes += [lambda tables, m=move: tables.moved(m) for move in moves]  # type: ignore[misc]

    async def record(self, spans: Sequence[Flush]) -> None:
        """Spans, when it commits."""
        await self._later(*(lambda tables, s=span: tables.recorded(s) for span in spans))

    async def retract(self, new: Sequence[Retraction]) -> None:
        """Retractions, when it commits."""
        await self._later(*(lambda tables, r=one: tables.registered(r) for one in new))

    async def activate(self, measure_ids: Sequence[int], from_offsets: Mapping[int, int]) -> None:
        """Activations, when it commits."""
        offsets = dict(from_offsets)
        await self._later(lambda tables: tables.activated(measure_ids, offsets))

    async def add(self, staged: Any, *, shard: int) -> None:
        """Additions, when it commits."""
        rows = pane_tuples(staged)
        await self._later(lambda tables: tables.added(rows, shard=shard))

    async def _later(self, *changes: Change) -> None:
        await self._session.call(_nothing)
        self._changes += changes

    async def commit(self) -> None:
        """Apply everything at one instant; the answer may be lost, and so may the question."""
        server = self._session.server

        async def done() -> None:
            fate = server.whims.random() / max(server.lose_answers, 1e-9)
            if fate >= 0.5:
                for change in self._changes:
                    change(server.tables)
            server.released(self._session)
            if fate < 1:
                self._session.hang_up()

        await self._session.call(done)


def pane_tuples(rows: PaneRows) -> list[tuple[int, ...]]:
    """(series, rung, start, n, sum, min, max) of each row."""
    numbers = rows.of(Kind.NUMBERS)
    return [] if numbers is None else _tuples(numbers.series_id, numbers.deltas)


def addition_tuples(addition: Addition) -> list[tuple[int, ...]]:
    """The same with the groups of *addition* in place of series."""
    return _tuples(addition.deltas.group, addition.deltas)


def _tuples(keys: Int64s, deltas: Deltas) -> list[tuple[int, ...]]:
    numbers = deltas.columns
    assert isinstance(numbers, NumberColumns)
    columns = (keys, deltas.rung, deltas.start_us, numbers.n, numbers.total, numbers.low, numbers.high)
    return list(zip(*(column.tolist() for column in columns), strict=True))


async def _nothing() -> None:
    pass


AT_ONCE = Marks.alike([2**62] * len(DERIVED))
"""Every rung is written at once: this store derives nothing."""


class MemoryIndex(SeriesIndex):
    """The product's memory of series, with numbers from the tables."""

    def __init__(self, tables: Tables) -> None:
        super().__init__(SeriesLimits())
        self._tables = tables

    async def _learn(self, _: Any, measure_id: int, texts: Iterable[str]) -> None:
        known = self._numbers[measure_id]
        known |= {text: self._tables.number(measure_id, text) for text in texts}


class MemorySession(Session):
    """What flushes are written by."""

    def __init__(self, server: Server, process: Any) -> None:
        super().__init__(server, process)
        self._index = MemoryIndex(server.tables)

    async def rows(self, additions: Sequence[Addition]) -> PaneRows:
        """The additions as rows, series numbered at once."""
        await self.call(_nothing)
        return await self._index.rows(None, additions, AT_ONCE)

    def counted(self, additions: Sequence[Addition]) -> dict[int, set[str]]:
        """By measure, the series counted into."""
        return self._index.counted(additions)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """A transaction; whatever is raised in the block rolls it back."""
        transaction = Transaction(self)
        try:
            yield transaction
        except BaseException:
            self.server.released(self)
            raise
        await transaction.commit()


class MemoryClaims(Session):
    """What partitions are taken over by."""

    async def register(self, partitions: int, **_: Any) -> None:
        """Rows for all partitions."""

        async def done() -> None:
            self.server.tables.register(partitions)

        await self.call(done)

    async def take_over(self, partition: int, *, first_offset: int, log_id: str, **_: Any) -> Position:
        """The epoch raised, in turn with whoever holds the row."""

        async def done() -> Position:
            await self.server.locked(partition, self)
            self.server.released(self)
            return self.server.tables.take_over(partition, first_offset=first_offset, log_id=log_id)

        return await self.call(done)

    async def seen(self, partition: int, **_: Any) -> list[SeenIn]:
        """All ids."""

        async def done() -> list[SeenIn]:
            return self.server.tables.seen(partition)

        return await self.call(done)

    async def retracted(self, partition: int, **_: Any) -> bytes:
        """All keys."""

        async def done() -> bytes:
            return self.server.tables.retracted(partition)

        return await self.call(done)


@dataclass(frozen=True, slots=True)
class MemoryStore:
    """The store as one process reaches it."""

    server: Server
    process: Any

    @asynccontextmanager
    async def session(self) -> AsyncIterator[MemorySession]:
        """A session to write by."""
        async with self._opened(MemorySession(self.server, self.process)) as session:
            yield session

    @asynccontextmanager
    async def claims(self) -> AsyncIterator[MemoryClaims]:
        """A session to take over by."""
        async with self._opened(MemoryClaims(self.server, self.process)) as claims:
            yield claims

    @asynccontextmanager
    async def _opened(self, session: Any) -> AsyncIterator[Any]:
        self.server.sessions.append(session)
        try:
            await session._travel()
            yield session
        finally:
            session.hang_up()
