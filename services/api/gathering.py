"""Questions about the present that come at the same time, answered together; it knows no database."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from shared.domain.definitions import Catalogue
from shared.domain.errors import TryAgainError
from shared.domain.readings import Reading
from shared.storage.readings import Ask

Evaluate = Callable[[Catalogue, Sequence[Ask], datetime], Awaitable[list[Reading]]]
"""The readings of asks, in their order and from one snapshot, as seen at an instant."""

AT_ONCE = 2
"""Rounds under way: while Postgres works on one, the next is put together."""

MOST = 200
"""Asks of one round. A hundred take little longer than one, whose cost are the round trips (measured)."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A question, and where its answer goes."""

    catalogue: Catalogue
    asks: Sequence[Ask]
    now: datetime
    answer: asyncio.Future[list[Reading]] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )


class Gathering:
    """Puts what waits into one round; with nobody else there, a question is asked at once.

    Every answer is of a snapshot that was taken after its question came, so that nobody reads less than what
    he has seen written. The questions of a round are about the newest of their instants, some milliseconds
    later than the oldest.
    """

    def __init__(self, evaluate: Evaluate) -> None:
        self._evaluate = evaluate
        self._waiting: list[_Waiting] = []
        self._rounds: set[asyncio.Task[None]] = set()

    async def evaluate(self, catalogue: Catalogue, asks: Sequence[Ask], *, now: datetime) -> list[Reading]:
        """The readings of *asks*, which are all about *now*, in their order and from one snapshot.

        Raises:
            StoreUnavailableError: the database did not answer the round.
        """
        waiting = _Waiting(catalogue, asks, now)
        self._waiting.append(waiting)
        self._begin()
        return await waiting.answer

    def _begin(self) -> None:
        while self._waiting and len(self._rounds) < AT_ONCE:
            task = asyncio.create_task(self._round(self._taken()), name="gathered_round")
            self._rounds.add(task)
            task.add_done_callback(self._ended)

    def _taken(self) -> list[_Waiting]:
        """Those that have waited longest, of one catalogue, as many as make one round."""
        revision, count = self._waiting[0].catalogue.revision, 0
        taken, left = list[_Waiting](), list[_Waiting]()
        for waiting in self._waiting:
            fits = not taken or count + len(waiting.asks) <= MOST
            if fits and waiting.catalogue.revision == revision:
                taken.append(waiting)
                count += len(waiting.asks)
            else:
                left.append(waiting)
        self._waiting = left
        return taken

    async def _round(self, taken: Sequence[_Waiting]) -> None:
        now = max(waiting.now for waiting in taken)
        asked = dict.fromkeys(replace(ask, at=now) for waiting in taken for ask in waiting.asks)
        try:
            readings = await self._evaluate(taken[0].catalogue, list(asked), now)
        except Exception as error:  # noqa: BLE001 - whatever it is, each who waits has to be told
            await self._failed(taken, error)
            return
        found = dict(zip(asked, readings, strict=True))
        for waiting in taken:
            if not waiting.answer.done():
                waiting.answer.set_result([found[replace(ask, at=now)] for ask in waiting.asks])

    async def _failed(self, taken: Sequence[_Waiting], error: Exception) -> None:
        """Tell *error* to those it belongs to: a question that cannot be answered spoils no other."""
        if len(taken) > 1 and not isinstance(error, TryAgainError):
            for waiting in taken:
                await self._round([waiting])
            return
        for waiting in taken:
            if not waiting.answer.done():
                waiting.answer.set_exception(error)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._rounds.discard(task)
        self._begin()
