"""What each client of the stream has not seen yet; it knows neither the database nor HTTP."""

import asyncio
import contextlib
from collections.abc import Iterable
from dataclasses import dataclass

from services.api.http.selections import Selection

MAX_PENDING = 10_000
"""Series a client may have waiting; one that needs more should ask for fewer KPIs."""

SeriesKey = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Change:
    """One row that a client is to see, already written out.

    Attributes:
        event: what the client's event is called.
    """

    key: SeriesKey
    revision: int
    data: bytes
    event: bytes = b"value"


@dataclass(frozen=True, slots=True)
class Batch:
    """Changes, and the position that a client who has them all is complete up to.

    Attributes:
        is_whole: everything selected is among them, so that whatever else a client holds is gone.
    """

    changes: tuple[Change, ...]
    position: int
    is_whole: bool = False


class Subscription:
    """What one client has not seen yet: the latest change of each series."""

    def __init__(self, selection: Selection) -> None:
        self.selection = selection
        self.farewell: str | None = None
        self._pending: dict[SeriesKey, Change] = {}
        self._position = 0
        self._woken = asyncio.Event()

    def offer(self, changes: Iterable[Change], *, position: int) -> None:
        """Keep *changes* until they are taken, over earlier ones of the same series; never blocks."""
        self._pending.update((change.key, change) for change in changes)
        self._position = position
        if len(self._pending) > MAX_PENDING:
            self.end("too_many_changes")
        elif self._pending:
            self._woken.set()

    @property
    def position(self) -> int:
        """What a client who has taken everything is complete up to; 0 before the first offer."""
        return self._position

    def end(self, reason: str) -> None:
        """Let the client be told goodbye for *reason*; the first reason stays."""
        self.farewell = self.farewell or reason
        self._pending.clear()
        self._woken.set()

    def forget(self, known: Iterable[Change]) -> None:
        """Drop what is not newer than *known*, which the client gets first: a value never goes back."""
        for change in known:
            waiting = self._pending.get(change.key)
            if waiting is not None and waiting.revision <= change.revision:
                del self._pending[change.key]

    def taken(self) -> Batch:
        """What has come since the last time; it is then forgotten."""
        changes, self._pending = tuple(self._pending.values()), {}
        self._woken.clear()
        return Batch(changes, self._position)

    async def wait(self, seconds: float) -> bool:
        """Whether there is something to take or a goodbye to say within *seconds*."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        return self._woken.is_set()
