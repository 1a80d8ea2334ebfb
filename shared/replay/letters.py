"""Dead letters as an operator sees them: read, chosen, mended and sent back; it prints nothing."""

from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass

from shared.contracts.deadletters import DeadLetter, is_truncated, original_headers, read_dead_letter
from shared.contracts.topics import DEAD_LETTERS
from shared.domain.errors import BadInputError
from shared.messaging.admin import partition_counts
from shared.messaging.producer import Outgoing, Producer
from shared.messaging.reader import read_topic
from shared.messaging.records import Record

PREVIEW_CHARACTERS = 200
"""How much of a value is shown in a list: values can be megabytes."""


class UnknownTopicError(BadInputError):
    """What is to be sent again would go to a topic that is not there."""

    def __init__(self, topics: Collection[str]) -> None:
        super().__init__(f"there is no topic {', '.join(sorted(topics))}; name another topic to send to")


@dataclass(frozen=True, slots=True)
class Summary:
    """A dead letter without its value, of which only the beginning is kept.

    Attributes:
        partition: where it lies among the dead letters, with *offset*.
        size: the bytes of the value that are kept; None without a value.
        preview: the beginning of the value, as text that can move no cursor.
        is_truncated: whether only the beginning of the original was kept.
    """

    partition: int
    offset: int
    letter: DeadLetter
    size: int | None
    preview: str | None
    is_truncated: bool


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

    @property
    def summary(self) -> Summary:
        """What a list shows of it."""
        value = self.record.value
        return Summary(
            self.partition,
            self.record.offset,
            self.letter,
            size=None if value is None else len(value),
            preview=None if value is None else _preview(value),
            is_truncated=self.is_truncated,
        )

    def original(
        self, partitions: Mapping[str, int], topic: str | None, *, mended: bytes | None = None
    ) -> tuple[str, Outgoing]:
        """Where to, and the record as it was first sent: its key, value, headers and timestamp.

        Args:
            partitions: how many partitions each topic has.
            topic: another topic than the one it came from; None is that one, and the same partition.
            mended: what is sent instead of the value that was refused.
        """
        target = topic or self.letter.topic
        stays = target == self.letter.topic and self.letter.partition < partitions.get(target, 0)
        record = Outgoing(
            self.record.value if mended is None else mended,
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
        found = [stored_letter(at.partition, record) for at, records in batch.items() for record in records]
        yield len(found), [stored for stored in found if stored is not None and choice.means(stored)]


async def addressed(
    bootstrap_servers: str, letters: Sequence[tuple[StoredLetter, bytes | None]], *, topic: str | None
) -> Mapping[str, Sequence[Outgoing]]:
    """The records to send again for *letters*, by topic; each with its mended value if there is one.

    Args:
        bootstrap_servers: where Kafka is.
        letters: each with the value to send instead of its own.
        topic: another topic than those they came from.

    Raises:
        UnknownTopicError: a topic does not exist, or no more.
        BrokerUnavailableError: Kafka did not answer.
    """
    targets = {topic or stored.letter.topic for stored, _ in letters}
    partitions = await partition_counts(bootstrap_servers, sorted(targets)) if targets else {}
    if targets - partitions.keys():
        raise UnknownTopicError(targets - partitions.keys())
    outgoing: defaultdict[str, list[Outgoing]] = defaultdict(list)
    for stored, mended in letters:
        target, record = stored.original(partitions, topic, mended=mended)
        outgoing[target].append(record)
    return outgoing


async def send_again(producer: Producer, addressed: Mapping[str, Sequence[Outgoing]]) -> None:
    """Send what is *addressed*, topic after topic, and return when Kafka has everything.

    Raises:
        BrokerUnavailableError: Kafka did not answer; some may have been sent.
    """
    for target, records in addressed.items():
        await producer.send_all(target, records)


def stored_letter(partition: int, record: Record) -> StoredLetter | None:
    """*record* of that *partition* as a dead letter; None when it is a stranger's."""
    letter = read_dead_letter(record.headers)
    return None if letter is None else StoredLetter(partition, record, letter)


def _preview(value: bytes) -> str:
    """The beginning of *value* as text fit for a terminal: nothing in it can move the cursor."""
    text = value[: PREVIEW_CHARACTERS * 4].decode(errors="replace")[:PREVIEW_CHARACTERS]
    return "".join(character if character.isprintable() else "·" for character in text)
