"""Clean records and a consumer of them, with defaults, for tests that care about a field or two."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from shared.contracts.events import CleanEvent, clean_key, encode_clean
from shared.contracts.rfc3339 import time_text
from shared.contracts.topics import EVENTS
from shared.domain.events import partition_of
from shared.messaging.records import TopicPartition

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class ARecord:
    """A record as the consumer hands it out."""

    offset: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]] = ()
    timestamp: int = round(NOW.timestamp() * 1000)


def an_event(
    number: int = 1, *, ago: timedelta = timedelta(seconds=30), now: datetime = NOW, **fields: Any
) -> CleanEvent:
    """An order, the *number* making its id, paid *ago* before *now*."""
    attributes = {"id": f"order-{number}", "source": "/shop", "type": "order.paid", "data": {"price": 1}}
    return CleanEvent(**{**attributes, "time": time_text(now - ago), **fields})


def a_record(event: CleanEvent | None = None, *, offset: int = 0, **fields: Any) -> ARecord:
    """The clean record of *event*, as ingest writes it, unless *fields* say otherwise."""
    event = event or an_event()
    return ARecord(**{"offset": offset, "key": clean_key(event), "value": encode_clean(event), **fields})


def clean_log(events: Iterable[CleanEvent], *, partitions: int) -> dict[int, list[ARecord]]:
    """The records of *events*, each in its partition, with the offsets that it has there."""
    log: dict[int, list[ARecord]] = {partition: [] for partition in range(partitions)}
    for event in events:
        records = log[partition_of(clean_key(event), partitions)]
        records.append(a_record(event, offset=len(records)))
    return log


class AClock:
    """Seconds that pass only when somebody waits."""

    def __init__(self) -> None:
        self.s = 1000.0

    def __call__(self) -> float:
        """The time."""
        return self.s


@dataclass(slots=True)
class AConsumer:
    """Hands out *batches* one after the other and nothing after them; waiting moves *clock*.

    Attributes:
        meanwhile: what else happens while the batch of that number, from 0, is waited for.
        asked: how many records each call wanted at most.
        seeks: where it was told to read on, by partition.
    """

    clock: AClock = field(default_factory=AClock)
    batches: list[Mapping[int, Sequence[ARecord]]] = field(default_factory=list)
    meanwhile: dict[int, Callable[[], object]] = field(default_factory=dict)
    while_asked_for_ends: Callable[[], object] = lambda: None
    begins: dict[int, int] = field(default_factory=dict)
    ends: dict[int, int] = field(default_factory=dict)
    fetched_ends: dict[int, int] = field(default_factory=dict)
    asked: list[int] = field(default_factory=list)
    seeks: dict[int, int] = field(default_factory=dict)

    async def batch(self, timeout_s: float, max_records: int) -> Mapping[TopicPartition, list[ARecord]]:
        """The next batch; an empty one takes as long as it may."""
        self.meanwhile.get(len(self.asked), lambda: None)()
        self.asked.append(max_records)
        found = self.batches.pop(0) if self.batches else {}
        self.clock.s += 0.001 if found else timeout_s
        return {TopicPartition(EVENTS, partition): list(records) for partition, records in found.items()}

    async def begin_offsets(self) -> Mapping[TopicPartition, int]:
        """As set."""
        return {TopicPartition(EVENTS, partition): offset for partition, offset in self.begins.items()}

    async def end_offsets(self) -> Mapping[TopicPartition, int]:
        """As set, after what else happens meanwhile."""
        self.while_asked_for_ends()
        return {TopicPartition(EVENTS, partition): offset for partition, offset in self.ends.items()}

    def known_ends(self) -> Mapping[TopicPartition, int]:
        """As of the last fetch; of a fetcher that has died, nothing."""
        return {TopicPartition(EVENTS, partition): offset for partition, offset in self.fetched_ends.items()}

    async def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Forget them: only lag tools care. Like the real client, refuse to commit nothing."""
        if not offsets:
            raise ValueError(offsets)

    def partition_count(self, _: str) -> int:
        """As many as begin somewhere."""
        return len(self.begins)

    def seek(self, topic: str, partition: int, offset: int) -> None:
        """Remember where to."""
        assert topic == EVENTS
        self.seeks[partition] = offset
