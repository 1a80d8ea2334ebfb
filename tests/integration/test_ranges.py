"""Reading stretches of a topic again, on a real Kafka: all of it, nothing else, and an end to every wait."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

from shared.domain.errors import BrokerUnavailableError, LogLostError
from shared.messaging.admin import TopicSpec, ensure_topics
from shared.messaging.producer import Outgoing, open_producer
from shared.messaging.ranges import BATCH_RECORDS, RangeReader, open_ranges

pytestmark = pytest.mark.asyncio


@contextlib.asynccontextmanager
async def a_log(kafka: str, name: str, *counts: int, deadline_s: float = 20) -> AsyncIterator[RangeReader]:
    """A reader of a topic whose partitions hold the numbers up to each of *counts*."""
    await ensure_topics(kafka, [TopicSpec(name, len(counts))])
    records = [
        Outgoing(f"{place}:{n}".encode(), partition=place)
        for place, count in enumerate(counts)
        for n in range(count)
    ]
    async with open_producer(kafka, "tests") as producer:
        await producer.send_all(name, records)
    async with open_ranges(kafka, name, deadline_s=deadline_s) as reader:
        yield reader


async def read(reader: RangeReader, partition: int, first: int, until: int) -> list[int]:
    """The offsets of a stretch, whose values are checked to be those of the partition."""
    found = [record async for records in reader.read(partition, first, until) for record in records]
    assert all(record.value == f"{partition}:{record.offset}".encode() for record in found)
    return [record.offset for record in found]


@pytest.mark.parametrize(
    ("first", "until"), [(0, 40_000), (7, 8), (4_990, 25_001), (39_999, 40_000), (12, 12), (12, 3)]
)
async def test_a_stretch(kafka: str, unique: str, first: int, until: int) -> None:
    """Every record between two offsets comes once and in order, and no other."""
    async with a_log(kafka, unique, 40_000) as reader:
        assert await read(reader, 0, first, until) == list(range(first, until))


async def test_one_after_the_other(kafka: str, unique: str) -> None:
    """A reader reads any stretches of any partitions in turn, backwards and twice as well."""
    stretches = [(0, 5, 900), (1, 0, 300), (0, 0, 10), (0, 0, 10), (1, 299, 300), (0, 10, 1_000)]
    async with a_log(kafka, unique, 1_000, 300) as reader:
        found = [await read(reader, *stretch) for stretch in stretches]

    assert found == [list(range(first, until)) for _, first, until in stretches]


async def test_left_early(kafka: str, unique: str) -> None:
    """A read that its caller leaves does not disturb the next, and cannot be continued after it."""
    async with a_log(kafka, unique, 3 * BATCH_RECORDS) as reader:
        left = reader.read(0, 0, 3 * BATCH_RECORDS)
        await anext(left)
        found = await read(reader, 0, 3, 6)
        with pytest.raises(RuntimeError, match="another read"):
            await anext(left)

    assert found == [3, 4, 5]


async def test_batches_are_bounded(kafka: str, unique: str) -> None:
    """No batch holds more than its bound, and none is empty."""
    async with a_log(kafka, unique, 12_000) as reader:
        sizes = [len(records) async for records in reader.read(0, 0, 12_000)]

    assert min(sizes) > 0
    assert max(sizes) <= BATCH_RECORDS


async def in_transactions(kafka: str, topic: str, parts: Sequence[tuple[str, bool]]) -> None:
    """Each text as a record of a transaction of its own, which commits or not."""
    producer = AIOKafkaProducer(bootstrap_servers=kafka, transactional_id=topic)
    await producer.start()
    try:
        for text, commits in parts:
            await producer.begin_transaction()
            await producer.send_and_wait(topic, text.encode(), partition=0)
            await (producer.commit_transaction() if commits else producer.abort_transaction())
    finally:
        await producer.stop()


async def test_ends_of_transactions(kafka: str, unique: str) -> None:
    """Offsets that hold no record, at the end of the stretch as well, are passed over."""
    await ensure_topics(kafka, [TopicSpec(unique, 1)])
    # | 0 a | 1 end | 2 b, aborted | 3 end | 4 c | 5 end |
    await in_transactions(kafka, unique, [("a", True), ("b", False), ("c", True)])
    async with open_ranges(kafka, unique) as reader, asyncio.timeout(15):
        found = [
            [record.value async for records in reader.read(0, first, until) for record in records]
            for first, until in [(0, 6), (1, 4), (5, 6), (3, 5)]
        ]

    assert found == [[b"a", b"c"], [], [], [b"c"]]


async def test_removed_by_retention(kafka: str, unique: str) -> None:
    """A stretch that begins before what the log still holds is refused, and says which it was."""
    async with a_log(kafka, unique, 100) as reader:
        admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
        await admin.start()
        await admin.delete_records({TopicPartition(unique, 0): RecordsToDelete(before_offset=50)})
        await admin.close()
        with pytest.raises(LogLostError, match="offsets 20 to 79 of partition 0") as lost:
            await read(reader, 0, 20, 80)
        rest = await read(reader, 0, 50, 80)

    assert (lost.value.partition, lost.value.first_offset, lost.value.until_offset) == (0, 20, 80)
    assert rest == list(range(50, 80))


@pytest.mark.parametrize(("first", "until"), [(5, 20), (15, 20)])
async def test_log_too_short(kafka: str, unique: str, first: int, until: int) -> None:
    """A log that does not reach as far as it once did is told apart from a broker that is silent."""
    async with a_log(kafka, unique, 10, deadline_s=1) as reader:
        with pytest.raises(LogLostError):
            await read(reader, 0, first, until)


async def test_no_such_partition(kafka: str, unique: str) -> None:
    """A wait for what never comes ends at the deadline."""
    async with a_log(kafka, unique, 10, deadline_s=1) as reader:
        with pytest.raises(BrokerUnavailableError):
            await read(reader, 7, 0, 10)
