"""One answer for all who ask the same in one moment; it knows neither question nor answer."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

from shared.runtime.clock import monotonic_s

Answer = TypeVar("Answer")

FRESH_S = 0.25
"""How long after its beginning an answer is given to others without another thought. A screen of a hundred
people then costs four evaluations a second: of a scorecard of 50 KPIs, one evaluation took 11 ms of CPU and a
shared answer 0.45 (measured in process, 2026-11-23).
"""

KEPT_S = 0.75
"""How old the beginning of an answer may be: people do not see it. Between the two an answer is given and a
new one begun behind it, so that of those who ask all the time nobody waits for an evaluation.
"""

MOST = 256
"""How many answers are remembered; of more, those that are still young are worked out more than once."""


@dataclass(slots=True)
class _Flight(Generic[Answer]):
    """An answer, under way or there, and when it was begun."""

    began_s: float
    task: asyncio.Task[Answer]


class SingleFlights(Generic[Answer]):
    """Answers under way, and those of the last moment.

    Args:
        now_s: a clock that never steps back.
    """

    def __init__(self, *, now_s: Callable[[], float] = monotonic_s) -> None:
        self._now_s = now_s
        self._flights: dict[Hashable, _Flight[Answer]] = {}
        self._renewals: dict[Hashable, _Flight[Answer]] = {}

    async def answer(self, key: Hashable, make: Callable[[], Awaitable[Answer]]) -> Answer:
        """What *make* gives, or what it gave for the same *key* if that began in the last moment.

        Who goes away does not end what others wait for. An error is told to all who waited, and not kept.
        """
        self._forget_old()
        found = self._flights.get(key)
        if found is None:
            found = self._renewals.pop(key, None) or self._begun(make)
            self._keep(key, found)
        elif found.task.done() and self._now_s() - found.began_s >= FRESH_S and key not in self._renewals:
            self._renew(key, make)
        return await asyncio.shield(found.task)

    def _begun(self, make: Callable[[], Awaitable[Answer]]) -> _Flight[Answer]:
        return _Flight(self._now_s(), asyncio.create_task(_awaited(make), name="single_flight"))

    def _keep(self, key: Hashable, flight: _Flight[Answer]) -> None:
        if len(self._flights) < MOST:
            self._flights[key] = flight
            flight.task.add_done_callback(lambda done: self._forget_failed(key, done))

    def _renew(self, key: Hashable, make: Callable[[], Awaitable[Answer]]) -> None:
        renewal = self._renewals[key] = self._begun(make)
        renewal.task.add_done_callback(lambda _: self._land(key, renewal))

    def _land(self, key: Hashable, renewal: _Flight[Answer]) -> None:
        """Put what has been worked out anew in the place of the older answer."""
        if self._renewals.get(key) is not renewal:
            return  # somebody waits for it already, under its own beginning
        del self._renewals[key]
        self._flights.pop(key, None)
        # Asking for the error also tells the loop that somebody has seen it.
        if not renewal.task.cancelled() and renewal.task.exception() is None:
            self._keep(key, renewal)

    def _forget_old(self) -> None:
        oldest_s = self._now_s() - KEPT_S
        for key in [key for key, flight in self._flights.items() if flight.began_s <= oldest_s]:
            del self._flights[key]

    def _forget_failed(self, key: Hashable, done: asyncio.Task[Answer]) -> None:
        if done.cancelled() or done.exception() is not None:
            found = self._flights.get(key)
            if found is not None and found.task is done:
                del self._flights[key]


async def _awaited(make: Callable[[], Awaitable[Answer]]) -> Answer:
    return await make()
