"""Dead letters from the newest to the oldest, a page at a time; only what a page needs is read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from shared.domain.errors import BadInputError
from shared.messaging.admin import Offsets
from shared.messaging.ranges import RangeReader
from shared.replay.letters import Choice, StoredLetter, Summary, stored_letter

STRETCH = 200
"""How many offsets of a partition are read at a time: a few pages of letters."""


class UnknownDeadLetterError(BadInputError):
    """There is no dead letter at that place, or no more."""

    def __init__(self, partition: int, offset: int) -> None:
        super().__init__(f"there is no dead letter at offset {offset} of partition {partition}")


@dataclass(frozen=True, slots=True)
class LetterPage:
    """Some dead letters, newest first.

    Attributes:
        before: for each partition the offset below which the next page begins; empty after the last one.
    """

    letters: Sequence[Summary]
    before: Mapping[int, int]


async def newest_letters(
    log: RangeReader,
    offsets: Mapping[int, Offsets],
    choice: Choice,
    *,
    before: Mapping[int, int],
    limit: int,
    most: int,
) -> LetterPage:
    """At most *limit* of the dead letters that *choice* means, by when they were set aside, newest first.

    The partitions are merged by time; one that holds nothing chosen is looked through, *most* records in all.
    A page that ends there may hold fewer letters, or none, and still has a next one.

    Args:
        log: reads the topic.
        offsets: what each partition holds.
        choice: which are meant.
        before: where the page before ended; a partition that is not named begins at its end.
        limit: at least 1.
        most: how many records may be read for this page, beside one stretch of each partition.

    Raises:
        LogLostError: retention has removed what was about to be read; ask again.
        BrokerUnavailableError: Kafka did not answer.
    """
    lanes = [
        _Lane(partition, at.begin, min(at.end, before.get(partition, at.end)))
        for partition, at in sorted(offsets.items())
    ]
    for lane in lanes:  # one stretch of each in any case, so that every page gets somewhere
        most -= await lane.load(log, choice)
    found: list[Summary] = []
    while len(found) < limit:
        for lane in lanes:
            while lane.hides_more and most > 0:
                most -= await lane.load(log, choice)
        if any(lane.hides_more for lane in lanes):
            break  # what such a lane holds may be newer than what the others show
        newest = max((lane for lane in lanes if lane.waiting), key=_Lane.newest, default=None)
        if newest is None:
            return LetterPage(found, {})
        found.append(newest.waiting.pop())
    ends = {lane.partition: lane.end for lane in lanes}
    has_more = any(lane.end > lane.begin for lane in lanes)
    return LetterPage(found, ends if has_more else {})


async def letter_at(log: RangeReader, offsets: Mapping[int, Offsets], place: tuple[int, int]) -> StoredLetter:
    """The dead letter at *place*, a partition and an offset, whole.

    Raises:
        UnknownDeadLetterError: there is none.
        BrokerUnavailableError: Kafka did not answer.
    """
    partition, offset = place
    held = offsets.get(partition)
    if held is not None and held.begin <= offset < held.end:
        async for records in log.read(partition, offset, offset + 1):
            for record in records:
                stored = stored_letter(partition, record)
                if stored is not None:
                    return stored
    raise UnknownDeadLetterError(partition, offset)


@dataclass(slots=True)
class _Lane:
    """One partition, read backwards.

    Attributes:
        unread: everything from here on has been read.
        waiting: what was read, is meant and has not been given out; the newest last.
    """

    partition: int
    begin: int
    unread: int
    waiting: list[Summary] = field(default_factory=list)

    @property
    def hides_more(self) -> bool:
        """Whether what comes next of it has not been read yet."""
        return not self.waiting and self.unread > self.begin

    @property
    def end(self) -> int:
        """The offset below which nothing has been given out."""
        return self.waiting[-1].offset + 1 if self.waiting else self.unread

    def newest(self) -> tuple[str, int, int]:
        """What the letter that is next is ordered by; only if one is waiting."""
        letter = self.waiting[-1]
        return letter.letter.time, letter.partition, letter.offset

    async def load(self, log: RangeReader, choice: Choice) -> int:
        """Read the stretch before what has been read, and say how many offsets that were."""
        first = max(self.begin, self.unread - STRETCH)
        async for records in log.read(self.partition, first, self.unread):
            for record in records:
                stored = stored_letter(self.partition, record)
                if stored is not None and choice.means(stored):
                    self.waiting.append(stored.summary)
        read, self.unread = self.unread - first, first
        return read
