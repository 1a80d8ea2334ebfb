"""A consumer that is a member of no group, opened and closed without the client's traps."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

from aiokafka import AIOKafkaConsumer

from shared.messaging.failures import broker_call

START_DEADLINE_S = 20.0
"""How long a first answer may take."""


@contextlib.asynccontextmanager
async def loose_consumer(
    bootstrap_servers: str, *, auto_offset_reset: str = "earliest", **options: Any
) -> AsyncIterator[Any]:
    """The client's own consumer, connected, with nothing assigned; *options* are the client's.

    Raises:
        BrokerUnavailableError: Kafka did not answer.
    """
    client = AIOKafkaConsumer(
        bootstrap_servers=bootstrap_servers,
        client_id="tidemark-reader",
        enable_auto_commit=False,
        auto_offset_reset=auto_offset_reset,
        isolation_level="read_committed",
        **options,
    )
    try:
        async with broker_call("connecting", deadline_s=START_DEADLINE_S):
            await client.start()
        # A task of the client that has not begun when it is stopped would cancel us with itself.
        await asyncio.sleep(0)
        yield client
    finally:
        # Nor one that the last call has made: stopped before it began, it would cancel us, too.
        await asyncio.sleep(0)
        await client.stop()
