"""Filling source topics and emptying the clean one; it knows what a record is and not what it says."""

from collections.abc import Iterable, Sequence

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

from shared.contracts.topics import EVENTS
from shared.messaging.admin import TopicSpec, ensure_topics, topic_offsets
from shared.messaging.producer import Outgoing, open_producer

PARTITIONS = 4
"""Of the source topics and of the clean topic, whose default it is."""

HEADERS: list[tuple[str, bytes | None]] = [("content-type", b"application/cloudevents+json")]


async def make_source(servers: str, topic: str) -> None:
    """Make *topic* with the partitions that a source has here."""
    await ensure_topics(servers, [TopicSpec(topic, PARTITIONS)])


async def fill(servers: str, topic: str, chunks: Iterable[Sequence[bytes]]) -> int:
    """Send all events of *chunks* to *topic*, in turns to its partitions; how many there were."""
    sent = 0
    async with open_producer(servers, "tidemark-benchmarks") as producer:
        for chunk in chunks:
            await producer.send_all(topic, records(chunk))
            sent += len(chunk)
    return sent


def records(events: Sequence[bytes]) -> list[Outgoing]:
    """A record for each of *events*, in turns to the partitions."""
    return [
        Outgoing(event, None, partition=number % PARTITIONS, headers=HEADERS)
        for number, event in enumerate(events)
    ]


async def held(servers: str, topic: str) -> int:
    """How many records *topic* holds."""
    return sum(at.end - at.begin for at in (await topic_offsets(servers, topic)).values())


async def empty(servers: str, topic: str = EVENTS) -> None:
    """Let go of everything in *topic*, if it exists; offsets go on from where they are."""
    found = await topic_offsets(servers, topic)
    if not any(at.end > at.begin for at in found.values()):
        return
    admin = AIOKafkaAdminClient(bootstrap_servers=servers, client_id="tidemark-benchmarks")
    try:
        await admin.start()
        await admin.delete_records(
            {
                TopicPartition(topic, number): RecordsToDelete(before_offset=at.end)
                for number, at in found.items()
            }
        )
    finally:
        await admin.close()
