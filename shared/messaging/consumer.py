"""Reading batches as a member of a group; what a record means and where to start is the caller's."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from typing import Any, Literal

from aiokafka import ConsumerRebalanceListener
from aiokafka import TopicPartition as ClientPartition
from aiokafka.errors import NoOffsetForPartitionError, OffsetOutOfRangeError

from shared.domain.errors import FencedError, ForeignLogError
from shared.messaging.failures import broker_call
from shared.messaging.group_client import close_client, group_client
from shared.messaging.records import Batch, TopicPartition

CALL_DEADLINE_S = 20.0
"""How long one question to Kafka may take."""

REBALANCE_SLACK_S = 0.5
"""The client waits for the end of a rebalance without a limit; a batch waits this much longer than asked."""

_NOWHERE = ClientPartition("", -1)
"""Asking for this partition yields nothing, and tells the client that its owner is alive."""

OnChange = Callable[[set[TopicPartition]], Awaitable[None]]


async def ignore_change(_: set[TopicPartition]) -> None:
    """Nothing to do when partitions come or go."""


class Consumer:
    """A member of a group. Every call, those inside the callbacks apart, comes from one task."""

    def __init__(self, client: Any, *, on_assigned: OnChange, on_revoked: OnChange) -> None:
        self._client = client
        self._on_assigned = on_assigned
        self._on_revoked = on_revoked
        self._settled = False
        self._failure: Exception | None = None
        self._held: dict[TopicPartition, list[Any]] = {}

    async def batch(self, timeout_s: float, max_records: int) -> Batch:
        """The next records of each partition, at most *max_records* in all; empty after *timeout_s*.

        Must be called again and again, with nothing assigned as well: a member whose owner does not ask
        for five minutes loses its place and, with nothing assigned, would never get one again. Hands out
        nothing while an assignment is changing: never before *on_assigned* has returned.

        Raises:
            ForeignLogError: there is no position, or the partition does not hold it any more.
            BrokerUnavailableError: the client has given up; close this consumer and open another.
            Exception: what a callback raised; close this consumer and open another.
        """
        self._raise_failure()
        if self._settled and self._held:
            held, self._held = self._held, {}
            return held
        async with broker_call("reading", deadline_s=timeout_s + CALL_DEADLINE_S):
            found = await self._fetched(timeout_s, max_records)
        self._raise_failure()
        if self._settled:
            return found
        for partition, records in found.items():
            self._held.setdefault(partition, []).extend(records)
        return {}

    async def _fetched(self, timeout_s: float, max_records: int) -> Mapping[TopicPartition, list[Any]]:
        where = () if self._settled else (_NOWHERE,)
        timeout_ms = round(timeout_s * 1000)
        try:
            async with asyncio.timeout(timeout_s + REBALANCE_SLACK_S):
                found = await self._client.getmany(*where, timeout_ms=timeout_ms, max_records=max_records)
        except TimeoutError:
            return {}
        except (NoOffsetForPartitionError, OffsetOutOfRangeError) as error:
            if self._settled:
                raise ForeignLogError(f"the position is not in the topic: {error!r}") from error
            return {}
        return {TopicPartition(*partition): records for partition, records in found.items()}

    def assignment(self) -> set[TopicPartition]:
        """The partitions this member reads now."""
        return {TopicPartition(*partition) for partition in self._client.assignment()}

    def seek(self, topic: str, partition: int, offset: int) -> None:
        """Make the next record of the partition the first one at or after *offset*.

        Raises:
            FencedError: the partition is not assigned to this member.
        """
        at = TopicPartition(topic, partition)
        if at not in self.assignment():
            raise FencedError(frozenset({partition}))
        self._held.pop(at, None)
        self._client.seek(ClientPartition(topic, partition), offset)

    def partition_count(self, topic: str) -> int:
        """How many partitions *topic* has, as far as this client knows."""
        return len(self._client.partitions_for_topic(topic) or ())

    def known_ends(self) -> dict[TopicPartition, int]:
        """The end of each assigned partition as of its last fetch, without asking Kafka."""
        ends = {partition: self._client.highwater(partition) for partition in self._client.assignment()}
        return {TopicPartition(*partition): end for partition, end in ends.items() if end is not None}

    async def end_offsets(self) -> dict[TopicPartition, int]:
        """The offset after the last record of each assigned partition, asked now.

        Raises:
            BrokerUnavailableError: Kafka did not answer.
        """
        return await self._asked("end offsets", self._client.end_offsets)

    async def begin_offsets(self) -> dict[TopicPartition, int]:
        """The offset of the oldest record that each assigned partition still holds, asked now.

        Raises:
            BrokerUnavailableError: Kafka did not answer.
        """
        return await self._asked("begin offsets", self._client.beginning_offsets)

    async def positions(self) -> dict[TopicPartition, int]:
        """The offset of the next record of each assigned partition to be handed out.

        Raises:
            FencedError: an assignment is changing.
            BrokerUnavailableError: Kafka has not said yet where to begin.
        """
        return await self._asked("positions", self._positions)

    async def _positions(self, partitions: list[Any]) -> dict[Any, int]:
        return {partition: await self._client.position(partition) for partition in partitions}

    async def _asked(self, what: str, ask: Callable[..., Awaitable[Any]]) -> dict[TopicPartition, int]:
        async with broker_call(f"asking for {what}", deadline_s=CALL_DEADLINE_S):
            found = await ask(list(self._client.assignment()))
        return {TopicPartition(*partition): offset for partition, offset in found.items()}

    async def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Remember *offsets*, the next to be read, for whoever reads the partitions next.

        Raises:
            FencedError: the group has moved on; another member reads some of the partitions again.
            BrokerUnavailableError: Kafka did not answer; the offsets may or may not be remembered.
        """
        async with broker_call("committing offsets", deadline_s=CALL_DEADLINE_S):
            await self._client.commit({ClientPartition(*at): offset for at, offset in offsets.items()})

    def _raise_failure(self) -> None:
        """The client logs what a callback raises and goes on; reading on could be from the wrong place."""
        if self._failure is not None:
            raise self._failure

    async def assigned(self, partitions: set[TopicPartition]) -> None:
        """Take *partitions* over; called by the client, between batches or during one."""
        try:
            await self._on_assigned(partitions)
        except Exception as error:  # noqa: BLE001 - raised again by the next batch
            self._failure = error
        else:
            self._settled = True

    async def revoked(self, partitions: set[TopicPartition]) -> None:
        """Let go of *partitions*; called by the client before they are given to others."""
        self._settled = False
        self._held.clear()
        try:
            await self._on_revoked(partitions)
        except Exception as error:  # noqa: BLE001 - raised again by the next batch
            self._failure = error


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc]  # the client carries no types
    """Passes the client's notices on."""

    def __init__(self, consumer: Consumer) -> None:
        self._consumer = consumer

    async def on_partitions_assigned(self, assigned: set[ClientPartition]) -> None:
        await self._consumer.assigned({TopicPartition(*partition) for partition in assigned})

    async def on_partitions_revoked(self, revoked: set[ClientPartition]) -> None:
        await self._consumer.revoked({TopicPartition(*partition) for partition in revoked})


@contextlib.asynccontextmanager
async def open_consumer(
    bootstrap_servers: str,
    *,
    group_id: str,
    topics: Collection[str],
    client_id: str,
    auto_offset_reset: Literal["earliest", "latest", "none"],
    on_assigned: OnChange = ignore_change,
    on_revoked: OnChange = ignore_change,
    session_timeout_s: float = 30.0,
    instance_id: str | None = None,
    partition_fetch_bytes: int = 1024 * 1024,
) -> AsyncIterator[Consumer]:
    """A member of the group *group_id* that leaves it when the block ends; partitions come with batches.

    Args:
        bootstrap_servers: where Kafka is.
        group_id: members of one group share the partitions of *topics*.
        topics: those that do not exist yet are picked up within 30 s of being made.
        client_id: the name in the broker's logs.
        auto_offset_reset: where to begin without a committed offset; with "none", *on_assigned* must seek.
        on_assigned: awaited before the first record of the partitions is handed out.
        on_revoked: awaited before the partitions go to others; take less than 5 s.
        session_timeout_s: a member silent for so long is replaced; brokers allow 6 s and more.
        instance_id: a fixed name keeps the partitions over a restart, but leaving takes a session.
        partition_fetch_bytes: what is read ahead of each partition.

    Raises:
        BrokerUnavailableError: Kafka did not answer.
    """
    client = group_client(
        bootstrap_servers,
        group_id=group_id,
        client_id=client_id,
        group_instance_id=instance_id,
        auto_offset_reset=auto_offset_reset,
        session_timeout_ms=round(session_timeout_s * 1000),
        partition_fetch_bytes=partition_fetch_bytes,
    )
    consumer = Consumer(client, on_assigned=on_assigned, on_revoked=on_revoked)
    try:
        async with broker_call("connecting", deadline_s=CALL_DEADLINE_S):
            await client.start()
            client.subscribe(topics=list(topics), listener=_Listener(consumer))
        yield consumer
    finally:
        await close_client(client)
