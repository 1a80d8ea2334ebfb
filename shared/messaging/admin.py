"""Questions and orders to the cluster itself: topics, offsets, identity; it reads and writes no record."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from shared.domain.errors import BrokerUnavailableError
from shared.messaging.failures import broker_call
from shared.messaging.loose import loose_consumer

ADMIN_DEADLINE_S = 20.0
"""A cluster that takes longer to answer such a question is not one to work with."""


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """A topic as it is made when it does not exist yet."""

    name: str
    partitions: int
    replication: int = 1
    config: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Offsets:
    """What a partition holds: [begin, end)."""

    begin: int
    end: int


async def ensure_topics(bootstrap_servers: str, specs: Sequence[TopicSpec]) -> dict[str, int]:
    """Make the topics of *specs* that are missing and return how many partitions each of them has.

    A topic that exists is left as it is, whatever its partitions and settings.

    Raises:
        BrokerUnavailableError: Kafka did not answer, or refused to make a topic.
    """
    async with _admin(bootstrap_servers, "making topics") as admin:
        found = await _partition_counts(admin, [spec.name for spec in specs])
        missing = [spec for spec in specs if spec.name not in found]
        if missing:
            await _create(admin, missing)
        while len(found) < len(specs):
            found = await _partition_counts(admin, [spec.name for spec in specs])
            await asyncio.sleep(0.05)
        return found


async def partition_counts(bootstrap_servers: str, topics: Sequence[str]) -> dict[str, int]:
    """How many partitions each of *topics* has; those that do not exist are left out.

    Raises:
        BrokerUnavailableError: Kafka did not answer.
    """
    async with _admin(bootstrap_servers, "asking for topics") as admin:
        return await _partition_counts(admin, topics)


async def cluster_id(bootstrap_servers: str, *, deadline_s: float = ADMIN_DEADLINE_S) -> str:
    """The identity of the cluster, which changes when it is made anew.

    Raises:
        BrokerUnavailableError: Kafka did not answer.
    """
    async with _admin(bootstrap_servers, "asking for the cluster", deadline_s=deadline_s) as admin:
        described = await admin.describe_cluster()
        return str(described["cluster_id"])


async def topic_offsets(bootstrap_servers: str, topic: str) -> dict[int, Offsets]:
    """The first and the next offset of every partition of *topic*; empty when it does not exist.

    Raises:
        BrokerUnavailableError: Kafka did not answer.
    """
    counts = await partition_counts(bootstrap_servers, [topic])
    partitions = [TopicPartition(topic, number) for number in range(counts.get(topic, 0))]
    if not partitions:
        # And a client that is closed before it has done anything ends with its own tasks cancelled.
        return {}
    if not partitions:
        return {}
    async with (
        loose_consumer(bootstrap_servers) as client,
        broker_call(f"asking for offsets of {topic}", deadline_s=ADMIN_DEADLINE_S),
    ):
        begins = await client.beginning_offsets(partitions)
        ends = await client.end_offsets(partitions)
    return {tp.partition: Offsets(begins[tp], ends[tp]) for tp in partitions}


async def topic_retention(bootstrap_servers: str, topic: str) -> timedelta | None:
    """How long *topic* keeps a record after it took it in; None is for ever, or there is no such topic.

    Raises:
        BrokerUnavailableError: Kafka did not answer.
    """
    async with _admin(bootstrap_servers, f"asking for the retention of {topic}") as admin:
        wanted = ConfigResource(ConfigResourceType.TOPIC, topic, {"retention.ms": None})
        answers = await admin.describe_configs([wanted])
    entries = [entry for answer in answers for resource in answer.resources for entry in resource[-1]]
    found = {name: value for name, value, *_ in entries}.get("retention.ms")
    return None if found is None or int(found) < 0 else timedelta(milliseconds=int(found))


async def committed_offsets(bootstrap_servers: str, group_id: str) -> dict[tuple[str, int], int]:
    """What the group *group_id* has committed, by topic and partition.

    Raises:
        BrokerUnavailableError: Kafka did not answer.
    """
    async with _admin(bootstrap_servers, f"asking for the offsets of group {group_id}") as admin:
        found = await _repeated(admin.list_consumer_group_offsets, group_id)
        return {(tp.topic, tp.partition): at.offset for tp, at in found.items()}


@contextlib.asynccontextmanager
async def _admin(
    bootstrap_servers: str, what: str, *, deadline_s: float = ADMIN_DEADLINE_S
) -> AsyncIterator[Any]:
    async with broker_call(what, deadline_s=deadline_s):
        admin = AIOKafkaAdminClient(
            bootstrap_servers=bootstrap_servers, client_id="tidemark-admin", request_timeout_ms=10_000
        )
        try:
            await admin.start()
            yield admin
        finally:
            await admin.close()


async def _repeated(ask: Callable[..., Awaitable[Any]], *arguments: Any) -> Any:
    """The answer, asked for until there is one: a new cluster takes a while to say who answers for groups."""
    while True:
        try:
            return await ask(*arguments)
        except KafkaError as error:
            if not error.retriable:
                raise
        await asyncio.sleep(0.1)


async def _partition_counts(admin: Any, topics: Sequence[str]) -> dict[str, int]:
    described = await admin.describe_topics(list(topics))
    return {
        topic["topic"]: len(topic["partitions"])
        for topic in described
        if not topic["error_code"] and all(part["leader"] >= 0 for part in topic["partitions"])
    }


async def _create(admin: Any, specs: Sequence[TopicSpec]) -> None:
    response = await admin.create_topics(
        [
            NewTopic(spec.name, spec.partitions, spec.replication, topic_configs=dict(spec.config))
            for spec in specs
        ]
    )
    for name, code, *message in response.topic_errors:
        error = for_code(code)
        # Another process may have been faster.
        if code and error is not TopicAlreadyExistsError:
            raise BrokerUnavailableError(f"Kafka did not make {name}: {error.__name__} {message}")
