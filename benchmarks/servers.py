"""A Kafka and a PostgreSQL of the benchmark's own, and a fresh database for every measurement."""

import contextlib
import os
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import asyncpg
from sqlalchemy import make_url

from benchmarks.failures import BenchmarkError
from benchmarks.topics import PARTITIONS
from services.local import stack
from services.local.kafka_jars import KAFKA_VERSION
from services.local.servers import kafka_server, postgres_server
from shared.contracts.topics import ALERTS, DEAD_LETTERS, EVENTS
from shared.domain.definitions import Definition
from shared.messaging.admin import TopicSpec, ensure_topics
from shared.runtime.clock import utc_now
from shared.storage.definitions import apply_changes
from shared.storage.engine import open_engine, transaction
from shared.storage.schema import upgrade

KEPT = frozenset({"TIDEMARK_CACHE_DIR", "TIDEMARK_JAVA", "TIDEMARK_MAVEN_REPOSITORY_URL"})
"""Where Kafka comes from is the machine's business; no other setting of the user's may change a figure."""

_TEMPLATE = "benchmark_template"

_TOPICS = [TopicSpec(EVENTS, PARTITIONS), TopicSpec(DEAD_LETTERS, 1), TopicSpec(ALERTS, 1)]
"""As ingest makes them; here compute may be there first."""

_numbers = count(1)


@dataclass(frozen=True, slots=True)
class Servers:
    """What is up.

    Attributes:
        database_url: of the database that others are made from.
    """

    home: Path
    kafka: str
    database_url: str
    kafka_pid: int
    postgres_pid: int

    @property
    def kafka_version(self) -> str:
        """The release of Apache Kafka."""
        return KAFKA_VERSION

    async def postgres_version(self) -> str:
        """The release of PostgreSQL."""
        return str(await _fetched(self.database_url, "SHOW server_version"))


@contextlib.asynccontextmanager
async def own_servers(say: Callable[[str], None]) -> AsyncIterator[Servers]:
    """Servers that nothing else uses, removed with all their data when the block ends.

    Raises:
        LocalStackError: they cannot be had or do not start.
    """
    for name in [name for name in os.environ if name.startswith("TIDEMARK_") and name not in KEPT]:
        del os.environ[name]
    home = Path(tempfile.mkdtemp(prefix="tidemark-benchmarks-"))
    os.environ["TIDEMARK_HOME"] = str(home / "none")
    try:
        addresses = await stack.up(home, progress=say)
        kafka_pid, postgres_pid = kafka_server(home).pid(), (await postgres_server(home)).pid()
        if kafka_pid is None or postgres_pid is None:
            raise BenchmarkError("A server ended right after it had started.")
        await _make_template(addresses.database_url)
        await ensure_topics(addresses.kafka_bootstrap_servers, _TOPICS)
        yield Servers(
            home, addresses.kafka_bootstrap_servers, addresses.database_url, kafka_pid, postgres_pid
        )
    finally:
        await stack.erase(home)


@contextlib.asynccontextmanager
async def fresh_database(servers: Servers, kpis: Sequence[Definition]) -> AsyncIterator[str]:
    """The address of a database that has counted nothing, with *kpis* in force; dropped at the end."""
    name = f"benchmark_{next(_numbers)}"
    await _execute(servers.database_url, f"CREATE DATABASE {name} TEMPLATE {_TEMPLATE} STRATEGY FILE_COPY")
    url = _named(servers.database_url, name)
    try:
        engine = open_engine(url, application_name="tidemark-benchmarks")
        async with transaction(engine) as connection:
            await apply_changes(connection, kpis, utc_now())
        await engine.dispose()
        # Every measurement begins with the same distance to the next checkpoint.
        await _execute(servers.database_url, "CHECKPOINT")
        yield url
    finally:
        await _execute(servers.database_url, f"DROP DATABASE {name} WITH (FORCE)")


async def _make_template(url: str) -> None:
    await _execute(url, f"CREATE DATABASE {_TEMPLATE}")
    engine = open_engine(_named(url, _TEMPLATE), application_name="tidemark-benchmarks")
    await upgrade(engine)
    await engine.dispose()


def _named(url: str, database: str) -> str:
    return make_url(url).set(database=database).render_as_string(hide_password=False)


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def _fetched(url: str, query: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()
