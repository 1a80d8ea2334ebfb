"""Making panes anew that only the log can tell, while counting goes on; then replacing them as a whole.

The log is read without holding anybody up, until next to nothing has been added since. Then all positions are
held, what has been added is read, and the panes are replaced if no event was undone in the meantime. A crash
at any point leaves the panes and their marks as they were.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import asyncpg
from sqlalchemy.ext.asyncio import AsyncEngine

from services.compute.backfill.reading import Log
from services.compute.corrections.refolding import Refold, interval_us
from services.compute.corrections.taking import Counted
from services.compute.corrections.undoing import CatalogueMovedError
from shared.domain.calendars import Calendar, as_datetime
from shared.domain.errors import TryAgainError
from shared.domain.windows import WRITTEN_US, Rung
from shared.replay.decoding import counted_records
from shared.storage import pane_repairs, panes, positions, series
from shared.storage.coverage import hold_catalogue
from shared.storage.engine import driver_errors, reading
from shared.storage.pane_repairs import Repair
from shared.storage.panes import StagedRows
from shared.storage.replays import KnownUpTo, Stretch, beginnings, counted_offsets, stretches

FEW = 5000
"""Records that may be read while counting waits; a flush of usual size."""

ROUNDS = 5
"""How often what has been added since is read before it is put off: each time takes less than the last."""

WHILE_HELD_S = 2.0
"""How long counting waits for a repair at most; then it is given up and begins anew."""


class UndoneMeanwhileError(TryAgainError):
    """An event was undone while panes were made anew from it: they are to be made once more."""


class TooMuchAddedError(TryAgainError):
    """Events were added to panes faster than they could be read again; they are made anew later."""


@dataclass(slots=True)
class Repairing:
    """One round of repairs, of measures that are known.

    Attributes:
        engine: for looking at what counts, in snapshots.
        connection: for the transaction that replaces the panes.
    """

    engine: AsyncEngine
    connection: asyncpg.Connection
    log: Log
    counted: Counted
    repairs: Sequence[Repair]
    _refold: Refold = field(init=False)
    _offsets: Mapping[int, int] = field(default_factory=dict)
    _read: list[Stretch] = field(default_factory=list)

    async def run(self) -> Mapping[int, set[str]]:
        """Make the panes anew; by measure, the series they are of.

        Raises:
            UndoneMeanwhileError, TooMuchAddedError, CatalogueMovedError: nothing was done; do it again.
            LogLostError: the log does not hold the events of the panes any more.
            TryAgainError: a door was closed; it may or may not have been done.
        """
        self._refold = Refold(self.counted, self.repairs)
        for _ in range(ROUNDS):
            added = await self._added()
            await self._take(added)
            if sum(map(len, added)) <= FEW:
                return await self._replaced()
        raise TooMuchAddedError("events come faster than they are read again")

    async def _replaced(self) -> Mapping[int, set[str]]:
        keys = [repair.key for repair in self.repairs]
        with driver_errors():
            async with self.connection.transaction():
                held = await positions.hold_all(self.connection)
                if await hold_catalogue(self.connection) != self.counted.revision:
                    raise CatalogueMovedError("the definitions have changed")
                async with asyncio.timeout(WHILE_HELD_S):
                    await self._catch_up()
                await pane_repairs.clear(self.connection, keys)
                staged = StagedRows(self._refold.rows(), is_copied=False)
                await panes.add(self.connection, staged, shard=min(held))
        touched: dict[int, set[str]] = {}
        for repair in self.repairs:
            touched.setdefault(repair.measure_id, set()).add(repair.dimensions)
        return touched

    async def _catch_up(self) -> None:
        """Take in what has been added since, while nothing more is."""
        added = await self._added()
        if sum(map(len, added)) > FEW:
            raise TooMuchAddedError("events come faster than they are read again")
        await self._take(added)

    async def _added(self) -> list[Stretch]:
        """What has come to count since it was last asked.

        Raises:
            UndoneMeanwhileError: something that was read before counts no more.
        """
        intervals = [(as_datetime(start), as_datetime(end)) for start, end in self._refold.intervals()]
        async with reading(self.engine) as snapshot:
            offsets = await counted_offsets(snapshot)
            begun = await beginnings(snapshot, self._measure_ids())
            found = await stretches(snapshot, intervals, KnownUpTo(offsets))
        silent = {(one.partition, offset) for one in found for offset in one.silent}
        for one in self._read:
            if {o for p, o in silent if p == one.partition and _is_in(o, one)} != one.silent:
                raise UndoneMeanwhileError("an event of the panes was undone")
        self._refold.beginnings = begun
        before, self._offsets = self._offsets, offsets
        return [cut for one in found if len(cut := _from(one, before.get(one.partition, 0)))]

    def _measure_ids(self) -> set[int]:
        return {repair.measure_id for repair in self.repairs}

    async def _take(self, added: Iterable[Stretch]) -> None:
        """Count the records of *added*."""
        with driver_errors():
            known = {
                number: await series.all_numbers(self.connection, number) for number in self._measure_ids()
            }
        for one in added:
            async for records in self.log.read(one.partition, one.first_offset, one.until_offset):
                await asyncio.to_thread(self._refold.add, one.partition, counted_records(records, one), known)
            self._read.append(one)


def _is_in(offset: int, stretch: Stretch) -> bool:
    return stretch.first_offset <= offset < stretch.until_offset


def _from(stretch: Stretch, first_offset: int) -> Stretch:
    """The part of *stretch* from an offset on."""
    first_offset = min(max(first_offset, stretch.first_offset), stretch.until_offset)
    silent = frozenset(offset for offset in stretch.silent if offset >= first_offset)
    return Stretch(stretch.partition, first_offset, stretch.until_offset, silent)


def outdated(repairs: Iterable[Repair], counted: Counted, *, now_us: int) -> list[Repair]:
    """Those of *repairs* that nobody asks for any more: of measures set aside, or older than is read."""
    return [
        repair
        for repair in repairs
        if repair.measure_id not in counted.measures or _is_past(repair, counted, now_us)
    ]


def _is_past(repair: Repair, counted: Counted, now_us: int) -> bool:
    calendar = Calendar(counted.measures[repair.measure_id].zone)
    return now_us - interval_us(repair, calendar)[1] > WRITTEN_US[Rung(repair.rung)]
