"""The keys in memory: no request waits for the database to prove a key that is in use; it knows no header."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.domain.access.keys import Key
from shared.domain.access.tokens import NO_SECRETS, Token
from shared.domain.errors import TryAgainError
from shared.runtime.clock import monotonic_s, utc_now
from shared.storage import keys as stored_keys
from shared.storage.engine import reading, transaction
from shared.storage.keys import Usable

log = structlog.get_logger(__name__)

REFRESH_EVERY_S = 1.0
"""How often the keys are read again: a revocation is seen after about this long."""

TRUSTED_S = 4.0
"""How old what is in memory may be at most. A revoked key is accepted nowhere 5 s later, whatever happens:
without a database to ask, nobody is let in any more.
"""

LOOK_EVERY_S = 0.25
"""An unknown key makes the keys be read again, and waits until this long after the last time: a key that was
just made is accepted, and trying keys out does not load the database.
"""


class Keyring:
    """The keys that are accepted, as of a moment ago."""

    def __init__(
        self,
        engine: AsyncEngine,
        *,
        clock: Callable[[], datetime] = utc_now,
        now_s: Callable[[], float] = monotonic_s,
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._now_s = now_s
        self._usable: Mapping[str, Usable] = {}
        self._loaded_s = float("-inf")
        self._loading = asyncio.Lock()
        self._used: set[str] = set()

    async def prove(self, token: Token) -> Key | None:
        """The key that *token* proves now; None where it proves none.

        Raises:
            StoreUnavailableError: what is in memory is too old, and the database does not answer.
        """
        await self._at_most_old(TRUSTED_S)
        if token.key_id not in self._usable:
            await self._look_again()
        if not self._accepts(token):
            return None
        self._used.add(token.key_id)
        return self._usable[token.key_id].key

    def still_accepts(self, token: Token) -> bool:
        """Whether *token* proves a key as far as is known in memory, which has to be young; asks nobody."""
        return self._now_s() - self._loaded_s < TRUSTED_S and self._accepts(token)

    def _accepts(self, token: Token) -> bool:
        found, now = self._usable.get(token.key_id), self._clock()
        secrets = NO_SECRETS if found is None else found.secrets
        proves = secrets.accept(token.digest, now=now)
        return proves and found is not None and found.key.is_alive(now)

    async def is_empty(self) -> bool:
        """Whether no key at all is accepted."""
        await self._at_most_old(TRUSTED_S)
        return not self._usable

    async def refresh(self) -> None:
        """Read the keys again and tell the database which were used; without one, try again next time."""
        try:
            await self._at_most_old(REFRESH_EVERY_S / 2)
            await self._tell_used()
        except TryAgainError as error:
            log.warning("keys_not_refreshed", reason=str(error))

    async def _at_most_old(self, age_s: float) -> None:
        asked_s = self._now_s()
        if asked_s - self._loaded_s < age_s:
            return
        async with self._loading:
            # Whoever waited for the lock is served by a look that began after it had asked.
            if self._loaded_s > asked_s - age_s:
                return
            began_s = self._now_s()
            async with reading(self._engine) as connection:
                found = await stored_keys.usable(connection, now=self._clock())
            self._usable = {each.key.key_id: each for each in found}
            self._loaded_s = began_s

    async def _look_again(self) -> None:
        wait_s = self._loaded_s + LOOK_EVERY_S - self._now_s()
        if wait_s > 0:
            await asyncio.sleep(wait_s)
        await self._at_most_old(0.0)

    async def _tell_used(self) -> None:
        used, self._used = self._used, set()
        if used:
            async with transaction(self._engine) as connection:
                await stored_keys.note_use(connection, sorted(used), now=self._clock())
