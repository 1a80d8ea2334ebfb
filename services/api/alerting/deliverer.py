"""Delivery of queued notices over one channel, at least once and in order per alert; it judges nothing."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import assert_never

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from services.api.alerting.metrics import AlertMetrics
from services.api.alerting.rounds import go_round
from services.api.channels.outcomes import Channel, Delivered, Failed, Message, Outcome, Refused
from shared.storage.engine import transaction
from shared.storage.outbox import Claimed, abandon, claim_due, mark_delivered, postpone

log = structlog.get_logger(__name__)

AT_ONCE = 8
"""Notices in flight per channel and instance, each of another alert."""

CLAIM = timedelta(seconds=45)
"""How long a notice stays with one deliverer: the longest attempt (20 s, Kafka's) and a slow database."""

POLL_S = 0.5
"""How soon a queued notice is seen; the question costs one look at a nearly empty index."""


class Deliverer:
    """Sends what is due on one channel. Several of them, in any number of processes, share the work.

    Args:
        engine: the database.
        channel: how to send.
        metrics: where it shows what it does.
        lot: a number from 0 to 1 by chance, which spreads the retries.
    """

    def __init__(
        self, engine: AsyncEngine, channel: Channel, *, metrics: AlertMetrics, lot: Callable[[], float]
    ) -> None:
        self._engine = engine
        self._channel = channel
        self._metrics = metrics
        self._lot = lot

    async def run(self, stopping: asyncio.Event) -> None:
        """Deliver until *stopping* is set. What is in flight then comes again when its claim runs out."""
        await go_round(f"alert_delivery_{self._channel.name}", self._round, stopping=stopping)

    async def deliver_due(self) -> int:
        """Try everything that is due once, and return how many notices that was.

        Raises:
            StoreUnavailableError: Postgres did not answer; what was sent may be sent once more.
        """
        async with transaction(self._engine) as conn:
            claimed = await claim_due(conn, self._channel.name, at_most=AT_ONCE, lasting=CLAIM)
        outcomes = await asyncio.gather(*map(self._deliver, claimed), return_exceptions=True)
        for outcome in outcomes:
            if outcome is not None:
                raise outcome
        return len(claimed)

    async def _round(self) -> float:
        return 0.0 if await self.deliver_due() else POLL_S

    async def _deliver(self, claimed: Claimed) -> None:
        message = Message(claimed.notice_id, claimed.alert_id, claimed.payload.encode())
        outcome = await self._channel.send(message)
        if not await self._record(claimed, outcome):
            log.warning("alert_delivery_outlived_its_claim", **self._about(claimed))

    async def _record(self, claimed: Claimed, outcome: Outcome) -> bool:
        match outcome:
            case Delivered():
                return await self._delivered(claimed)
            case Failed(detail=detail, wait=asked):
                wait = self._channel.retries.wait_after(claimed.attempts, spread=self._lot())
                if wait is None:
                    return await self._given_up(claimed, detail)
                return await self._postponed(claimed, detail, max(wait, asked))
            case Refused(detail=detail):
                return await self._given_up(claimed, detail)
            case _:
                assert_never(outcome)

    async def _delivered(self, claimed: Claimed) -> bool:
        self._count("delivered")
        async with transaction(self._engine) as conn:
            is_mine = await mark_delivered(conn, claimed)
        log.info("alert_delivered", **self._about(claimed))
        return is_mine

    async def _postponed(self, claimed: Claimed, detail: str, wait: timedelta) -> bool:
        self._count("failed")
        async with transaction(self._engine) as conn:
            is_mine = await postpone(conn, claimed, wait=wait, error=detail)
        again_in_s = round(wait.total_seconds(), 1)
        log.warning("alert_delivery_failed", error=detail, again_in_s=again_in_s, **self._about(claimed))
        return is_mine

    async def _given_up(self, claimed: Claimed, detail: str) -> bool:
        self._count("abandoned")
        async with transaction(self._engine) as conn:
            is_mine = await abandon(conn, claimed, error=detail)
        log.error("alert_delivery_abandoned", error=detail, **self._about(claimed))
        return is_mine

    def _count(self, outcome: str) -> None:
        self._metrics.deliveries.labels(self._channel.name, outcome).inc()

    def _about(self, claimed: Claimed) -> dict[str, object]:
        return {
            "notice_id": claimed.notice_id,
            "channel": claimed.channel,
            "alert_id": claimed.alert_id,
            "attempts": claimed.attempts,
        }
