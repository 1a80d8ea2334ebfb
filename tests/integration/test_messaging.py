"""The doors to Kafka, on a real one: what is sent arrives, members come and go, failures have our names."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator

import pytest

from services.local.ports import LOOPBACK
from shared.domain.errors import BrokerUnavailableError, FencedError, ForeignLogError
from shared.messaging.admin import Offsets, TopicSpec, cluster_id, ensure_topics, topic_offsets
from shared.messaging.consumer import Consumer, open_consumer
from shared.messaging.producer import Outgoing, Producer, open_producer, partition_of
from shared.messaging.reader import read_topic
from shared.messaging.records import TopicPartition

pytestmark = pytest.mark.asyncio


async def everything(kafka: str, topic: str) -> dict[int, list[bytes | None]]:
    """The values of each partition in their order."""
    found: dict[int, list[bytes | None]] = {}
    async for batch in read_topic(kafka, topic):
        for at, records in batch.items():
            found.setdefault(at.partition, []).extend(record.value for record in records)
    return found


async def some(consumer: Consumer, count: int) -> list[tuple[TopicPartition, int, bytes | None]]:
    """The next *count* records."""
    found: list[tuple[TopicPartition, int, bytes | None]] = []
    async with asyncio.timeout(30):
        while len(found) < count:
            batch = await consumer.batch(0.5, count - len(found))
            found += [
                (at, record.offset, record.value) for at, records in batch.items() for record in records
            ]
    return found


async def test_order_and_place(kafka: str, unique: str) -> None:
    """Records arrive in the partition they are for, each partition in the order of sending."""
    await ensure_topics(kafka, [TopicSpec(unique, 3)])
    async with open_producer(kafka, "tests") as producer:
        await producer.send_all(unique, [Outgoing(str(n).encode(), partition=n % 3) for n in range(20_000)])

    assert await everything(kafka, unique) == {
        place: [str(n).encode() for n in range(place, 20_000, 3)] for place in range(3)
    }


@pytest.mark.parametrize(
    ("key", "number"), [(b"21", -973932308), (b"foobar", -790332482), (b"abc", 479470107)]
)
async def test_keys_as_in_java(key: bytes, number: int) -> None:
    """Keys spread as by the Java client, whose own tests have these numbers."""
    assert partition_of(key, 2**31) == number & 0x7FFFFFFF


async def test_keyed(kafka: str, unique: str) -> None:
    """Without a partition the key decides."""
    await ensure_topics(kafka, [TopicSpec(unique, 4)])
    async with open_producer(kafka, "tests") as producer:
        await producer.send_all(unique, [Outgoing(key, key=key) for key in (b"a", b"b", b"c", b"a")])
    found = await everything(kafka, unique)

    assert {value: place for place, values in found.items() for value in values} == {
        key: partition_of(key, 4) for key in (b"a", b"b", b"c")
    }


async def test_everything_of_a_record(kafka: str, unique: str) -> None:
    """Nulls, headers that are no text, and the timestamp arrive as they were given."""
    headers: list[tuple[str, bytes | None]] = [("a", b"\xff"), ("a", None), ("b", b"")]
    await ensure_topics(kafka, [TopicSpec(unique, 1)])
    async with open_producer(kafka, "tests") as producer:
        await producer.send_all(
            unique,
            [Outgoing(None, b"k", headers=headers, timestamp_ms=1_000), Outgoing(b"v"), Outgoing(None)],
        )
    (batch,) = [batch async for batch in read_topic(kafka, unique) if batch]
    first, second, third = batch[TopicPartition(unique, 0)]

    assert (first.key, first.value, list(first.headers), first.timestamp) == (b"k", None, headers, 1_000)
    assert (second.key, second.value, third.key, third.value) == (None, b"v", None, None)


async def test_producer_recovers(kafka: str, unique: str) -> None:
    """A failed send throws the client away; the next send works again."""
    await ensure_topics(kafka, [TopicSpec(unique, 1)])
    async with open_producer(kafka, "tests") as producer:
        await producer.send_all(unique, [Outgoing(b"before")])
        with pytest.raises(BrokerUnavailableError, match="MessageSizeTooLarge"):
            await producer.send_all(unique, [Outgoing(os.urandom(2_000_000))])
        await producer.send_all(unique, [Outgoing(b"after")])

    assert await everything(kafka, unique) == {0: [b"before", b"after"]}


@contextlib.asynccontextmanager
async def a_silent_server() -> AsyncIterator[str]:
    """An address where connections are accepted and nothing is ever answered."""
    opened: list[asyncio.StreamWriter] = []

    async def accept(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        opened.append(writer)

    server = await asyncio.start_server(accept, LOOPBACK, 0)
    try:
        yield f"{LOOPBACK}:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for writer in opened:
            writer.close()


async def test_silent_broker() -> None:
    """A broker that accepts and says nothing is given up on at the deadline, by every call."""
    async with a_silent_server() as address:
        producer = Producer(address, client_id="tests", deadline_s=0.3)
        async with asyncio.timeout(10):
            with pytest.raises(BrokerUnavailableError):
                await producer.send_all("any", [Outgoing(b"x")])
            with pytest.raises(BrokerUnavailableError):
                await cluster_id(address, deadline_s=0.3)
            await producer.close()


async def test_no_broker() -> None:
    """A broker that is not there has our name for it."""
    with pytest.raises(BrokerUnavailableError):
        await cluster_id(f"{LOOPBACK}:1")


async def test_unknown_topic(kafka: str, unique: str) -> None:
    """A topic that does not exist is not made by the way; the send fails."""
    producer = Producer(kafka, client_id="tests", deadline_s=1)
    with pytest.raises(BrokerUnavailableError):
        await producer.send_all(unique, [Outgoing(b"x")])
    await producer.close()

    assert await topic_offsets(kafka, unique) == {}


async def test_topics_are_made_once(kafka: str, unique: str) -> None:
    """Making a topic again changes nothing, from several processes at once too."""
    specs = [[TopicSpec(unique, partitions)] for partitions in (2, 2, 2)]
    await asyncio.gather(*(ensure_topics(kafka, spec) for spec in specs))

    assert await ensure_topics(kafka, [TopicSpec(unique, 7)]) == {unique: 2}


async def test_offsets(kafka: str, unique: str) -> None:
    """The offsets of a topic say what it holds."""
    await ensure_topics(kafka, [TopicSpec(unique, 2)])
    async with open_producer(kafka, "tests") as producer:
        await producer.send_all(unique, [Outgoing(b"x", partition=1)] * 5)

    assert await topic_offsets(kafka, unique) == {0: Offsets(0, 0), 1: Offsets(0, 5)}


@contextlib.asynccontextmanager
async def a_topic_of(kafka: str, name: str, count: int) -> AsyncIterator[None]:
    """A topic of one partition that holds the numbers up to *count*."""
    await ensure_topics(kafka, [TopicSpec(name, 1)])
    async with open_producer(kafka, "tests") as producer:
        await producer.send_all(name, [Outgoing(str(n).encode()) for n in range(count)])
    yield


def a_member(kafka: str, name: str, **options: object) -> contextlib.AbstractAsyncContextManager[Consumer]:
    """A member of the group *name* that reads the topic *name*."""
    wanted = {"auto_offset_reset": "earliest", "session_timeout_s": 6.0} | options
    return open_consumer(kafka, group_id=name, topics=[name], client_id="tests", **wanted)  # type: ignore[arg-type]  # options of different types


async def test_committed_offsets_are_where_to_begin(kafka: str, unique: str) -> None:
    """The next member begins where the last one committed."""
    at = TopicPartition(unique, 0)
    async with a_topic_of(kafka, unique, 10):
        async with a_member(kafka, unique) as consumer:
            await some(consumer, 5)
            await consumer.commit({at: 3})
        async with a_member(kafka, unique) as consumer:
            found = await some(consumer, 7)

    assert [offset for _, offset, _ in found] == list(range(3, 10))


async def test_seek_on_assignment(kafka: str, unique: str) -> None:
    """A callback that seeks decides where reading begins, however long it takes."""
    async with a_topic_of(kafka, unique, 10):
        async with a_member(kafka, unique) as consumer:
            await some(consumer, 10)
            await consumer.commit({TopicPartition(unique, 0): 2})

        async def slowly(partitions: set[TopicPartition]) -> None:
            await asyncio.sleep(1)
            for at in partitions:
                consumer.seek(at.topic, at.partition, 7)

        async with a_member(kafka, unique, on_assigned=slowly) as consumer:
            found = await some(consumer, 3)

    assert [offset for _, offset, _ in found] == [7, 8, 9]


async def test_no_position(kafka: str, unique: str) -> None:
    """With neither a committed offset nor a seek, a member that may not guess says so."""
    async with a_topic_of(kafka, unique, 1), a_member(kafka, unique, auto_offset_reset="none") as consumer:
        with pytest.raises(ForeignLogError):
            await some(consumer, 1)


async def test_position_beyond_the_log(kafka: str, unique: str) -> None:
    """A position that the topic does not hold means that it is another topic than it was."""
    async with a_topic_of(kafka, unique, 3):

        async def far(_: set[TopicPartition]) -> None:
            consumer.seek(unique, 0, 1000)

        async with a_member(kafka, unique, auto_offset_reset="none", on_assigned=far) as consumer:
            with pytest.raises(ForeignLogError):
                await some(consumer, 1)


async def test_failed_callback_comes_out(kafka: str, unique: str) -> None:
    """What a callback raises ends the reading, which would otherwise go on from the wrong place."""

    async def broken(_: set[TopicPartition]) -> None:
        raise ZeroDivisionError

    async with a_topic_of(kafka, unique, 3), a_member(kafka, unique, on_assigned=broken) as consumer:
        with pytest.raises(ZeroDivisionError):
            await some(consumer, 1)


async def test_spare_member(kafka: str, unique: str) -> None:
    """A member with nothing to read gets the partition when its owner leaves."""
    async with a_topic_of(kafka, unique, 4), contextlib.AsyncExitStack() as stack:
        leave, members = {}, []
        for _ in range(2):
            own = await stack.enter_async_context(contextlib.AsyncExitStack())
            members.append(await own.enter_async_context(a_member(kafka, unique)))
            leave[members[-1]] = own.aclose
        async with asyncio.timeout(20):
            while sorted(len(member.assignment()) for member in members) != [0, 1]:
                await asyncio.gather(*(member.batch(0.2, 1) for member in members))
        owner, spare = sorted(members, key=lambda member: -len(member.assignment()))
        await leave[owner]()

        assert [offset for _, offset, _ in await some(spare, 4)] == [0, 1, 2, 3]


async def test_strange_partition(kafka: str, unique: str) -> None:
    """Partitions that a member does not have can be neither committed nor sought."""
    async with a_topic_of(kafka, unique, 1), a_member(kafka, unique) as consumer:
        await some(consumer, 1)
        with pytest.raises(FencedError):
            await consumer.commit({TopicPartition(unique, 5): 1})
        with pytest.raises(FencedError):
            consumer.seek(unique, 5, 0)


async def test_ends_and_positions(kafka: str, unique: str) -> None:
    """A member knows where it is and how far it could go."""
    at = TopicPartition(unique, 0)
    async with a_topic_of(kafka, unique, 9), a_member(kafka, unique) as consumer:
        await some(consumer, 4)

        assert await consumer.positions() == {at: 4}
        assert await consumer.end_offsets() == consumer.known_ends() == {at: 9}
        assert await consumer.begin_offsets() == {at: 0}
