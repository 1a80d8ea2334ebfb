"""Holding a fair share of the shards, as many as there are evaluators to share with; it judges no rule."""

from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncEngine

from shared.domain.alert_changes import SHARDS
from shared.storage import alert_leases
from shared.storage.alert_leases import Lease
from shared.storage.engine import transaction


def fair_share(evaluators: int) -> int:
    """How many shards each of so many may hold, rounded up so that none is left over."""
    return -(-SHARDS // max(evaluators, 1))


class Shards:
    """The shards of one evaluator. What it says may be outdated the next moment: writes are fenced.

    Args:
        engine: the database.
        holder: a name no other process has or has had.
        lasting: how long a lease outlives the last round of its holder.
    """

    def __init__(self, engine: AsyncEngine, *, holder: str, lasting: timedelta) -> None:
        self._engine = engine
        self._holder = holder
        self._lasting = lasting

    async def held(self) -> list[Lease]:
        """The leases after renewing what is held, giving up what is too much and taking what is free.

        Raises:
            StoreUnavailableError: Postgres did not answer.
        """
        async with transaction(self._engine) as conn:
            evaluators = await alert_leases.report_present(conn, self._holder, lasting=self._lasting)
            share = fair_share(evaluators)
            leases = await alert_leases.renew(conn, self._holder, lasting=self._lasting)
            surplus, kept = leases[share:], leases[:share]
            if surplus:
                await alert_leases.release(conn, self._holder, [lease.shard for lease in surplus])
                return kept
            wanted = share - len(kept)
            taken = await alert_leases.take_over(conn, self._holder, at_most=wanted, lasting=self._lasting)
            return kept + taken

    async def leave(self) -> None:
        """Give everything up, so that others need not wait for the leases to run out.

        Raises:
            StoreUnavailableError: Postgres did not answer; the leases run out by themselves.
        """
        async with transaction(self._engine) as conn:
            await alert_leases.depart(conn, self._holder)
