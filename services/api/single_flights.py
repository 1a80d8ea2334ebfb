"""One answer for all who ask the same in one moment; it knows neither question nor answer."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

from shared.runtime.clock import monotonic_s

Answer = TypeVar("Answer")

KEPT_S = 0.25
"""How old the beginning of an answer may be: people do not see a quarter of a second, and a screen of a
hundred people then costs four evaluations a second. Of a scorecard of 50 KPIs, one evaluation took 11 ms of
CPU and a shared answer 0.45 (measured in process, 2026-11-23).
"""

MOST = 256
"""How many answers are remembered; of more, those that are still young are worked out more than once."""


class SingleFlights(Generic[Answer]):
    """Answers under way, and those of the last moment.

    Args:
        kept_s: how long after its beginning an answer is given to others, too.
        now_s: a clock that never steps back.
    """

    def __init__(self, *, kept_s: float = KEPT_S, now_s: Callable[[], float] = monotonic_s) -> None:
        self._kept_s = kept_s
        self._now_s = now_s
        self._flights: dict[Hashable, tuple[float, asyncio.Task[Answer]]] = {}

    async def answer(self, key: Hashable, make: Callable[[], Awaitable[Answer]]) -> Answer:
        """What *make* gives, or what it gave for the same *key* if that began in the last moment.

        Who goes away does not end what others wait for. An error is told to all who waited, and not kept.
        """
        self._forget_old()
        found = self._flights.get(key)
        if found is None:
            task = asyncio.create_task(_awaited(make), name="single_flight")
            if len(self._flights) < MOST:
                self._flights[key] = (self._now_s(), task)
                task.add_done_callback(lambda done: self._forget_failed(key, done))
        else:
            task = found[1]
        return await asyncio.shield(task)

    def _forget_old(self) -> None:
        oldest_s = self._now_s() - self._kept_s
        # In the order of their beginnings: dictionaries keep it.
        for key, (began_s, _) in list(self._flights.items()):
            if began_s > oldest_s:
                return
            del self._flights[key]

    def _forget_failed(self, key: Hashable, done: asyncio.Task[Answer]) -> None:
        # Asking for the error also tells the loop that somebody has seen it.
        if done.cancelled() or done.exception() is not None:
            found = self._flights.get(key)
            if found is not None and found[1] is done:
                del self._flights[key]


async def _awaited(make: Callable[[], Awaitable[Answer]]) -> Answer:
    return await make()
