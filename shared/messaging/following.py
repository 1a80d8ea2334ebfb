"""Following a topic of one partition, from any offset on, as a member of no group."""

import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import Any

from aiokafka import TopicPartition as ClientPartition

from shared.domain.errors import BrokerUnavailableError
from shared.messaging.admin import partition_counts
from shared.messaging.failures import broker_call
from shared.messaging.loose import loose_consumer
from shared.messaging.records import Record

ANSWER_DEADLINE_S = 20.0
"""How long Kafka may take to answer, beyond the time that new records are waited for."""


class Follower:
    """One connection that hands out what a topic holds, then what comes; used by one task."""

    def __init__(self, client: Any, topic: str) -> None:
        self._client = client
        self._at = ClientPartition(topic, 0)
        self._client.assign([self._at])

    async def end(self) -> int:
        """The offset that the next record will get.

        Raises:
            BrokerUnavailableError: Kafka did not answer.
        """
        async with broker_call(f"asking for the end of {self._at.topic}", deadline_s=ANSWER_DEADLINE_S):
            ends = await self._client.end_offsets([self._at])
        return int(ends[self._at])

    async def position(self) -> int:
        """The offset that is read next.

        Raises:
            BrokerUnavailableError: Kafka did not answer.
        """
        async with broker_call(f"asking for a position in {self._at.topic}", deadline_s=ANSWER_DEADLINE_S):
            return int(await self._client.position(self._at))

    def seek(self, offset: int) -> None:
        """Go on from *offset*; when the topic does not hold it, from the beginning of what it holds."""
        self._client.seek(self._at, offset)

    async def batch(self, *, wait_s: float, max_records: int) -> Sequence[Record]:
        """The next records, as soon as there are some; none after *wait_s*.

        Raises:
            BrokerUnavailableError: Kafka did not answer.
        """
        async with broker_call(f"following {self._at.topic}", deadline_s=wait_s + ANSWER_DEADLINE_S):
            found = await self._client.getmany(
                self._at, timeout_ms=round(wait_s * 1000), max_records=max_records
            )
        records: Sequence[Record] = found.get(self._at, [])
        return records


@contextlib.asynccontextmanager
async def open_follower(bootstrap_servers: str, topic: str) -> AsyncIterator[Follower]:
    """A follower of *topic* from its beginning, connected until the block ends.

    Raises:
        BrokerUnavailableError: Kafka did not answer, or there is no such topic yet.
    """
    # The client itself would ask for a topic that is not there again and again, without a pause.
    if topic not in await partition_counts(bootstrap_servers, [topic]):
        raise BrokerUnavailableError(f"there is no topic {topic} yet")
    async with loose_consumer(bootstrap_servers) as client:
        yield Follower(client, topic)
