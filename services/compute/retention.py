"""Forgetting what nobody may ask for any more: old panes and ids, and what is set aside."""

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import timedelta

import asyncpg
import structlog

from shared.domain.errors import StoreUnavailableError
from shared.domain.windows import RETENTION_US, Rung
from shared.runtime.clock import epoch_us
from shared.runtime.lifecycle import pause
from shared.storage import flushes, panes, retractions, set_aside
from shared.storage.backfill_cursors import shard_of
from shared.storage.engine import close, connect, driver_errors

log = structlog.get_logger(__name__)

SWEEP_S = 600.0
"""How often old rows are deleted: the finest rung then holds a tenth more than it has to."""


SPANS_KEPT = timedelta(microseconds=RETENTION_US[Rung.D1])
"""Spans of flushes are kept as long as the oldest panes, which they explain, and so are retractions."""


@dataclass(slots=True)
class Retention:
    """Sweeps the shards of the partitions that this process owns."""

    database_url: str
    horizon: timedelta
    owned: Callable[[], Collection[int]]
    _set_aside: frozenset[int] = frozenset()

    async def run(self, stopping: asyncio.Event) -> None:
        """Sweep again and again until *stopping* is set."""
        while not await pause(stopping, SWEEP_S):
            try:
                await self.sweep(epoch_us())
            except StoreUnavailableError as error:
                log.warning("retention_put_off", reason=str(error))

    async def sweep(self, now_us: int) -> None:
        """Delete what is past its time at *now_us*.

        Raises:
            StoreUnavailableError: Postgres did not do it; the next sweep does.
        """
        connection = await connect(self.database_url, application_name="tidemark-compute-retention")
        try:
            with driver_errors():
                for partition in self.owned():
                    deleted = 0
                    for shard in (partition, shard_of(partition)):
                        deleted += await panes.expire(connection, shard=shard, now_us=now_us)
                    await flushes.forget(connection, partition, horizon=self.horizon, retention=SPANS_KEPT)
                    await retractions.forget(connection, partition, retention=SPANS_KEPT)
                    log.info("retention_swept", partition=partition, panes=deleted)
                await self._delete_set_aside(connection)
        finally:
            await close(connection)

    async def _delete_set_aside(self, connection: asyncpg.Connection) -> None:
        """Delete what measures have counted that the last sweep found set aside: now nobody reads them."""
        found = await set_aside.doomed(connection)
        gone, self._set_aside = found & self._set_aside, found
        deleted = 0
        while gone and (more := await set_aside.delete_some(connection, gone)):
            deleted += more
        if gone:
            log.info("set_aside_deleted", measures=sorted(gone), series=deleted)
