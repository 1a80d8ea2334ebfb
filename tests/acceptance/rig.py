"""A house of its own for a test: its own Kafka and Postgres, and any number of real services in it."""

import asyncio
import contextlib
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from services.local import stack
from shared.contracts.topics import EVENTS
from shared.messaging.admin import TopicSpec, committed_offsets, ensure_topics, topic_offsets
from shared.messaging.producer import Outgoing, open_producer
from shared.runtime.clock import utc_now
from shared.runtime.local_addresses import LocalAddresses
from shared.storage.definitions import apply_changes
from shared.storage.engine import open_engine, reading, transaction
from shared.storage.ledger import Ledger, ledger
from shared.storage.schema import upgrade
from tests.acceptance.members import Member, started, until
from tests.shop.judging import shop_kpis

SOURCES = {"shop.orders": 3, "shop.tills": 2}
"""Source topics and their partitions."""

PARTITIONS = 4
"""Of the clean topic."""

CHUNK = 5_000
"""Records sent at once."""

_CORRECTIONS_LEFT = text("""
SELECT (SELECT count(*) FROM retractions WHERE state = 'sought') + (SELECT count(*) FROM pane_repairs)
""")


@dataclass(slots=True)
class House:
    """Servers of a test's own and the services in it.

    Attributes:
        environment: what every service is told; may be changed before more are started.
        members: everything that was ever started here.
    """

    home: Path
    addresses: LocalAddresses
    engine: AsyncEngine
    environment: dict[str, str]
    members: list[Member] = field(default_factory=list)

    @property
    def kafka(self) -> str:
        """Bootstrap servers."""
        return self.addresses.kafka_bootstrap_servers

    async def start(self, *services: str, **environment: str) -> list[Member]:
        """Start *services*, one for each name, and wait until they are ready; variables without prefix."""
        told = self.environment | {f"TIDEMARK_{name}": value for name, value in environment.items()}
        new = []
        for service in services:
            log = self.home / f"{len(self.members)}-{service}.log"
            new.append(await started(service, environment=told, log=log))
            self.members.append(new[-1])
        await asyncio.gather(*(member.ready() for member in new))
        return new

    async def send(self, records: Sequence[Outgoing]) -> None:
        """Send *records* to the source topics, a part to each in turns."""
        topics = list(SOURCES)
        async with open_producer(self.kafka, "tests") as producer:
            for place, start in enumerate(range(0, len(records), CHUNK)):
                await producer.send_all(topics[place % len(topics)], records[start : start + CHUNK])

    async def ledger(self) -> Ledger:
        """What has become of everything in the clean topic."""
        async with reading(self.engine) as connection:
            return await ledger(connection)

    async def has_counted(self, records: int, *, within_s: float = 60.0) -> None:
        """Wait until at least *records* of the clean topic are counted."""

        async def look() -> bool:
            return (await self.ledger()).consumed >= records

        await until(look, what=f"{records} records counted", within_s=within_s, every_s=0.01)

    async def all_own(self, computes: Sequence[Member]) -> None:
        """Wait until every one of *computes* owns partitions, as Postgres has it, and nobody else does."""
        expected = {str(member.entries("compute_started")[0]["owner"]) for member in computes}

        async def look() -> bool:
            async with reading(self.engine) as connection:
                rows = (await connection.execute(text("SELECT owner FROM positions"))).scalars().all()
            return set(rows) == expected

        await until(look, what=f"partitions owned by {sorted(expected)}")

    async def is_drained(self, *, within_s: float = 90.0) -> None:
        """Wait until everything sent is forwarded, counted, and, where it was retracted, undone."""

        async def forwarded() -> bool:
            committed = await committed_offsets(self.kafka, "tidemark-ingest")
            return all(committed.get(at, 0) >= end for at, end in (await self._ends_of_sources()).items())

        async def counted() -> bool:
            ends = await topic_offsets(self.kafka, EVENTS)
            return await self.positions() == {partition: at.end for partition, at in ends.items()}

        await until(forwarded, what="everything forwarded", within_s=within_s, every_s=0.2)

        async def corrected() -> bool:
            async with reading(self.engine) as connection:
                return int((await connection.execute(_CORRECTIONS_LEFT)).scalar_one()) == 0

        await until(counted, what="everything counted", within_s=within_s, every_s=0.2)
        await until(corrected, what="every retraction settled", within_s=within_s, every_s=0.2)

    async def _ends_of_sources(self) -> Mapping[tuple[str, int], int]:
        found = {topic: await topic_offsets(self.kafka, topic) for topic in SOURCES}
        return {
            (topic, partition): offsets.end
            for topic, partitions in found.items()
            for partition, offsets in partitions.items()
        }

    async def positions(self) -> Mapping[int, int]:
        """The next offset of each partition, as Postgres has it."""
        async with reading(self.engine) as connection:
            rows = await connection.execute(text("SELECT partition, next_offset FROM positions"))
            return {row.partition: row.next_offset for row in rows}


@contextlib.asynccontextmanager
async def house() -> AsyncIterator[House]:
    """A house with the shop's KPIs in force and no service started; the logs are shown when a test fails."""
    home = Path(tempfile.mkdtemp(prefix="tidemark-house-"))
    found: House | None = None
    try:
        found = await _furnished(home, await stack.up(home))
        yield found
    except BaseException:
        for member in found.members if found else ():
            sys.stderr.write(member.story())
        raise
    finally:
        if found is not None:
            await asyncio.gather(*(member.gone() for member in found.members))
            await found.engine.dispose()
        await stack.erase(home)


async def _furnished(home: Path, addresses: LocalAddresses) -> House:
    engine = open_engine(addresses.database_url, application_name="tests")
    await upgrade(engine)
    async with transaction(engine) as connection:
        await apply_changes(connection, shop_kpis(), utc_now())
    # A member of a group that comes before the topic looks for it again only after half a minute.
    topics = [TopicSpec(name, number) for name, number in {**SOURCES, EVENTS: PARTITIONS}.items()]
    await ensure_topics(addresses.kafka_bootstrap_servers, topics)
    environment = {
        "TIDEMARK_HOME": str(home / "none"),
        "TIDEMARK_KAFKA_BOOTSTRAP_SERVERS": addresses.kafka_bootstrap_servers,
        "TIDEMARK_KAFKA_EVENTS_PARTITIONS": str(PARTITIONS),
        "TIDEMARK_DATABASE_URL": addresses.database_url,
        "TIDEMARK_INSECURE_LOCAL": "true",
        "TIDEMARK_LOG_FORMAT": "json",
        "TIDEMARK_INGEST_SOURCE_TOPICS": ",".join(SOURCES),
        "TIDEMARK_INGEST_SESSION_TIMEOUT_S": "6",
        "TIDEMARK_INGEST_BATCH_RECORDS": "700",
        "TIDEMARK_COMPUTE_SESSION_TIMEOUT_S": "6",
        "TIDEMARK_COMPUTE_FLUSH_MAX_EVENTS": "600",
    }
    environment |= {f"TIDEMARK_{service}_PORT": "0" for service in ("INGEST", "COMPUTE", "API")}
    return House(home, addresses, engine, environment)
