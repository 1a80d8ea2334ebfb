"""The history of alerts is kept for as long as the operator says; several instances may sweep at once."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from services.api.alerting.metrics import AlertMetrics
from shared.domain.errors import StoreUnavailableError
from shared.runtime.lifecycle import pause
from shared.storage.alert_history import TIERS, forget
from shared.storage.engine import transaction

log = structlog.get_logger(__name__)

SWEEP_S = 600.0
"""How often is swept: a history of days ends a few minutes late."""

AT_MOST = 5000
"""Rows of one statement: about 50 ms, in which nobody waits for the rows of others."""


@dataclass(frozen=True, slots=True)
class Forgetting:
    """Deletes what is older than *kept*."""

    engine: AsyncEngine
    kept: timedelta
    metrics: AlertMetrics

    async def run(self, stopping: asyncio.Event) -> None:
        """Sweep again and again until *stopping* is set."""
        while not await pause(stopping, SWEEP_S):
            try:
                await self.sweep()
            except StoreUnavailableError as error:
                log.warning("alert_history_put_off", reason=str(error))

    async def sweep(self) -> None:
        """Delete everything that is past its time, a part at a time.

        Raises:
            StoreUnavailableError: Postgres did not do it; the next sweep does.
        """
        for tier in TIERS:
            deleted = AT_MOST
            while deleted == AT_MOST:
                async with transaction(self.engine) as connection:
                    deleted = await forget(connection, tier, kept=self.kept, at_most=AT_MOST)
                self.metrics.forgotten.labels(tier).inc(deleted)
