"""What the local stack remembers between commands: ports, places, addresses; and a lock around changes."""

import contextlib
import fcntl
import json
import os
import shlex
from collections.abc import AsyncIterator, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TextIO

from services.local.failures import LocalStackError
from services.local.processes import within
from shared.runtime.local_addresses import LocalAddresses, addresses_file, remembered_fields


@dataclass(frozen=True, slots=True)
class StackState:
    """The content of `local.json`; ports stay when the stack is down, so that it comes up where it was."""

    is_up: bool = False
    kafka_bootstrap_servers: str | None = None
    database_url: str | None = None
    kafka_port: int | None = None
    kafka_controller_port: int | None = None
    postgres_port: int | None = None
    postgres_directory: str | None = None


def real(home: Path) -> Path:
    """*home* without links and dots, so that every command means the same directory."""
    return home.resolve()


def is_used(home: Path) -> bool:
    """Whether a stack was ever up in *home*."""
    return addresses_file(home).exists()


def load_state(home: Path) -> StackState:
    """What was remembered in *home*; an empty state when there is nothing or it cannot be read."""
    found = remembered_fields(home)
    known = {field.name for field in fields(StackState)}
    return StackState(**{name: value for name, value in found.items() if name in known})


def save_state(home: Path, state: StackState) -> None:
    """Replace what is remembered, at once and readable by its owner only: it holds a password."""
    write_private(addresses_file(home), json.dumps(asdict(state), indent=2) + "\n")


def amend_state(home: Path, **changes: object) -> StackState:
    """Remember *changes* beside what is remembered already; only inside `sole_change`."""
    state = StackState(**{**asdict(load_state(home)), **changes})
    save_state(home, state)
    return state


@dataclass(frozen=True, slots=True)
class OwnServers:
    """The addresses of the user's own servers; None where the local stack provides one."""

    kafka_bootstrap_servers: str | None = None
    database_url: str | None = None


def own_servers(state: StackState, environment: Mapping[str, str] = os.environ) -> OwnServers:
    """What the environment names, unless it only repeats what the stack itself exported."""
    kafka = environment.get("TIDEMARK_KAFKA_BOOTSTRAP_SERVERS") or None
    database = environment.get("TIDEMARK_DATABASE_URL") or None
    return OwnServers(
        kafka_bootstrap_servers=None if kafka == state.kafka_bootstrap_servers else kafka,
        database_url=None if database == state.database_url else database,
    )


def exports(addresses: LocalAddresses) -> str:
    """Lines for a shell that point every command at these servers."""
    return (
        f"export TIDEMARK_KAFKA_BOOTSTRAP_SERVERS={shlex.quote(addresses.kafka_bootstrap_servers)}\n"
        f"export TIDEMARK_DATABASE_URL={shlex.quote(addresses.database_url)}\n"
    )


def write_private(path: Path, text: str) -> None:
    """Replace *path* by a file that only its owner can read."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    partial.replace(path)


@contextlib.asynccontextmanager
async def sole_change(home: Path, *, timeout_s: float = 120) -> AsyncIterator[None]:
    """Let one command at a time change the stack in *home*.

    Raises:
        LocalStackError: another command was still at it after *timeout_s* seconds.
    """
    with _lock_file(home) as file:

        async def is_locked() -> bool:
            return _locks(file.fileno())

        if not await within(timeout_s, is_locked):
            raise LocalStackError(f"Another command is still changing the local stack in {home}.")
        yield


def _lock_file(home: Path) -> TextIO:
    home.mkdir(mode=0o755, parents=True, exist_ok=True)
    return (home / "lock").open("w", encoding="utf-8")


def _locks(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
