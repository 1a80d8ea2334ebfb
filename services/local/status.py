"""How the servers of the local stack are now; it changes nothing."""

import contextlib
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

from services.local.failures import MissingPartError
from services.local.servers import kafka_server, postgres_server
from services.local.state import StackState, load_state, own_servers, real


class ServerState(StrEnum):
    """How a server of the stack is: `elsewhere` means that a variable names one of the user's own."""

    RUNNING = "running"
    NOT_ANSWERING = "not_answering"
    STOPPED = "stopped"
    ELSEWHERE = "elsewhere"


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """One server as `status` shows it; the address is without a password."""

    name: str
    state: ServerState
    address: str | None = None
    pid: int | None = None
    log: Path | None = None


@dataclass(frozen=True, slots=True)
class StackStatus:
    """Both servers and the directory they live in."""

    home: Path
    kafka: ServerStatus
    postgres: ServerStatus


async def status(home: Path) -> StackStatus:
    """How both servers are now: looked at, not remembered."""
    home = real(home)
    state = load_state(home)
    own = own_servers(state)
    return StackStatus(
        home=home,
        kafka=await _kafka_status(home, state, own.kafka_bootstrap_servers),
        postgres=await _postgres_status(home, state, own.database_url),
    )


async def _kafka_status(home: Path, state: StackState, own: str | None) -> ServerStatus:
    if own is not None:
        return ServerStatus(name="kafka", state=ServerState.ELSEWHERE, address=own)
    server = kafka_server(home)
    pid = server.pid()
    if pid is None or state.kafka_port is None:
        return ServerStatus(name="kafka", state=ServerState.STOPPED, log=server.log)
    answers = await server.answers(state.kafka_port)
    return ServerStatus(
        name="kafka",
        state=ServerState.RUNNING if answers else ServerState.NOT_ANSWERING,
        address=state.kafka_bootstrap_servers,
        pid=pid,
        log=server.log,
    )


async def _postgres_status(home: Path, state: StackState, own: str | None) -> ServerStatus:
    if own is not None:
        return ServerStatus(name="postgres", state=ServerState.ELSEWHERE, address=_without_password(own))
    stopped = ServerStatus(name="postgres", state=ServerState.STOPPED)
    if state.postgres_directory is None or state.postgres_port is None:
        return stopped
    with contextlib.suppress(MissingPartError):
        server = await postgres_server(home)
        pid = server.pid()
        if pid is None:
            return replace(stopped, log=server.log)
        answers = await server.answers(state.postgres_port)
        return ServerStatus(
            name="postgres",
            state=ServerState.RUNNING if answers else ServerState.NOT_ANSWERING,
            address=_without_password(state.database_url or ""),
            pid=pid,
            log=server.log,
        )
    return stopped


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rsplit("@", 1)[-1]).geturl()
