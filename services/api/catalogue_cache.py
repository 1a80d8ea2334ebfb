"""The catalogue in memory, as new as its revision in the database; it knows neither SQL nor HTTP."""

import asyncio
from collections.abc import Awaitable, Callable

from shared.domain.definitions import Catalogue
from shared.runtime.clock import monotonic_s

CHECK_EVERY_S = 1.0
"""How old a look at the revision may be: a changed definition is served after this long at the latest."""


class CatalogueCache:
    """The definitions in force, loaded again when their revision has moved.

    Args:
        load: the whole catalogue.
        revision: its revision, which is cheap to ask for.
        now_s: a clock that never steps back.
    """

    def __init__(
        self,
        *,
        load: Callable[[], Awaitable[Catalogue]],
        revision: Callable[[], Awaitable[int]],
        now_s: Callable[[], float] = monotonic_s,
    ) -> None:
        self._load = load
        self._revision = revision
        self._now_s = now_s
        self._loaded: Catalogue | None = None
        self._checked_s = float("-inf")
        self._checking = asyncio.Lock()

    async def current(self) -> Catalogue:
        """The catalogue as it was at most a second ago.

        Raises:
            StoreUnavailableError: the database has to be asked and does not answer.
        """
        return await self._at_most_old(CHECK_EVERY_S)

    async def renewed(self) -> Catalogue:
        """The catalogue as it is now: for a reader that has met a KPI it does not know."""
        return await self._at_most_old(0.0)

    async def _at_most_old(self, age_s: float) -> Catalogue:
        asked_s = self._now_s()
        if self._loaded is not None and asked_s - self._checked_s < age_s:
            return self._loaded
        async with self._checking:
            # Whoever waited for the lock is served by a look that began after it had asked.
            if self._loaded is not None and self._checked_s > asked_s - age_s:
                return self._loaded
            began_s = self._now_s()
            if self._loaded is None or await self._revision() != self._loaded.revision:
                self._loaded = await self._load()
            self._checked_s = began_s
            return self._loaded
