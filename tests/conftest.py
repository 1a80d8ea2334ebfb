"""A real Kafka and a real Postgres for the whole run, and a database of its own for every test.

The controller of a parallel run chooses the home; every worker brings the same stack up, which is safe to
repeat, and the controller takes it down and removes it.
"""

import asyncio
import fcntl
import os
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
import structlog
from hypothesis import HealthCheck, settings
from sqlalchemy import make_url

from services.local import stack
from shared.runtime.local_addresses import LocalAddresses
from shared.storage.engine import open_engine
from shared.storage.schema import upgrade

HOME_VARIABLE = "TIDEMARK_TEST_HOME"
TEMPLATE = "tidemark_template"

KEPT = frozenset({HOME_VARIABLE, "TIDEMARK_CACHE_DIR", "TIDEMARK_JAVA", "TIDEMARK_MAVEN_REPOSITORY_URL"})
"""Where Kafka comes from is the machine's business; everything else a test sets itself."""

settings.register_profile(
    "suite", derandomize=True, deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("suite")


def _is_worker(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")


def pytest_configure(config: pytest.Config) -> None:
    """Choose the home of the stack before any worker starts; nothing of the developer's own applies."""
    for name in [name for name in os.environ if name.startswith("TIDEMARK_") and name not in KEPT]:
        del os.environ[name]
    if not _is_worker(config):
        os.environ[HOME_VARIABLE] = tempfile.mkdtemp(prefix="tidemark-tests-")
    # A developer's own stack in the checkout is not the tests' business.
    os.environ["TIDEMARK_HOME"] = str(Path(os.environ[HOME_VARIABLE]) / "none")


def pytest_unconfigure(config: pytest.Config) -> None:
    """Take the stack down and remove it, when the last test has run."""
    if not _is_worker(config):
        asyncio.run(stack.erase(Path(os.environ.pop(HOME_VARIABLE))))


@pytest.fixture(scope="session")
def addresses() -> LocalAddresses:
    """The run's own Kafka and Postgres, up; the database behind the address is for making others."""
    return asyncio.run(stack.up(Path(os.environ[HOME_VARIABLE])))


@pytest.fixture(scope="session")
def kafka(addresses: LocalAddresses) -> str:
    """Bootstrap servers of a real Kafka."""
    return addresses.kafka_bootstrap_servers


@pytest.fixture(scope="session")
def postgres(addresses: LocalAddresses) -> str:
    """The address of a real Postgres with a migrated template database."""
    with (Path(os.environ[HOME_VARIABLE]) / "template.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        asyncio.run(_make_template(addresses.database_url))
    return addresses.database_url


async def _make_template(url: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        if await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", TEMPLATE):
            return
        await connection.execute(f"CREATE DATABASE {TEMPLATE}")
    finally:
        await connection.close()
    engine = open_engine(_named(url, TEMPLATE), application_name="tests")
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


@pytest.fixture
def database_url(postgres: str) -> Iterator[str]:
    """A migrated, empty database of the test's own."""
    name = f"test_{uuid.uuid4().hex}"
    asyncio.run(_execute(postgres, f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} STRATEGY FILE_COPY"))
    yield _named(postgres, name)
    asyncio.run(_execute(postgres, f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture
def unique() -> str:
    """A name that no other test uses: for topics, groups and prefixes."""
    return f"t{uuid.uuid4().hex[:12]}"


@pytest.fixture(autouse=True)
def plain_logging() -> Iterator[None]:
    """Logging as it comes: what a test configures, perhaps onto a captured stream, ends with the test."""
    yield
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()
