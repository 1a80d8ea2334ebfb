"""What is declared of event types, told to ingest: the topic is made to say what the catalogue says."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from services.api.catalogue_cache import CatalogueCache
from shared.contracts.event_types import encode_event_type
from shared.contracts.topics import EVENT_TYPES
from shared.domain.definitions.event_types import EventType
from shared.domain.errors import TryAgainError
from shared.messaging.admin import partition_counts
from shared.messaging.producer import Outgoing, Producer
from shared.messaging.reader import read_topic
from shared.runtime.clock import monotonic_s
from shared.runtime.lifecycle import every
from shared.storage.definitions import load_catalogue
from shared.storage.engine import transaction
from shared.storage.turns import TELL_EVENT_TYPES, take_turn

log = structlog.get_logger(__name__)

LOOK_S = 0.5
"""Between two looks at the revision of the catalogue."""

AGAIN_S = 60.0
"""After which the topic is compared although nothing has changed: it may have been made anew."""

SEND_WITHIN_S = 5.0
"""Less than what a transaction may rest for: the turn must not be lost while records are under way."""

Told = Mapping[str, bytes]
"""Values of records by event type."""


def changes(told: Told, declared: Mapping[str, EventType]) -> list[Outgoing]:
    """The records that make a topic with *told* say what is *declared*; tombstones for what is gone."""
    wanted = {name: encode_event_type(each) for name, each in declared.items()}
    new = [
        Outgoing(value, name.encode(), 0) for name, value in sorted(wanted.items()) if told.get(name) != value
    ]
    return new + [Outgoing(None, name.encode(), 0) for name in sorted(told.keys() - wanted.keys())]


@dataclass(slots=True)
class Declarations:
    """The job; every process does it, in turns. Doors that are closed make it wait and nothing else."""

    engine: AsyncEngine
    producer: Producer
    bootstrap_servers: str
    catalogue: CatalogueCache
    _revision: int | None = field(default=None, init=False)
    _compared_s: float = field(default=float("-inf"), init=False)

    async def run(self, stopping: asyncio.Event) -> None:
        """Tell every change, until *stopping* is set."""
        await every(LOOK_S, self._look, stopping=stopping)

    async def _look(self) -> None:
        try:
            revision = (await self.catalogue.current()).revision
            if revision != self._revision or monotonic_s() - self._compared_s > AGAIN_S:
                await self.tell()
        except TryAgainError as error:
            log.warning("declarations_wait", reason=str(error))

    async def tell(self) -> None:
        """Compare the topic with the catalogue and send what differs.

        Raises:
            TryAgainError: a door is closed, or ingest has not made the topic yet; some may have been sent.
        """
        if EVENT_TYPES not in await partition_counts(self.bootstrap_servers, [EVENT_TYPES]):
            raise TryAgainError(f"{EVENT_TYPES} does not exist yet: ingest makes it when it starts")
        async with transaction(self.engine) as connection:
            await take_turn(connection, TELL_EVENT_TYPES)
            catalogue = await load_catalogue(connection)
            records = changes(await self._told(), catalogue.event_types)
            await self.producer.send_all(EVENT_TYPES, records)
        self._revision, self._compared_s = catalogue.revision, monotonic_s()
        if records:
            log.info("event_types_declared", changed=len(records), revision=catalogue.revision)

    async def _told(self) -> dict[str, bytes]:
        told: dict[str, bytes] = {}
        async for batch in read_topic(self.bootstrap_servers, EVENT_TYPES):
            for record in (record for records in batch.values() for record in records):
                name = (record.key or b"").decode(errors="replace")
                if record.value is None:
                    told.pop(name, None)
                else:
                    told[name] = record.value
        return told
