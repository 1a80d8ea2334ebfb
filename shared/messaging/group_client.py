"""The client of a group's member: settings that no caller chooses, and an end that comes in time."""

import asyncio
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer

from shared.messaging.connections import cut_connections
from shared.messaging.unpacking import unpack_by_batches

log = structlog.get_logger(__name__)

CLOSE_DEADLINE_S = 5.0
"""Leaving the group politely takes one answer; a broker that is gone gives none."""


def group_client(
    bootstrap_servers: str, *, session_timeout_ms: int, partition_fetch_bytes: int, **options: Any
) -> Any:
    """The client with everything that no caller chooses; offsets are committed by hand only."""
    unpack_by_batches()
    return AIOKafkaConsumer(
        bootstrap_servers=bootstrap_servers,
        enable_auto_commit=False,
        isolation_level="read_committed",
        session_timeout_ms=session_timeout_ms,
        heartbeat_interval_ms=min(1000, session_timeout_ms // 3),
        rebalance_timeout_ms=60_000,
        max_poll_interval_ms=300_000,
        metadata_max_age_ms=30_000,
        request_timeout_ms=20_000,
        max_partition_fetch_bytes=partition_fetch_bytes,
        fetch_max_bytes=16 * partition_fetch_bytes,
        **options,
    )


async def close_client(client: Any) -> None:
    """Leave the group by itself for a few seconds, then with the connections cut; never raises."""
    stopping = asyncio.create_task(client.stop(), name="consumer-stop")
    _, pending = await asyncio.wait({stopping}, timeout=CLOSE_DEADLINE_S)
    stopping.cancel()
    outcome = (await asyncio.gather(stopping, return_exceptions=True))[0]
    if pending or isinstance(outcome, Exception):
        log.warning("consumer_close_failed", error=repr(outcome))
        await cut_connections(client._client)  # noqa: SLF001 - stop has not come so far, and nothing else does
