"""Dead letters as an operator sees them: read, chosen, and sent back; it prints nothing."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared.contracts.deadletters import DeadLetter, is_truncated, original_headers, read_dead_letter
from shared.contracts.topics import DEAD_LETTERS
from shared.messaging.producer import Outgoing
from shared.messaging.reader import read_topic
from shared.messaging.records import Record

PREVIEW_CHARACTERS = 200
"""How much of a value is shown; `--json` shows no more either, for values can be megabytes."""


@dataclass(frozen=True, slots=True)
class StoredLetter:
    """A dead letter and where it lies."""

    partition: int
    record: Record
    letter: DeadLetter

    @property
    def is_truncated(self) -> bool:
        """Whether the original cannot be sent again, because only its beginning was kept."""
        return is_truncated(self.record.headers)

    def row(self) -> dict[str, Any]:
        """What is shown of it."""
        value = self.record.value
        return {
            "partition": self.partition,
            "offset": self.record.offset,
            "time": self.letter.time,
            "reason": self.letter.reason,
            "detail": self.letter.detail,
            "service": self.letter.service,
            "from": f"{self.letter.topic}/{self.letter.partition}/{self.letter.offset}",
            "bytes": None if value is None else len(value),
            "preview": None if value is None else _preview(value),
        }

    def original(self, partitions: Mapping[str, int], topic: str | None) -> tuple[str, Outgoing]:
        """Where to, and the record as it was first sent: its key, value, headers and timestamp.

        Args:
            partitions: how many partitions each topic has.
            topic: another topic than the one it came from; None is that one, and the same partition.
        """
        target = topic or self.letter.topic
        stays = target == self.letter.topic and self.letter.partition < partitions.get(target, 0)
        record = Outgoing(
            self.record.value,
            self.record.key,
            partition=self.letter.partition if stays else None,
            headers=original_headers(self.record.headers),
            timestamp_ms=self.letter.timestamp_ms,
        )
        return target, record


@dataclass(frozen=True, slots=True)
class Choice:
    """Which dead letters are meant; what is empty leaves the choice open.

    Attributes:
        reasons: why they were set aside.
        topics: where they came from.
        partition: where they lie among the dead letters.
        offsets: their offsets there.
    """

    reasons: Collection[str] = ()
    topics: Collection[str] = ()
    partition: int | None = None
    offsets: Collection[int] = ()

    @property
    def is_open(self) -> bool:
        """Whether every dead letter is meant."""
        return self == Choice()

    def means(self, stored: StoredLetter) -> bool:
        """Whether *stored* is meant."""
        return (
            (not self.reasons or stored.letter.reason in self.reasons)
            and (not self.topics or stored.letter.topic in self.topics)
            and (self.partition is None or stored.partition == self.partition)
            and (not self.offsets or stored.record.offset in self.offsets)
        )


async def chosen_letters(
    bootstrap_servers: str, choice: Choice
) -> AsyncIterator[tuple[int, Sequence[StoredLetter]]]:
    """Batch after batch, oldest first within a partition: how many were read, and those *choice* means.

    Raises:
        BrokerUnavailableError: Kafka did not answer.
    """
    async for batch in read_topic(bootstrap_servers, DEAD_LETTERS):
        found = [_stored(at.partition, record) for at, records in batch.items() for record in records]
        yield len(found), [stored for stored in found if stored is not None and choice.means(stored)]


def _stored(partition: int, record: Record) -> StoredLetter | None:
    letter = read_dead_letter(record.headers)
    return None if letter is None else StoredLetter(partition, record, letter)


def _preview(value: bytes) -> str:
    """The beginning of *value* as text fit for a terminal: nothing in it can move the cursor."""
    text = value[: PREVIEW_CHARACTERS * 4].decode(errors="replace")[:PREVIEW_CHARACTERS]
    return "".join(character if character.isprintable() else "·" for character in text)
