"""The pool of connections on a real Postgres: restarts while they lie idle, and what lending one costs."""

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.storage.engine import TRUSTED_S, close, connect, open_engine, reading

pytestmark = pytest.mark.asyncio

NAME = "tests-engine"

_END_ALL = "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity WHERE application_name = $1"
"""Returns when the sessions are gone; their clients have been told by then."""


async def lent(engine: AsyncEngine, *, connections: int) -> list[int]:
    """The sessions behind so many connections that are lent at the same time."""
    everybody = asyncio.Barrier(connections)

    async def one() -> int:
        async with reading(engine) as connection:
            await everybody.wait()
            found: int = await connection.scalar(text("SELECT pg_backend_pid()"))
            return found

    return await asyncio.gather(*(one() for _ in range(connections)))


async def end_all(database_url: str) -> int:
    """End the sessions of the engine, as a restart does; how many there were."""
    connection: asyncpg.Connection = await connect(database_url, application_name="tests")
    try:
        return int(await connection.fetchval(_END_ALL, NAME))
    finally:
        await close(connection)


@contextlib.asynccontextmanager
async def opened(database_url: str, *, trusted_s: float = TRUSTED_S) -> AsyncIterator[AsyncEngine]:
    engine = open_engine(database_url, application_name=NAME, trusted_s=trusted_s)
    try:
        yield engine
    finally:
        await engine.dispose()


@pytest.mark.parametrize("trusted_s", [TRUSTED_S, 0.0], ids=["used a moment ago", "idle for long"])
async def test_a_restart_in_between(database_url: str, trusted_s: float) -> None:
    """Sessions that ended while their connections lay idle fail nobody: the next readings have others."""
    async with opened(database_url, trusted_s=trusted_s) as engine:
        before = await lent(engine, connections=3)
        ended = await end_all(database_url)
        after = await lent(engine, connections=3)

    assert (ended, len(set(after)), set(before) & set(after)) == (3, 3, set())


async def test_lost_without_a_word(database_url: str) -> None:
    """A connection that lay idle for long is asked: the client need not have noticed that it is lost."""
    async with opened(database_url, trusted_s=0.0) as engine:
        before = await lent(engine, connections=1)
        # The loop of this test stands still meanwhile: it cannot have read what the server said at the end.
        ending = threading.Thread(target=lambda: asyncio.run(end_all(database_url)))
        ending.start()
        ending.join()
        async with reading(engine) as connection:
            after = await connection.scalar(text("SELECT pg_backend_pid()"))

    assert after not in {None, *before}


@pytest.mark.parametrize(
    ("trusted_s", "asked"),
    [(TRUSTED_S, []), (0.0, ["BEGIN;", ";", "ROLLBACK;"])],
    ids=["used a moment ago", "idle for long"],
)
async def test_round_trips(database_url: str, trusted_s: float, asked: list[str]) -> None:
    """Beside its statements a reading says BEGIN and ROLLBACK; only after a long rest it asks first."""
    said: list[str] = []
    async with opened(database_url, trusted_s=trusted_s) as engine:
        async with engine.connect() as connection:
            driver = (await connection.get_raw_connection()).driver_connection
            assert driver is not None
            driver.add_query_logger(lambda record: said.append(record.query))
        async with reading(engine) as connection:
            await connection.execute(text("SELECT 1"))
        await asyncio.sleep(
            0
        )  # the driver tells in the next turn of the loop, and of prepared statements never

    assert said == [*asked, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;", "ROLLBACK;"]
