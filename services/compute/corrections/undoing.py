"""Settling retractions: one transaction takes their events back, and their state changes once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import asyncpg

from services.compute.corrections.finding import Found
from services.compute.corrections.taking import Counted, Losses
from shared.domain.errors import TryAgainError
from shared.storage import pane_marks, pane_repairs, positions, retractions
from shared.storage.coverage import hold_catalogue, hold_coverage
from shared.storage.engine import driver_errors
from shared.storage.retractions import Sought


class SettledBeforeError(TryAgainError):
    """Another process has settled one of the retractions; nothing was undone, look again what is sought."""


class CatalogueMovedError(TryAgainError):
    """The definitions have changed since they were read; nothing was undone until they are read again."""


@dataclass(frozen=True, slots=True)
class Settlement:
    """What one transaction settles for a partition, all of it or nothing.

    Attributes:
        epoch: of the owner, who alone settles.
        found: retractions with their events; not many, for the partition waits meanwhile.
        ahead: retractions whose event is nowhere before them.
    """

    partition: int
    epoch: int
    found: Sequence[Found]
    ahead: Sequence[Sought] = ()

    @property
    def undone(self) -> Mapping[bytes, int | None]:
        """The offset of the event by the key of each retraction; None where there is none."""
        found: dict[bytes, int | None] = {one.sought.key: one.offset for one in self.found}
        return found | dict.fromkeys(one.key for one in self.ahead)


async def settle(
    connection: asyncpg.Connection, settlement: Settlement, counted: Counted, *, now_us: int
) -> Mapping[int, set[str]]:
    """Take the events of *settlement* back; by measure, the series that lost something.

    Args:
        connection: outside a transaction.
        settlement: what is to be undone.
        counted: the measures by the newest catalogue.
        now_us: the wall clock, not behind the one the events were counted by.

    Raises:
        FencedError: the partition has another owner.
        SettledBeforeError, CatalogueMovedError, StaleMarksError: nothing was done; read again, do it again.
        StoreUnavailableError: it may or may not have been done; read again what is sought.
    """
    with driver_errors():
        async with connection.transaction():
            await positions.hold(connection, settlement.partition, epoch=settlement.epoch)
            losses = Losses(await pane_marks.load_fresh(connection, now_us=now_us))
            if await hold_catalogue(connection) != counted.revision:
                raise CatalogueMovedError("the definitions have changed")
            await _change_states(connection, settlement)
            coverage = await hold_coverage(connection, settlement.partition, counted.measures)
            for number in counted.measures:
                events = [one.event for one in settlement.found if coverage.counts(number, one.offset)]
                await losses.gather(connection, number, events, counted, now_us=now_us)
            hanging = await losses.write(connection, shard=settlement.partition)
            since = min((one.sought.retracted_at for one in settlement.found), default=None)
            if since is not None:
                await pane_repairs.mark(connection, hanging, since=since)
    return losses.touched


async def _change_states(connection: asyncpg.Connection, settlement: Settlement) -> None:
    undone = settlement.undone
    if await retractions.settle(connection, settlement.partition, undone) != undone.keys():
        raise SettledBeforeError(f"some retractions of partition {settlement.partition} were settled before")
