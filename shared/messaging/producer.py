"""Sending records in batches and waiting for every acknowledgement; it knows no topic and no format."""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Sequence
from itertools import count, zip_longest
from typing import Any

import msgspec
import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import ProducerClosed
from aiokafka.partitioner import murmur2

from shared.domain.errors import BrokerUnavailableError
from shared.messaging.connections import cut_connections
from shared.messaging.failures import broker_call

log = structlog.get_logger(__name__)

SEND_DEADLINE_S = 20.0
"""An idempotent client retries for ever by itself; after this long the outcome counts as unknown."""

CLOSE_DEADLINE_S = 3.0
"""A producer with unsent records may never close by itself."""

BATCH_BYTES = 256 * 1024
"""Bytes of records per batch before compression. Measured with 250-byte records to a local broker, lz4, one
core: 420,000 records/s at 64 KiB, 570,000 at 128 and 256 KiB, 530,000 at 512 and 896 KiB.
"""


COMPRESSION = "zstd"
"""Measured on 1,800 clean records of 216 bytes: zstd 0.20 us a record and 10 % of the size; lz4, which the
client runs at its highest level, 1.37 us and 14 %; snappy 0.10 us and 19 %.
"""


class Outgoing(msgspec.Struct, frozen=True, gc=False):
    """A record to be sent.

    Attributes:
        partition: where to; None spreads by the key as the Java client does, or in turns without a key.
        timestamp_ms: the record's own time; None is the time of sending.
    """

    value: bytes | None
    key: bytes | None = None
    partition: int | None = None
    headers: list[tuple[str, bytes | None]] = msgspec.field(default_factory=list)
    timestamp_ms: int | None = None


class Producer:
    """One idempotent connection, thrown away at the first failure and made anew by the next send.

    A client that has failed once may be poisoned for good (a gap in its sequence numbers) or hang, so it
    is never asked twice. Use from one event loop; calls may overlap.
    """

    def __init__(
        self, bootstrap_servers: str, *, client_id: str, deadline_s: float = SEND_DEADLINE_S
    ) -> None:
        self._bootstrap_servers = bootstrap_servers
        self._client_id = client_id
        self._deadline_s = deadline_s
        self._client: Any = None
        self._opening = asyncio.Lock()
        self._turns = count()

    async def send_all(self, topic: str, records: Sequence[Outgoing]) -> None:
        """Send *records* to *topic* and return when Kafka has acknowledged every one of them.

        Raises:
            BrokerUnavailableError: some may have arrived and some not; send all of them again, or give up.
        """
        if not records:
            return
        async with self._attempt(f"sending to {topic}") as client:
            acks: list[asyncio.Future[Any]] = []
            for batch, partition in await self._batches(client, topic, records):
                ack = await client.send_batch(batch, topic, partition=partition)
                ack.add_done_callback(_retrieve)
                acks.append(ack)
            await asyncio.gather(*acks)

    async def partitions(self, topic: str) -> int:
        """How many partitions *topic* has.

        Raises:
            BrokerUnavailableError: Kafka did not answer, or the topic does not exist.
        """
        async with self._attempt(f"asking for {topic}") as client:
            return len(await client.partitions_for(topic))

    async def close(self) -> None:
        """Send what is on its way, close the connection, and give up on either after a short deadline."""
        client, self._client = self._client, None
        if client is not None:
            await _close(client, polite_s=CLOSE_DEADLINE_S)

    @contextlib.asynccontextmanager
    async def _attempt(self, what: str) -> AsyncIterator[Any]:
        client = None
        try:
            async with broker_call(what, deadline_s=self._deadline_s):
                client = await self._connected()
                yield client
        except BrokerUnavailableError:
            await self._throw_away(client)
            raise

    async def _connected(self) -> Any:
        async with self._opening:
            if self._client is None:
                self._client = await _opened(self._bootstrap_servers, self._client_id)
            return self._client

    async def _throw_away(self, client: Any) -> None:
        if client is not None and client is self._client:
            self._client = None
            log.warning("producer_thrown_away", client_id=self._client_id)
            await _close(client, polite_s=0)

    async def _batches(
        self, client: Any, topic: str, records: Sequence[Outgoing]
    ) -> Iterator[tuple[Any, int]]:
        """Batches in turns, one of every partition after another, so that requests carry all of them."""
        partitions = len(await client.partitions_for(topic))
        grouped = self._by_partition(records, partitions)
        turns = zip_longest(*(_packed(client, partition, part) for partition, part in grouped.items()))
        return (batch for turn in turns for batch in turn if batch is not None)

    def _by_partition(self, records: Sequence[Outgoing], partitions: int) -> dict[int, list[Outgoing]]:
        keyless = next(self._turns) % partitions
        grouped: defaultdict[int, list[Outgoing]] = defaultdict(list)
        for record in records:
            partition = record.partition
            if partition is None:
                partition = keyless if record.key is None else partition_of(record.key, partitions)
            grouped[partition].append(record)
        return grouped


@contextlib.asynccontextmanager
async def open_producer(
    bootstrap_servers: str, client_id: str, *, deadline_s: float = SEND_DEADLINE_S
) -> AsyncIterator[Producer]:
    """A producer that is closed when the block ends; it connects at its first send."""
    producer = Producer(bootstrap_servers, client_id=client_id, deadline_s=deadline_s)
    try:
        yield producer
    finally:
        await producer.close()


def partition_of(key: bytes, partitions: int) -> int:
    """The partition of *key* by the rule of the Java client, so that other producers agree."""
    number: int = murmur2(key)
    return (number & 0x7FFFFFFF) % partitions


def _packed(client: Any, partition: int, records: Sequence[Outgoing]) -> Iterator[tuple[Any, int]]:
    """Closed batches of *records* in their order; a record larger than a batch gets one of its own."""
    start = 0
    while start < len(records):
        batch = client.create_batch()
        start += _fill(batch, records[start:])
        yield batch, partition


def _fill(batch: Any, records: Sequence[Outgoing]) -> int:
    """Put as many of *records* into the empty *batch* as it takes, one at least, and close it; how many.

    They go to the client's encoder by its own name, past two layers that only pass them on: measured with
    clean records, 0.60 us each instead of 0.77 (a test holds the bytes against those of the public way).
    """
    append, filled = batch._builder.append, 0  # noqa: SLF001 - see above
    for record in records:
        if append(filled, record.timestamp_ms, record.key, record.value, record.headers) is None:
            break
        filled += 1
    batch._relative_offset = filled  # noqa: SLF001 - what the layers passed over keep count with
    batch.close()
    return filled


async def _opened(bootstrap_servers: str, client_id: str) -> Any:
    client = AIOKafkaProducer(
        bootstrap_servers=bootstrap_servers,
        client_id=client_id,
        acks="all",
        enable_idempotence=True,
        compression_type=COMPRESSION,
        max_batch_size=BATCH_BYTES,
        request_timeout_ms=15_000,
        metadata_max_age_ms=30_000,
    )
    try:
        await client.start()
    except BaseException:
        await _close(client, polite_s=0)
        raise
    return client


async def _close(client: Any, *, polite_s: float) -> None:
    """Stop *client*: by itself for *polite_s*, then with its connections cut and its records failed."""
    stopping = asyncio.create_task(client.stop(), name="producer-stop")
    _, pending = await asyncio.wait({stopping}, timeout=polite_s)
    if pending:
        await cut_connections(client.client)
        # There is no public way to make the client forget records that it cannot send.
        client._message_accumulator.fail_all(ProducerClosed())  # noqa: SLF001
        await asyncio.wait({stopping}, timeout=CLOSE_DEADLINE_S)
    stopping.cancel()
    outcome = (await asyncio.gather(stopping, return_exceptions=True))[0]
    if isinstance(outcome, Exception):
        log.warning("producer_close_failed", error=repr(outcome))


def _retrieve(ack: asyncio.Future[Any]) -> None:
    """Look at the outcome, which nobody else does when an earlier one has failed."""
    if not ack.cancelled():
        ack.exception()
