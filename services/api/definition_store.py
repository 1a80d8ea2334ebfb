"""Definitions written and read back: all that belongs to one change is one transaction; blind to HTTP."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared.domain.definitions import Catalogue, Change, Definition, Key, key_of
from shared.storage.backfill_orders import order_changes
from shared.storage.definition_audits import record_backfill, record_changes
from shared.storage.definition_histories import Versions, versions_of
from shared.storage.definitions import apply_changes, load_catalogue, lock_catalogue, retire
from shared.storage.engine import reading, transaction
from shared.storage.idempotency import KeptAnswer, keep_answer, kept_answer

LIMIT_S = 5.0
"""How long the database may take; a caller who waits longer has usually gone."""


class Writing(Protocol):
    """One change, during which nobody else changes a definition; it is undone if the block raises."""

    @property
    def before(self) -> Catalogue:
        """What is in force or a draft before the change."""

    @property
    def now(self) -> datetime:
        """When the change happens."""

    async def put(self, definition: Definition) -> Change:
        """Put *definition* in force, and tell the audit log.

        Raises:
            DefinitionError: the catalogue would not hold together.
        """

    async def tried(self, definition: Definition) -> Change:
        """What `put` would change; nothing has changed afterwards.

        Raises:
            DefinitionError: the catalogue would not hold together.
        """

    async def order(self, definition: Definition) -> int | None:
        """Have what *definition* starts to count filled first; the backfill's number, None without need."""

    async def retire(self, key: Key) -> Change:
        """Take what is under *key* out of force, and tell the audit log.

        Raises:
            UnknownDefinitionError, StillUsedError: there is nothing, or others need it.
        """

    async def newest(self, key: Key) -> Definition | None:
        """The newest version of what has that kind and name, in force or retired; None if there is none."""

    async def kept_answer(self, key: str) -> KeptAnswer | None:
        """What the actor was answered to its request with that key."""

    async def keep_answer(self, key: str, answer: KeptAnswer) -> None:
        """Keep an answer, for when the request comes again."""


class DefinitionStore(Protocol):
    """Where definitions are kept. Every method may raise StoreUnavailableError."""

    def writing(self, actor: str) -> AbstractAsyncContextManager[Writing]:
        """A change that *actor* makes, committed at the end of the block."""

    async def versions(self, key: Key) -> Versions | None:
        """Every version of what has that kind and name; None if there never was one."""


@dataclass(frozen=True, slots=True)
class StoredWriting:
    """A change on an open transaction that holds the catalogue."""

    connection: AsyncConnection
    actor: str
    before: Catalogue
    now: datetime

    async def put(self, definition: Definition) -> Change:
        """Put *definition* in force."""
        (change,) = await apply_changes(self.connection, [definition], self.now)
        await record_changes(self.connection, self.actor, [change])
        return change

    async def tried(self, definition: Definition) -> Change:
        """Put *definition* in force and take it back."""
        attempt = await self.connection.begin_nested()
        (change,) = await apply_changes(self.connection, [definition], self.now)
        await attempt.rollback()
        return change

    async def order(self, definition: Definition) -> int | None:
        """Order a backfill of *definition*."""
        number = await order_changes(self.connection, [definition], self.now)
        if number is not None:
            await record_backfill(self.connection, self.actor, number, [key_of(definition)])
        return number

    async def retire(self, key: Key) -> Change:
        """Retire what is under *key*."""
        change = await retire(self.connection, key, self.now)
        await record_changes(self.connection, self.actor, [change])
        return change

    async def newest(self, key: Key) -> Definition | None:
        """The newest version of what is under *key*."""
        found = await versions_of(self.connection, key)
        return None if found is None else found.newest

    async def kept_answer(self, key: str) -> KeptAnswer | None:
        """What was answered once."""
        return await kept_answer(self.connection, self.actor, key, self.now)

    async def keep_answer(self, key: str, answer: KeptAnswer) -> None:
        """Keep an answer."""
        await keep_answer(self.connection, self.actor, key, answer, self.now)


class StoredDefinitions:
    """Definitions in Postgres."""

    def __init__(self, engine: AsyncEngine, *, clock: Callable[[], datetime]) -> None:
        self._engine = engine
        self._clock = clock

    @contextlib.asynccontextmanager
    async def writing(self, actor: str) -> AsyncIterator[StoredWriting]:
        """A change that *actor* makes."""
        async with transaction(self._engine) as connection, asyncio.timeout(LIMIT_S):
            await lock_catalogue(connection)
            yield StoredWriting(connection, actor, await load_catalogue(connection), self._clock())

    async def versions(self, key: Key) -> Versions | None:
        """Every version of what has that kind and name."""
        async with reading(self._engine) as connection, asyncio.timeout(LIMIT_S):
            return await versions_of(connection, key)
