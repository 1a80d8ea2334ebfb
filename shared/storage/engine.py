"""Opening Postgres and giving out connections in transactions; blind to settings and services."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator

import asyncpg
from sqlalchemy import URL, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, DisconnectionError, InterfaceError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from shared.domain.errors import StoreUnavailableError

COMMAND_TIMEOUT_S = 10.0
"""A frozen server must not hold a caller: server-side timeouts cannot help when the server is what hangs."""

CLOSE_DEADLINE_S = 3.0
"""The driver's own closing may wait for ever for a server that does not answer."""

TRUSTED_S = 5.0
"""A connection used less long ago is lent unasked: a server that ends closes it, which the client notices.

Asking finds connections that were lost without a word, as by a router that forgets those silent for minutes.
It takes three round trips: with them a reading of nothing took 0.2 ms of CPU, without 0.06 (measured).
"""

_SERVER_SETTINGS = {
    "statement_timeout": "8000",
    "lock_timeout": "3000",
    "idle_in_transaction_session_timeout": "15000",
    "jit": "off",
    "timezone": "UTC",
}


def open_engine(
    url: str, *, application_name: str, pool_size: int = 5, trusted_s: float = TRUSTED_S
) -> AsyncEngine:
    """A pool of connections to *url*, shown in pg_stat_activity under *application_name*.

    Connections that ended while nobody had them are replaced before they are lent; those that nobody had for
    *trusted_s* are asked first whether they still live.
    """
    engine = create_async_engine(
        _driver_url(url),
        pool_size=pool_size,
        max_overflow=5,
        pool_timeout=3,
        # The connection used last has its plans and its caches; the others may rest.
        pool_use_lifo=True,
        pool_recycle=1800,
        connect_args={
            "timeout": 5,
            "command_timeout": COMMAND_TIMEOUT_S,
            "server_settings": {"application_name": application_name, **_SERVER_SETTINGS},
        },
    )
    _lend_only_living(engine, trusted_s=trusted_s)
    return engine


_LAST_USED_S = "tidemark_last_used_s"


def _lend_only_living(engine: AsyncEngine, *, trusted_s: float) -> None:
    dialect = engine.dialect

    def note(_: DBAPIConnection | None, entry: ConnectionPoolEntry) -> None:
        entry.info[_LAST_USED_S] = _loop_s()

    def check(connection: DBAPIConnection, entry: ConnectionPoolEntry, _: object) -> None:
        driver: asyncpg.Connection = entry.driver_connection
        if driver.is_closed():
            raise DisconnectionError("Postgres closed the connection")
        if _loop_s() - entry.info[_LAST_USED_S] < trusted_s:
            return
        try:
            dialect.do_ping(connection)
        except (dialect.loaded_dbapi.Error, OSError) as error:
            if not driver.is_closed():
                raise
            raise DisconnectionError("the connection was lost") from error

    event.listen(engine.sync_engine, "connect", note)
    event.listen(engine.sync_engine, "checkin", note)
    event.listen(engine.sync_engine, "checkout", check)


def _loop_s() -> float:
    """The event loop's clock, which never steps back: the only one that this layer is given."""
    return asyncio.get_running_loop().time()


@contextlib.asynccontextmanager
async def opened_engine(url: str, *, application_name: str, pool_size: int = 5) -> AsyncIterator[AsyncEngine]:
    """`open_engine` for the length of a block; a frozen server does not hold up its end."""
    engine = open_engine(url, application_name=application_name, pool_size=pool_size)
    try:
        yield engine
    finally:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_DEADLINE_S):
                await engine.dispose()


def _driver_url(url: str) -> URL:
    return make_url(url).set(drivername="postgresql+asyncpg")


async def connect(url: str, *, application_name: str, command_timeout_s: float = 30.0) -> asyncpg.Connection:
    """One connection of the driver's own, for the statements that carry the load.

    Raises:
        StoreUnavailableError: Postgres cannot be reached.
    """
    settings = _SERVER_SETTINGS | {"statement_timeout": "25000", "application_name": application_name}
    try:
        return await asyncpg.connect(
            make_url(url).set(drivername="postgresql").render_as_string(hide_password=False),
            timeout=5,
            command_timeout=command_timeout_s,
            server_settings=settings,
        )
    except (OSError, TimeoutError, asyncpg.PostgresError) as error:
        raise StoreUnavailableError(f"Postgres cannot be reached: {error}") from error


async def close(connection: asyncpg.Connection) -> None:
    """Close the driver's connection, politely for two seconds and by force after that."""
    try:
        async with asyncio.timeout(2):
            await connection.close()
    except (
        OSError,
        TimeoutError,
        asyncpg.PostgresError,
        asyncpg.InterfaceError,
        asyncpg.InternalClientError,
    ):
        connection.terminate()


_TRY_AGAIN = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    # A session that the server ended while its client was frozen: its last words meet a statement half sent.
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.TransactionRollbackError,
    asyncpg.LockNotAvailableError,
    asyncpg.QueryCanceledError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.exceptions.InvalidCachedStatementError,
    # A role or database that is made in a moment; until then the reason is logged at every try.
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
)
"""What the driver raises when the same work may succeed on a new connection."""


@contextlib.contextmanager
def driver_errors() -> Iterator[None]:
    """Turn the driver's passing failures into `StoreUnavailableError`; faults of ours stay themselves."""
    try:
        yield
    except _TRY_AGAIN as error:
        raise StoreUnavailableError(f"Postgres did not do it: {error!r}") from error


@contextlib.asynccontextmanager
async def transaction(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """A connection in a transaction that commits when the block ends and rolls back when it raises.

    Raises:
        StoreUnavailableError: Postgres did not answer; after an error at the end, the outcome is unknown.
    """
    with _wrapped():
        async with engine.begin() as connection:
            yield connection


@contextlib.asynccontextmanager
async def reading(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """A connection in a read-only transaction with one snapshot for everything it reads.

    Raises:
        StoreUnavailableError: Postgres did not answer.
    """
    with _wrapped():
        async with engine.connect() as connection:
            await connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            yield connection


@contextlib.contextmanager
def _wrapped() -> Iterator[None]:
    try:
        yield
    except (OSError, TimeoutError, InterfaceError, PoolTimeoutError) as error:
        raise StoreUnavailableError(f"Postgres did not answer: {error}") from error
    except DBAPIError as error:
        cause = error.orig.__cause__ if error.orig else None
        if error.connection_invalidated or isinstance(cause, _TRY_AGAIN):
            raise StoreUnavailableError(f"Postgres did not do it: {error.orig}") from error
        raise
