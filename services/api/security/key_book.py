"""Keys and the audit log for the routes that administer them, a transaction for each request."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncEngine

from shared.domain.access.keys import Key, Wish
from shared.domain.audits import Head, Recorded
from shared.storage import audit as stored_audit
from shared.storage import keys as stored_keys
from shared.storage.audit import Filters
from shared.storage.engine import reading, transaction
from shared.storage.keys import Made


@dataclass(frozen=True, slots=True)
class KeyBook:
    """What the routes ask of storage. Every method may raise StoreUnavailableError."""

    engine: AsyncEngine
    clock: Callable[[], datetime]

    async def make(self, wish: Wish, *, by: str, request: str | None) -> Made:
        """The key that was wished for; of a repeated *request*, the one it made first.

        Raises:
            ReusedKeyError: the request made another key.
        """
        async with transaction(self.engine) as connection:
            return await stored_keys.make(connection, wish, by=by, now=self.clock(), request=request)

    async def rotate(self, key_id: str, *, overlap: timedelta, by: str) -> Made:
        """The key with a new secret.

        Raises:
            UnknownKeyError, DeadKeyError, InvalidKeyError: there is none to rotate, or not like this.
        """
        async with transaction(self.engine) as connection:
            return await stored_keys.rotate(connection, key_id, overlap=overlap, by=by, now=self.clock())

    async def revoke(self, key_id: str, *, by: str) -> Key:
        """The key, at its end.

        Raises:
            UnknownKeyError: there is none.
        """
        async with transaction(self.engine) as connection:
            return await stored_keys.revoke(connection, key_id, by=by, now=self.clock())

    async def key(self, key_id: str) -> Key:
        """One key.

        Raises:
            UnknownKeyError: there is none.
        """
        async with reading(self.engine) as connection:
            return await stored_keys.key_of(connection, key_id)

    async def keys(self, *, after: tuple[datetime, str] | None, limit: int) -> Sequence[Key]:
        """At most *limit* keys, in the order they were made."""
        async with reading(self.engine) as connection:
            return await stored_keys.keys(connection, after=after, limit=limit)

    async def audit(
        self, wanted: Filters, *, before: int | None, limit: int
    ) -> tuple[Sequence[Recorded], Head]:
        """At most *limit* entries of the audit log, the newest first, and its head."""
        async with reading(self.engine) as connection:
            found = await stored_audit.entries(connection, wanted, before=before, limit=limit)
            return found, await stored_audit.head(connection)
