"""The job that makes panes anew: of finer panes where these can tell, else of the log."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace

import asyncpg
import structlog

from services.compute.backfill.reading import Log, LogDoor
from services.compute.catalogues import CatalogueWatch
from services.compute.corrections.repairing import Repairing, outdated
from services.compute.corrections.taking import Counted
from services.compute.corrections.uniting import unite, whole_of
from services.compute.metrics import Metrics
from services.compute.touched import Touched
from shared.domain.errors import LogLostError
from shared.storage import pane_repairs
from shared.storage.engine import driver_errors
from shared.storage.pane_repairs import Repair
from shared.storage.pane_sketches import PaneKey

log = structlog.get_logger(__name__)

REPAIRED_AT_ONCE = 200
"""Panes looked at in one round (measured: 3 ms a pane, most of which are put together of finer ones)."""


@dataclass(slots=True)
class Repairer:
    """Makes panes anew that fall to the owner of some partitions.

    Attributes:
        door: how the log is reached.
        epochs: the partitions counted here.
        now_us: the wall clock in microseconds.
    """

    door: LogDoor
    watch: CatalogueWatch
    epochs: Callable[[], Mapping[int, int]]
    touched: Touched
    metrics: Metrics
    now_us: Callable[[], int]
    _lost: set[PaneKey] = field(default_factory=set)

    async def repair_some(self, connection: asyncpg.Connection, stopping: asyncio.Event) -> None:
        """Make panes anew, finer ones first, of which the coarser ones are made.

        A measure that a backfill still fills has its turn when that is done: nobody reads it before.

        Raises:
            TryAgainError: a door was closed, or panes changed under it; what was committed stays.
        """
        counted = Counted.of(self.watch.catalogue.revision, self.watch.numbered())
        filled = {shadow.measure_id for shadow in self.watch.shadows}
        with driver_errors():
            found = await pane_repairs.open_repairs(connection, self.epochs().keys(), most=REPAIRED_AT_ONCE)
            past = outdated(found, counted, now_us=self.now_us())
            await pane_repairs.forget(connection, [repair.key for repair in past])
        left = [one for one in found if one not in past and one.key not in self._lost]
        async with AsyncExitStack() as stack:
            reader: Log | None = None
            for rung in sorted({repair.rung for repair in left}):
                chosen = [one for one in left if one.rung == rung and one.measure_id not in filled]
                united = await self._united(connection, chosen, counted)
                others = [repair for repair in chosen if repair not in united]
                if others and not stopping.is_set():
                    if reader is None:
                        reader = await stack.enter_async_context(self.door.opened())
                    await self._repaired(Repairing(self.watch.engine, connection, reader, counted, others))

    async def _united(
        self, connection: asyncpg.Connection, chosen: Sequence[Repair], counted: Counted
    ) -> Collection[Repair]:
        """Make those of *chosen* anew that finer panes can tell; the others are left to the log."""
        now_us = self.now_us()
        wholes = {repair: whole_of(repair, counted, now_us=now_us) for repair in chosen}
        found = {repair: whole for repair, whole in wholes.items() if whole is not None}
        if not found:
            return ()
        done = await unite(connection, found, counted)
        for repair in done:
            self.touched.add({repair.measure_id: {repair.dimensions}})
        self.metrics.corrections.retractions.labels("repaired").inc(len(done))
        return found

    async def _repaired(self, repairing: Repairing) -> None:
        repairs = repairing.repairs
        try:
            touched = await repairing.run()
        except LogLostError as error:
            # Their values stay marked as of the retraction: what they are nobody can tell any more.
            self._lost.update(repair.key for repair in repairs if len(repairs) == 1)
            log.warning("panes_not_repaired", panes=len(repairs), reason=str(error))
            for one in repairs if len(repairs) > 1 else ():
                await self._repaired(replace(repairing, repairs=[one]))
            return
        self.touched.add(dict(touched))
        self.metrics.corrections.retractions.labels("repaired").inc(len(repairs))
        log.info("panes_repaired", panes=len(repairs), rung=repairs[0].rung)
