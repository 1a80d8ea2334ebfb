"""Reading stretches of a topic again, each between two offsets of one partition, as a member of no group."""

import asyncio
import contextlib
from bisect import bisect_left
from collections.abc import AsyncIterator
from operator import attrgetter
from typing import Any

from aiokafka import TopicPartition as ClientPartition
from aiokafka.errors import OffsetOutOfRangeError

from shared.domain.errors import BrokerUnavailableError, LogLostError
from shared.messaging.failures import broker_call
from shared.messaging.loose import loose_consumer
from shared.messaging.records import Record

FETCH_DEADLINE_S = 20.0
"""How long the next records may take that are known to be there."""

FETCH_BYTES = 4 * 1024 * 1024
"""What is read ahead: about 10,000 events, so that asking for them costs little of each."""

BATCH_RECORDS = 5000
"""The most records handed out at once: making them of the bytes holds up the loop for about 10 ms."""

_POLL_MS = 500

_END_WAIT_MS = 10
"""How long the broker waits at the end of the log: the connection answers nothing else in the meantime."""


class RangeReader:
    """One connection that reads one stretch after the other; used by one task."""

    def __init__(self, client: Any, topic: str, *, deadline_s: float) -> None:
        self._client = client
        self._topic = topic
        self._deadline_s = deadline_s
        self._turn = 0

    async def read(self, partition: int, first_offset: int, until_offset: int) -> AsyncIterator[list[Record]]:
        """The records of [*first_offset*, *until_offset*) that the partition holds, in batches, in order.

        The next batch is fetched while the caller looks at this one. Gaps between offsets are no matter.
        Only the newest read of a reader may be continued; one that is left before its end costs nothing.

        Raises:
            LogLostError: the log holds these offsets no more, or no longer reaches so far.
            BrokerUnavailableError: Kafka did not answer; read again from where this ended.
        """
        if first_offset >= until_offset:
            return
        self._turn += 1
        turn, at, reached = self._turn, ClientPartition(self._topic, partition), first_offset
        self._client.assign([at])
        self._client.seek(at, first_offset)
        while reached < until_offset:
            if turn != self._turn:
                raise RuntimeError("the reader has begun another read; this one cannot go on")
            records, reached = await self._next(at, reached, until_offset)
            if reached >= until_offset:
                self._client.pause(at)
            if records and records[-1].offset >= until_offset:
                del records[bisect_left(records, until_offset, key=attrgetter("offset")) :]
            if records:
                yield records
            # Records in hand are given out without a wait, during which nothing else would run.
            await asyncio.sleep(0)

    async def _next(self, at: ClientPartition, reached: int, until_offset: int) -> tuple[list[Record], int]:
        """The next records, maybe none, and the offset behind them and what no caller is shown."""
        try:
            async with broker_call(f"reading {at.topic} from offset {reached}", deadline_s=self._deadline_s):
                return await self._moved(at, reached)
        except BrokerUnavailableError as error:
            end = self._client.highwater(at)
            too_short = end is not None and end < until_offset
            if too_short or isinstance(error.__cause__, OffsetOutOfRangeError):
                raise LogLostError(at.partition, reached, until_offset) from error
            raise

    async def _moved(self, at: ClientPartition, reached: int) -> tuple[list[Record], int]:
        while True:
            found = await self._client.getmany(at, timeout_ms=_POLL_MS, max_records=BATCH_RECORDS)
            # The end of a transaction takes an offset and is no record: the position alone tells of it.
            position = await self._client.position(at)
            if position > reached:
                return found.get(at, []), position


@contextlib.asynccontextmanager
async def open_ranges(
    bootstrap_servers: str, topic: str, *, deadline_s: float = FETCH_DEADLINE_S
) -> AsyncIterator[RangeReader]:
    """A reader of stretches of *topic*, connected until the block ends.

    Args:
        bootstrap_servers: where Kafka is.
        topic: what is read.
        deadline_s: how long the next records may take.

    Raises:
        BrokerUnavailableError: Kafka did not answer.
    """
    async with loose_consumer(
        bootstrap_servers,
        auto_offset_reset="none",
        fetch_max_wait_ms=_END_WAIT_MS,
        max_partition_fetch_bytes=FETCH_BYTES,
        fetch_max_bytes=FETCH_BYTES,
    ) as client:
        yield RangeReader(client, topic, deadline_s=deadline_s)
