"""Drafts over the recent log, answered from Postgres and the log; one at a time, and none without a bound."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncEngine

from shared.contracts.topics import EVENTS
from shared.messaging.admin import topic_offsets
from shared.messaging.failures import broker_call
from shared.messaging.ranges import open_ranges
from shared.replay.preview_events import Study
from shared.replay.previews import Preview, Question, look, read
from shared.replay.recounts import RecordReader
from shared.storage.engine import reading

LOG_LIMIT_S = 30.0
"""How long the log may be read for one preview; a caller who waits longer has usually gone."""


class PreviewLog(Protocol):
    """The log as a preview needs it."""

    async def begins(self) -> Mapping[int, int]:
        """The first offset that each partition still holds.

        Raises:
            BrokerUnavailableError: Kafka did not answer.
        """

    def opened(self) -> AbstractAsyncContextManager[RecordReader]:
        """A reader of its stretches; raises what `begins` raises."""


@dataclass(frozen=True, slots=True)
class KafkaLog:
    """The clean topic."""

    bootstrap_servers: str

    async def begins(self) -> Mapping[int, int]:
        """The first offset that each partition still holds."""
        offsets = await topic_offsets(self.bootstrap_servers, EVENTS)
        return {partition: at.begin for partition, at in offsets.items()}

    def opened(self) -> AbstractAsyncContextManager[RecordReader]:
        """A connection that reads one stretch after the other."""
        return open_ranges(self.bootstrap_servers, EVENTS)


class Previewer(Protocol):
    """Reads the log for drafts."""

    @property
    def most_records(self) -> int:
        """How many records one preview may read, whatever it asks for."""

    async def preview(
        self, questions: Sequence[Question], study: Study, *,
        now: datetime, most: int, with_panes: Collection[int],
    ) -> Preview:  # fmt: skip
        """What the log has for *questions*, whose catalogues share their numbers.

        Args:
            questions: at least one, with at least one ask.
            study: empty; it is fed every event that is read.
            now: the wall clock.
            most: how many records may be read, `most_records` at most.
            with_panes: the numbers of measures whose panes are counted, too.

        Raises:
            ReplayTooLargeError: not even the newest of it may be read.
            LogLostError: the log has lost some of it in the meantime.
            StoreUnavailableError, BrokerUnavailableError: a door is closed, or it took too long.
        """


@dataclass(frozen=True, slots=True)
class Previews:
    """Reads the log for drafts.

    Attributes:
        most_records: how many records one preview may read, whatever it asks for.
    """

    engine: AsyncEngine
    log: PreviewLog
    most_records: int
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def preview(
        self, questions: Sequence[Question], study: Study, *,
        now: datetime, most: int, with_panes: Collection[int],
    ) -> Preview:  # fmt: skip
        """What the log has for *questions*, whose catalogues share their numbers."""
        async with self._turn, broker_call("reading the log for a preview", deadline_s=LOG_LIMIT_S):
            begins = await self.log.begins()
            async with reading(self.engine) as connection:
                looked = await look(
                    connection, questions, now=now, begins=begins, most=min(most, self.most_records)
                )
            async with self.log.opened() as log:
                return await read(log, looked, study, with_panes=with_panes)
