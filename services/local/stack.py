"""The local stack: a real Kafka and a real PostgreSQL on loopback, up and down; it keeps no connection."""

import asyncio
import shutil
from pathlib import Path

from services.local.kafka_config import KafkaPorts
from services.local.kafka_jars import Progress
from services.local.ports import LOOPBACK, free_port
from services.local.servers import kafka_server, postgres_server
from services.local.state import (
    OwnServers,
    StackState,
    amend_state,
    exports,
    is_used,
    load_state,
    own_servers,
    real,
    sole_change,
    write_private,
)
from shared.runtime.local_addresses import (
    DEFAULT_DATABASE_URL,
    DEFAULT_KAFKA_BOOTSTRAP_SERVERS,
    LocalAddresses,
)


def quiet(_: str) -> None:
    """Progress that nobody watches."""


async def up(
    home: Path, *, kafka: bool = True, postgres: bool = True, progress: Progress = quiet
) -> LocalAddresses:
    """Start what does not run yet, both at once, and wait until it answers; safe to repeat.

    A server that TIDEMARK_KAFKA_BOOTSTRAP_SERVERS or TIDEMARK_DATABASE_URL names is used and not started.
    Where *kafka* or *postgres* is false and no variable names one, its address is what is remembered, or
    the default.

    Raises:
        MissingPartError: Java, the jars or PostgreSQL cannot be had; the message says what to do.
        LocalStackError: a server did not start; the message ends with its log.
    """
    home = real(home)
    async with sole_change(home):
        own = own_servers(load_state(home))
        outcomes = await asyncio.gather(
            _nothing() if own.kafka_bootstrap_servers or not kafka else _kafka_up(home, progress),
            _nothing() if own.database_url or not postgres else _postgres_up(home, progress),
            return_exceptions=True,
        )
        state = amend_state(home, is_up=True)
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome
        addresses = _addresses(state, own)
        write_private(home / "env", exports(addresses))
        return addresses


async def _nothing() -> None:
    return None


def _addresses(state: StackState, own: OwnServers) -> LocalAddresses:
    return LocalAddresses(
        kafka_bootstrap_servers=(
            own.kafka_bootstrap_servers or state.kafka_bootstrap_servers or DEFAULT_KAFKA_BOOTSTRAP_SERVERS
        ),
        database_url=own.database_url or state.database_url or DEFAULT_DATABASE_URL,
    )


async def _kafka_up(home: Path, progress: Progress) -> None:
    server, state = kafka_server(home), load_state(home)
    broker, controller = state.kafka_port, state.kafka_controller_port
    if server.pid() is None or broker is None or controller is None:
        await server.stop()
        broker = await free_port(remembered=broker)
        controller = await free_port(remembered=controller, besides=frozenset({broker}))
        # Before the start: a server whose port nobody remembers could not be found again.
        amend_state(home, kafka_port=broker, kafka_controller_port=controller)
    await server.start(KafkaPorts(broker=broker, controller=controller), progress=progress)
    address = f"{LOOPBACK}:{broker}"
    amend_state(home, kafka_bootstrap_servers=address)
    progress(f"Apache Kafka answers on {address}")


async def _postgres_up(home: Path, progress: Progress) -> None:
    server, port = await postgres_server(home), load_state(home).postgres_port
    if server.pid() is None or port is None:
        await server.stop()
        port = await free_port(remembered=port)
        amend_state(home, postgres_port=port, postgres_directory=str(server.directory))
    if server.directory.parent != home:
        progress(f"PostgreSQL's files are in {server.directory}: its account may not enter {home}")
    await server.start(port, progress=progress)
    amend_state(home, database_url=server.url(port))
    progress(f"PostgreSQL answers on {LOOPBACK}:{port}")


async def down(home: Path, *, progress: Progress = quiet) -> None:
    """Stop what runs, both at once, and wait until it has ended; data, ports and passwords stay.

    Raises:
        LocalStackError: a server would not stop.
    """
    home = real(home)
    if not is_used(home):
        return
    async with sole_change(home):
        await asyncio.gather(_kafka_down(home, progress), _postgres_down(home, progress))
        amend_state(home, is_up=False)
        (home / "env").unlink(missing_ok=True)


async def _kafka_down(home: Path, progress: Progress) -> None:
    server = kafka_server(home)
    if server.pid() is not None:
        progress("stopping Apache Kafka")
        await server.stop()


async def _postgres_down(home: Path, progress: Progress) -> None:
    if load_state(home).postgres_directory is None:
        return
    server = await postgres_server(home)
    if server.pid() is not None:
        progress("stopping PostgreSQL")
        await server.stop()


async def erase(home: Path, *, progress: Progress = quiet) -> None:
    """Stop the stack and remove its data, wherever it is, for good."""
    home = real(home)
    await down(home, progress=progress)
    state = load_state(home)
    if state.postgres_directory is not None:
        await asyncio.to_thread(shutil.rmtree, state.postgres_directory, ignore_errors=True)
    await asyncio.to_thread(shutil.rmtree, home, ignore_errors=True)
