"""A topic in memory with a consumer and a producer that fail when told to; no broker, no waiting."""

import asyncio
from collections.abc import Callable, Mapping, Sequence

from prometheus_client import CollectorRegistry

from services.ingest.forwarding import Forwarder, Outlets
from services.ingest.metrics import Metrics
from shared.contracts.topics import DEAD_LETTERS
from shared.domain.errors import BrokerUnavailableError, FencedError
from shared.messaging.consumer import Consumer
from shared.messaging.producer import Outgoing, Producer
from shared.messaging.records import Batch, TopicPartition
from shared.runtime.progress import Progress
from tests.builders import ARecord, structured

A, B = TopicPartition("source", 0), TopicPartition("source", 1)


async def until(condition: Callable[[], bool]) -> None:
    """Let the others go on until *condition* holds, five seconds at most."""
    async with asyncio.timeout(5):
        for _ in iter(condition, True):
            await asyncio.sleep(0)


def records(count: int, *, prefix: str = "e") -> list[ARecord]:
    """So many good events, at offsets from 0."""
    return [ARecord(structured(id=f"{prefix}{offset}"), offset) for offset in range(count)]


class FakeConsumer(Consumer):
    """Reads partitions that lie in memory; remembers what was committed, in order."""

    def __init__(self, topic: Mapping[TopicPartition, list[ARecord]]) -> None:
        self.topic = topic
        self.position = dict.fromkeys(topic, 0)
        self.owned = set(topic)
        self.commits: list[dict[TopicPartition, int]] = []
        self.refuse_commits = False

    async def batch(self, _: float, max_records: int) -> Batch:
        """Up to *max_records* of every owned partition."""
        await asyncio.sleep(0)
        found = {}
        for at in sorted(self.owned):
            part = self.topic[at][self.position[at] : self.position[at] + max_records]
            self.position[at] += len(part)
            if part:
                found[at] = list(part)
        return found

    def assignment(self) -> set[TopicPartition]:
        """What is owned."""
        return set(self.owned)

    def seek(self, topic: str, partition: int, offset: int) -> None:
        """Go there."""
        self.position[TopicPartition(topic, partition)] = offset

    async def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Remember, unless told to refuse."""
        if self.refuse_commits or not offsets.keys() <= self.owned:
            raise FencedError(frozenset())
        self.commits.append(dict(offsets))

    async def end_offsets(self) -> dict[TopicPartition, int]:
        """How long the owned partitions are."""
        return {at: len(self.topic[at]) for at in self.owned}

    async def positions(self) -> dict[TopicPartition, int]:
        """Where reading goes on."""
        return {at: self.position[at] for at in self.owned}

    def committed(self) -> dict[TopicPartition, int]:
        """The last offset committed for each partition."""
        return {at: offset for commit in self.commits for at, offset in commit.items()}


class FakeProducer(Producer):
    """Keeps what it is sent; its next sends fail when told to, after half of the records have arrived."""

    def __init__(self) -> None:
        self.sent: dict[str, list[Outgoing]] = {}
        self.failures = 0
        self.held: asyncio.Event | None = None

    async def partitions(self, _: str) -> int:
        """Four."""
        return 4

    async def send_all(self, topic: str, records: Sequence[Outgoing]) -> None:
        """Keep all of them, or half of them and fail."""
        if self.held is not None:
            await self.held.wait()
        if not records:
            return
        fails = self.failures > 0
        self.failures -= fails
        self.sent.setdefault(topic, []).extend(records[: len(records) // 2] if fails else records)
        await asyncio.sleep(0)
        if fails:
            raise BrokerUnavailableError("told to fail")

    def keys(self, topic: str) -> set[bytes | None]:
        """The keys of what arrived, each once, as compute would count them."""
        return {record.key for record in self.sent.get(topic, [])}

    def dead(self) -> list[Outgoing]:
        """The dead letters."""
        return self.sent.get(DEAD_LETTERS, [])


def a_forwarder(consumer: FakeConsumer, producer: FakeProducer, *, batch_records: int = 10) -> Forwarder:
    """A member of the group that reads from *consumer* and sends by *producer*."""
    metrics = Metrics.on(CollectorRegistry())
    outlets = Outlets(
        producer, {}, metrics, Progress(60, metrics.lag_records, metrics.progress_age_s), batch_records
    )
    forwarder = Forwarder(outlets)
    forwarder.consumer = consumer
    return forwarder
