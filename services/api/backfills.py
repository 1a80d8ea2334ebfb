"""Backfills behind the API: looked at and called off, each question on a connection of its own."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncEngine

from shared.domain.access import Limits
from shared.storage.backfill_reports import BackfillReport, backfill_report, backfill_reports
from shared.storage.definition_audits import call_off
from shared.storage.engine import reading, transaction

LIMIT_S = 5.0
"""How long the database may take; a caller who waits longer has usually gone."""


@dataclass(frozen=True, slots=True)
class Backfills:
    """Every method may raise StoreUnavailableError; a backfill is seen by who sees all that it fills."""

    engine: AsyncEngine
    clock: Callable[[], datetime]

    async def newest(self, limits: Limits, *, before: int | None, most: int) -> list[BackfillReport]:
        """At most *most*, the newest first, of numbers below *before*."""
        async with reading(self.engine) as connection, asyncio.timeout(LIMIT_S):
            return await backfill_reports(connection, limits, before=before, most=most)

    async def one(self, backfill_id: int, limits: Limits) -> BackfillReport:
        """The backfill of that number.

        Raises:
            UnknownBackfillError: there is none.
        """
        async with reading(self.engine) as connection, asyncio.timeout(LIMIT_S):
            return await backfill_report(connection, backfill_id, limits)

    async def cancel(self, backfill_id: int, limits: Limits, *, actor: str) -> BackfillReport:
        """Call it off: what is in force stays, and what was counted is deleted.

        Raises:
            UnknownBackfillError, BackfillStateError: there is none, or it is over.
        """
        async with transaction(self.engine) as connection, asyncio.timeout(LIMIT_S):
            await backfill_report(connection, backfill_id, limits)
            await call_off(connection, actor, backfill_id, self.clock())
            return await backfill_report(connection, backfill_id, limits)
