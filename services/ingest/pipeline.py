"""Ingest's work on Kafka: a membership of the group, renewed when it fails, and an eye on progress."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from services.ingest.forwarding import Forwarder, Outlets, back_off_s
from services.ingest.settings import IngestSettings
from services.ingest.topics import make_topics
from shared.domain.errors import TryAgainError
from shared.messaging.consumer import open_consumer
from shared.messaging.records import TopicPartition
from shared.runtime.clock import monotonic_s
from shared.runtime.lifecycle import StoppedBeforeStartError, pause

log = structlog.get_logger(__name__)

OBSERVE_S = 1.0
"""How often the lag is looked at."""


@dataclass(slots=True)
class Pipeline:
    """Forwards the partitions of *topics* that the group gives to this process."""

    settings: IngestSettings
    topics: Sequence[str]
    outlets: Outlets
    _forwarder: Forwarder | None = None

    def owned(self) -> set[TopicPartition] | None:
        """The partitions read here now; None while this process is no member of the group."""
        if self._forwarder is None or not self._forwarder.has_joined:
            return None
        return self._forwarder.consumer.assignment()

    async def run(self, stopping: asyncio.Event) -> None:
        """Forward until *stopping* is set; join the group anew whenever Kafka fails this member."""
        while not stopping.is_set():
            try:
                await make_topics(self.settings, self.topics)
                await self.outlets.schemas.known(stopping)
                await self._take_part(stopping)
            except StoppedBeforeStartError:
                return
            except TryAgainError as error:
                log.warning("membership_ended", reason=str(error))
                await pause(stopping, back_off_s(failures=4))

    async def _take_part(self, stopping: asyncio.Event) -> None:
        forwarder = Forwarder(self.outlets)
        opened = open_consumer(
            self.settings.kafka_bootstrap_servers,
            group_id=self.settings.ingest_group_id,
            topics=self.topics,
            client_id="tidemark-ingest",
            auto_offset_reset="earliest",
            on_assigned=forwarder.assigned,
            on_revoked=forwarder.revoked,
            session_timeout_s=self.settings.ingest_session_timeout_s,
        )
        async with opened as forwarder.consumer:
            self._forwarder = forwarder
            try:
                await forwarder.run(stopping)
            finally:
                self._forwarder = None

    async def watch(self, stopping: asyncio.Event) -> None:
        """Look at the lag again and again until *stopping* is set.

        Raises:
            StuckError: records wait, Kafka answers, and nothing has moved for too long.
        """
        while not stopping.is_set():
            lag = await self._lag()
            if lag is None:
                self.outlets.progress.unknown()
            else:
                self.outlets.progress.observe(lag, monotonic_s())
            await pause(stopping, OBSERVE_S)

    async def _lag(self) -> int | None:
        try:
            return await self._forwarder.lag() if self._forwarder else None
        except TryAgainError:
            return None
