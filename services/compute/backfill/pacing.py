"""When the next batch may be counted: not faster than asked, and not while live counting is behind."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from shared.runtime.clock import monotonic_s
from shared.runtime.lifecycle import pause

REST_S = 0.25
"""How long filling rests before it looks again whether live counting has caught up."""


@dataclass(slots=True)
class Pace:
    """Keeps filling at its rate and out of the way.

    Attributes:
        is_behind: whether more waits to be counted live than one flush takes.
        now_s: the clock.
    """

    is_behind: Callable[[], bool]
    now_s: Callable[[], float] = monotonic_s
    _due_s: float = 0.0

    async def wait(self, stopping: asyncio.Event) -> None:
        """Wait until the next batch may be counted, or *stopping* is set."""
        while not stopping.is_set() and (left_s := self.left_s()) > 0:
            await pause(stopping, left_s)

    def left_s(self) -> float:
        """Seconds until the next batch; 0 or less when it may begin."""
        left_s = self._due_s - self.now_s()
        return max(left_s, REST_S) if self.is_behind() else left_s

    def passed(self, records: int, rate: float | None) -> None:
        """Note that *records* were counted, of which *rate* a second are allowed; None allows any number."""
        if rate is not None:
            self._due_s = max(self._due_s, self.now_s()) + records / rate
