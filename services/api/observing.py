"""What ingest tells of event types, put into the database: by every process, and each summary once."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from services.api.catalogue_cache import CatalogueCache
from shared.contracts.observations import OTHERS, ObservationRecord, read_observation
from shared.contracts.topics import OBSERVATIONS
from shared.domain.calendars import as_datetime
from shared.domain.errors import TryAgainError
from shared.messaging.following import Follower, open_follower
from shared.messaging.records import Record
from shared.runtime.lifecycle import pause
from shared.storage.engine import reading, transaction
from shared.storage.observation_news import MovedOnError, News, add
from shared.storage.observations import position

log = structlog.get_logger(__name__)

WAIT_S = 1.0
"""How long a look waits for news; stopping waits no longer either."""

RETRY_S = 2.0
"""Between two attempts at a door that is closed."""

MAX_RECORDS = 500
"""Summaries put in together: some seconds of many processes."""


@dataclass(frozen=True, slots=True)
class Observations:
    """The job; doors that are closed make it wait and nothing else."""

    engine: AsyncEngine
    bootstrap_servers: str
    catalogue: CatalogueCache

    async def run(self, stopping: asyncio.Event) -> None:
        """Put summaries in as they come, until *stopping* is set."""
        while not stopping.is_set():
            try:
                async with open_follower(self.bootstrap_servers, OBSERVATIONS) as follower:
                    await self._follow(follower, stopping)
            except TryAgainError as error:
                log.warning("observations_wait", reason=str(error))
                await pause(stopping, RETRY_S)

    async def _follow(self, follower: Follower, stopping: asyncio.Event) -> None:
        since, end = await self._position(), await follower.end()
        if since > end:
            # The topic was made anew, and all of it is news.
            await self._go_to(0, since=since)
            since = 0
        follower.seek(since)
        while not stopping.is_set():
            records = await follower.batch(wait_s=WAIT_S, max_records=MAX_RECORDS)
            if records:
                await self.put_in(records)

    async def _position(self) -> int:
        async with reading(self.engine) as connection:
            return await position(connection)

    async def _go_to(self, offset: int, *, since: int) -> None:
        async with transaction(self.engine) as connection:
            await add(connection, [], since=since, until=offset, others=0, personal={})

    async def put_in(self, records: Sequence[Record]) -> None:
        """Add what *records* tell, if they are next; those that another process has put in are left out.

        Raises:
            StoreUnavailableError: Postgres did not answer; whether they are in is unknown.
        """
        since = await self._position()
        fresh = [record for record in records if record.offset >= since]
        if not fresh:
            return
        told = [each for each in map(read_observation, (record.value for record in fresh)) if each]
        declared = (await self.catalogue.current()).event_types
        try:
            async with transaction(self.engine) as connection:
                await add(
                    connection,
                    [_news(each) for each in told if each.type != OTHERS],
                    since=since,
                    until=fresh[-1].offset + 1,
                    others=sum(each.events for each in told if each.type == OTHERS),
                    personal={name: each.personal for name, each in declared.items()},
                )
        except MovedOnError as error:
            log.debug("observations_put_in_elsewhere", reason=str(error))


def _news(record: ObservationRecord) -> News:
    return News(record.type, record.observed(), as_datetime(record.until_us))
