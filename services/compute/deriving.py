"""The job that makes coarser panes of finer ones when they are over, a part of the series at a time."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import asyncpg
import structlog

from services.compute.metrics import Metrics
from shared.domain.errors import TryAgainError
from shared.runtime.clock import epoch_us, monotonic_s
from shared.runtime.lifecycle import pause
from shared.storage import pane_marks
from shared.storage.engine import close, connect, driver_errors

log = structlog.get_logger(__name__)

LOOK_S = 20.0
"""How often it is looked what is due: the finest panes of so long are read one by one at worst."""

REST = 4.0
"""A step is followed by a rest this many times as long: counting waits for a fifth of the time at most."""


@dataclass(slots=True)
class Deriver:
    """Moves the marks on; several processes may do so at once, each then finds less to do.

    Attributes:
        database_url: the store, with a connection of its own.
        now_us: the wall clock in microseconds.
    """

    database_url: str
    metrics: Metrics
    now_us: Callable[[], int] = epoch_us

    async def run(self, stopping: asyncio.Event) -> None:
        """Derive until *stopping* is set."""
        while not await pause(stopping, LOOK_S):
            try:
                await self.derive(stopping)
            except TryAgainError as error:
                log.warning("panes_not_derived", reason=str(error))

    async def derive(self, stopping: asyncio.Event) -> None:
        """Derive what is due now.

        Raises:
            StoreUnavailableError: Postgres did not do it all; the next look does the rest.
        """
        connection = await connect(self.database_url, application_name="tidemark-compute-deriving")
        try:
            with driver_errors():
                for parts in await pane_marks.due(connection, now_us=self.now_us()):
                    if await pause(stopping, REST * await self._step(connection, parts)):
                        return
        finally:
            await close(connection)

    async def _step(self, connection: asyncpg.Connection, parts: list[int]) -> float:
        """Derive some parts; how long it took in seconds."""
        began_s = monotonic_s()
        async with connection.transaction():
            await pane_marks.derive(connection, parts, now_us=self.now_us())
        took_s = monotonic_s() - began_s
        self.metrics.derive_s.observe(took_s)
        return took_s
