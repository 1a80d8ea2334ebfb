"""A subject's events found in the log and taken back, so that no number is made of them any more.

Each is retracted as a sender would retract it: whoever counts undoes it, and all that was made of it follows.
The records themselves stay until the retention of their topic removes them.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from dataclasses import dataclass, field

import msgspec

from shared.contracts.events import CLEAN_HEADERS, CleanEvent, clean_key, encode_clean
from shared.contracts.rfc3339 import text_of_us
from shared.domain.events import event_key, partition_of
from shared.messaging.producer import Outgoing, Producer
from shared.messaging.reader import read_topic
from shared.messaging.records import Batch, Record

RETRACTION_TYPE = "tidemark.erased"
"""The type of the retractions that erasing sends: no KPI is made of it, and it names nobody."""

AT_ONCE = 5000
"""Retractions sent together; after a kill at most so many are sent once more, which changes nothing."""


@dataclass(frozen=True, slots=True)
class Found:
    """An event of the subject.

    Attributes:
        key: of its identity; 16 bytes.
        timestamp_ms: when the log took it in.
    """

    source: str
    id: str
    key: bytes
    timestamp_ms: int


@dataclass(slots=True)
class Search:
    """What has been found so far.

    Attributes:
        subject: whose events are meant.
        source: only events of this source; None is of all.
        events: what was found, copies once, by key.
        records: how many records were looked at.
    """

    subject: str
    source: str | None = None
    events: dict[bytes, Found] = field(default_factory=dict)
    records: int = 0

    def look(self, records: Sequence[Record]) -> None:
        """Add the events of the subject among *records* of the clean topic."""
        self.records += len(records)
        written = msgspec.json.encode(self.subject)
        for record in records:
            # Most records do not hold the name anywhere: they are not taken apart.
            if record.value is not None and written in record.value:
                self._add(record, record.value)

    def _add(self, record: Record, value: bytes) -> None:
        try:
            head = _HEAD.decode(value)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return
        is_meant = head.subject == self.subject and self.source in (None, head.source)
        if is_meant and head.retracts is None:
            key = event_key(head.source, head.id)
            self.events[key] = Found(head.source, head.id, key, record.timestamp)


class _Head(msgspec.Struct):
    """What tells whose an event is."""

    id: str
    source: str
    subject: str | None = None
    retracts: str | None = None


_HEAD = msgspec.json.Decoder(_Head)


async def searched(
    bootstrap_servers: str, topic: str, search: Search, *, on_read: Callable[[int], None]
) -> None:
    """Look through everything that *topic* holds now; *on_read* is told of every batch's records.

    Raises:
        BrokerUnavailableError: Kafka did not answer; search again.
    """
    async for batch in _batches(bootstrap_servers, topic):
        for records in batch.values():
            search.look(records)
            on_read(len(records))
        await asyncio.sleep(0)


def _batches(bootstrap_servers: str, topic: str) -> AsyncIterator[Batch]:
    return read_topic(bootstrap_servers, topic, max_records=10_000)


def retractions_of(events: Collection[Found], *, partitions: int, now_us: int) -> list[Outgoing]:
    """The clean records that take *events* back; each goes where its event lies, and names no subject."""
    return [_retraction(found, partitions, text_of_us(now_us)) for found in events]


def _retraction(found: Found, partitions: int, time: str) -> Outgoing:
    event = CleanEvent(
        id=f"erased-{found.key.hex()}",
        source=found.source,
        type=RETRACTION_TYPE,
        time=time,
        retracts=found.id,
        data={},
    )
    key = clean_key(event)
    return Outgoing(encode_clean(event), key, partition_of(key, partitions), CLEAN_HEADERS)


async def take_back(
    producer: Producer,
    topic: str,
    records: Sequence[Outgoing],
    *,
    on_sent: Callable[[int], None],
) -> None:
    """Send *records*, some thousands at a time, and return when Kafka has them all.

    Raises:
        BrokerUnavailableError: Kafka did not answer; some were sent, and may be sent again.
    """
    for start in range(0, len(records), AT_ONCE):
        part = records[start : start + AT_ONCE]
        await producer.send_all(topic, part)
        on_sent(len(part))
