"""The dead letters behind the API: looked at and sent again; few at a time, and none without a bound."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy.ext.asyncio import AsyncEngine

from shared.contracts.topics import DEAD_LETTERS
from shared.domain.errors import BadInputError
from shared.messaging.admin import Offsets, topic_offsets
from shared.messaging.failures import broker_call
from shared.messaging.producer import open_producer
from shared.messaging.ranges import RangeReader, open_ranges
from shared.replay.letter_pages import LetterPage, letter_at, newest_letters
from shared.replay.letters import Choice, StoredLetter, addressed, send_again
from shared.storage import audit
from shared.storage.engine import transaction

LIMIT_S = 30.0
"""How long one answer may read; a caller who waits longer has usually gone."""

MOST_RECORDS = 20_000
"""How many records are looked through for one page: a second or two."""

AT_ONCE = 2
"""Answers made at the same time: a letter may have 8 MiB."""


class CutLetterError(BadInputError):
    """Only the beginning of the record was kept, so that it can only be sent with a mended value."""

    def __init__(self, stored: StoredLetter) -> None:
        place = f"offset {stored.record.offset} of partition {stored.partition}"
        super().__init__(f"only the beginning of what lies at {place} was kept: send it with a text")


@dataclass(frozen=True, slots=True)
class Again:
    """A dead letter that is to be sent again.

    Attributes:
        place: its partition and offset among the dead letters.
        value: what is sent instead of what was refused; None is as it arrived.
    """

    place: tuple[int, int]
    value: bytes | None


@dataclass(frozen=True, slots=True)
class DeadLetters:
    """Reads and sends with connections of its own, made when they are needed: that is seldom.

    Attributes:
        engine: where it is noted who had what sent again.
    """

    bootstrap_servers: str
    engine: AsyncEngine
    _turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    async def newest(self, choice: Choice, *, before: Mapping[int, int], limit: int) -> LetterPage:
        """A page of those that *choice* means, newest first, from *before* on.

        Raises:
            LogLostError: retention was faster; ask again.
            BrokerUnavailableError: Kafka did not answer, or it took too long.
        """
        async with self._opened() as (log, offsets):
            return await newest_letters(log, offsets, choice, before=before, limit=limit, most=MOST_RECORDS)

    async def one(self, partition: int, offset: int) -> StoredLetter:
        """The one at that place, whole.

        Raises:
            UnknownDeadLetterError: there is none.
            BrokerUnavailableError: Kafka did not answer, or it took too long.
        """
        async with self._opened() as (log, offsets):
            return await letter_at(log, offsets, (partition, offset))

    async def send_again(
        self, letters: Sequence[Again], *, topic: str | None, actor: str
    ) -> list[StoredLetter]:
        """Send *letters* where they came from or to *topic*, all or, if one cannot be sent, none.

        The audit log is written first: nothing is sent of which it knows nothing.

        Raises:
            UnknownDeadLetterError: one of them is not there.
            CutLetterError: one of them is not whole.
            UnknownTopicError: one of the topics is not there.
            BrokerUnavailableError: Kafka did not answer; some may have been sent, and may be sent once more.
            StoreUnavailableError: the database does not answer; as before.
        """
        async with self._opened() as (log, offsets):
            found = [await letter_at(log, offsets, letter.place) for letter in letters]
        for stored, letter in zip(found, letters, strict=True):
            if stored.is_truncated and letter.value is None:
                raise CutLetterError(stored)
        chosen = [(stored, letter.value) for stored, letter in zip(found, letters, strict=True)]
        outgoing = await addressed(self.bootstrap_servers, chosen, topic=topic)
        async with open_producer(self.bootstrap_servers, "tidemark-retry") as producer:
            async with transaction(self.engine) as connection:
                await audit.record(connection, _entry(letters, topic, actor))
            await send_again(producer, outgoing)
        return found

    @contextlib.asynccontextmanager
    async def _opened(self) -> AsyncIterator[tuple[RangeReader, Mapping[int, Offsets]]]:
        async with self._turns, broker_call("reading dead letters", deadline_s=LIMIT_S):
            offsets = await topic_offsets(self.bootstrap_servers, DEAD_LETTERS)
            async with open_ranges(self.bootstrap_servers, DEAD_LETTERS) as log:
                yield log, offsets


def _entry(letters: Sequence[Again], topic: str | None, actor: str) -> audit.Entry:
    """Which letters, and which of them with another text; not what stood in them."""
    places = [
        {"partition": letter.place[0], "offset": letter.place[1], "mended": letter.value is not None}
        for letter in letters
    ]
    return audit.Entry(actor, "deadletters.retry", DEAD_LETTERS, {"letters": places, "topic": topic})
