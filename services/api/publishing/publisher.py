"""Current values onto their topic, by one instance at a time, so that the last record of a key is its value.

What was sent and not yet noted is sent again after a crash. A publisher that finds its turn taken over has
perhaps written old values over new ones: it asks for everything since to be published once more.
"""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Protocol

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from services.api.catalogue_cache import CatalogueCache
from services.api.freshness import defined
from services.api.judging import judgements
from services.api.publishing.metrics import PublishingMetrics
from services.api.readers import Readings
from shared.contracts.values import REVISION_HEADER, encode_value, value_key
from shared.domain.definitions import Catalogue
from shared.domain.errors import TryAgainError
from shared.domain.readings import Reading
from shared.messaging.producer import SEND_DEADLINE_S, Outgoing
from shared.runtime.clock import monotonic_s, utc_now
from shared.runtime.lifecycle import every
from shared.storage import value_publication
from shared.storage.current import CurrentReading
from shared.storage.engine import transaction
from shared.storage.gone import Gone
from shared.storage.readings import Ask
from shared.storage.value_publication import Turn

log = structlog.get_logger(__name__)

LASTING = timedelta(seconds=3 * SEND_DEADLINE_S)
"""How long a turn outlives its last renewal: longer than a send may hang, so that none ends after it."""

AT_ONCE = 1000
"""Rows that are judged and encoded before others get the loop: about 15 ms."""


class Sender(Protocol):
    """What the publisher needs of a producer."""

    async def send_all(self, topic: str, records: Sequence[Outgoing]) -> None:
        """Send *records* and return when Kafka has them."""


class Publisher:
    """One instance's part in publishing; it runs whether or not it is its turn.

    Args:
        holder: a name no other process has or has had.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        *,
        readings: Readings,
        catalogue: CatalogueCache,
        producer: Sender,
        topic: str,
        holder: str,
        metrics: PublishingMetrics,
        lasting: timedelta = LASTING,
    ) -> None:
        self._engine = engine
        self._readings = readings
        self._catalogue = catalogue
        self._producer = producer
        self._topic = topic
        self._holder = holder
        self._metrics = metrics
        self._lasting = lasting
        self._reached: Turn | None = None
        self._begun: Turn | None = None
        self._last_sent: dict[bytes, int] = {}

    async def run(self, stopping: asyncio.Event, *, interval_s: float) -> None:
        """Publish what has changed every *interval_s* seconds until *stopping* is set, then let go."""
        await every(interval_s, self.attempt, stopping=stopping)
        try:
            async with transaction(self._engine) as conn:
                await value_publication.release(conn, self._holder)
        except TryAgainError as error:
            log.warning("publishing_not_released", reason=str(error))

    async def attempt(self) -> None:
        """A round; doors that are closed are tried again by the next."""
        try:
            await self.round()
        except TryAgainError as error:
            log.warning("values_not_published", reason=str(error))

    async def round(self) -> bool:
        """Publish what has changed since the last time; whether it was this instance's turn.

        Raises:
            TryAgainError: a door is closed; what was sent is sent again by the next round.
        """
        taken_s = monotonic_s()
        turn = await self._turn()
        if self._begun is not None and (turn is None or turn.epoch != self._begun.epoch):
            await self._rewind(self._begun)
            return False
        if turn is None:
            return False
        if turn != self._reached:
            self._last_sent = {}
        rows, position = await self._readings.changed_since(turn.position)
        # A transaction that is still open holds the position back, and the rows after it come again.
        news = [row for row in rows if self._last_sent.get(_key(row)) != row.revision]
        self._begun = turn
        for start in range(0, len(news), AT_ONCE):
            if monotonic_s() - taken_s > self._lasting.total_seconds() / 2:
                taken_s, renewed = monotonic_s(), await self._turn()
                if renewed != turn:
                    return False
            await self._send(news[start : start + AT_ONCE])
        await self._note(turn, position, rows)
        return True

    async def _turn(self) -> Turn | None:
        async with transaction(self._engine) as conn:
            return await value_publication.take(conn, self._holder, lasting=self._lasting)

    async def _send(self, rows: Sequence[CurrentReading | Gone]) -> None:
        values = [row for row in rows if isinstance(row, CurrentReading)]
        catalogue = await self._knowing(values)
        known, now = defined(catalogue, values), utc_now()

        async def evaluate(asks: Sequence[Ask]) -> list[Reading]:
            return await self._readings.evaluate(catalogue, asks, now=now)

        readings = [row.reading for row in known]
        judged = await judgements(catalogue, readings, evaluate=evaluate, now=now, are_current=True)
        records = [
            _record(
                row,
                encode_value(catalogue.kpis[row.reading.slug], row.reading, judgement, revision=row.revision),
            )
            for row, judgement in zip(known, judged, strict=True)
        ]
        records += [_record(row, None) for row in rows if isinstance(row, Gone)]
        await self._producer.send_all(self._topic, records)
        self._metrics.records.inc(len(records))

    async def _knowing(self, rows: Sequence[CurrentReading]) -> Catalogue:
        catalogue = await self._catalogue.current()
        if all(row.reading.slug in catalogue.kpis for row in rows):
            return catalogue
        return await self._catalogue.renewed()

    async def _note(self, turn: Turn, position: int, rows: Sequence[CurrentReading | Gone]) -> None:
        async with transaction(self._engine) as conn:
            is_noted = await value_publication.advance(conn, self._holder, turn, position=position)
        if is_noted:
            self._begun, self._reached = None, Turn(turn.epoch, position)
            self._last_sent = {_key(row): row.revision for row in rows}

    async def _rewind(self, begun: Turn) -> None:
        """Have all that may have been sent in a turn that was over by then published again."""
        log.warning("publishing_overtaken", position=begun.position)
        async with transaction(self._engine) as conn:
            await value_publication.rewind(conn, position=begun.position)
        self._begun = None


def _key(row: CurrentReading | Gone) -> bytes:
    named = row if isinstance(row, Gone) else row.reading
    return value_key(named.slug, named.window, named.dimensions)


def _record(row: CurrentReading | Gone, value: bytes | None) -> Outgoing:
    headers = [(REVISION_HEADER, str(row.revision).encode())]
    return Outgoing(value=value, key=_key(row), headers=list(headers))
