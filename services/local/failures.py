"""What can keep the local stack from running, each with the remedy; it knows no server."""

from collections.abc import Sequence
from pathlib import Path

from shared.domain.errors import TidemarkError


class LocalStackError(TidemarkError):
    """The local stack could not do what was asked; the message says why and what to do."""


class MissingPartError(LocalStackError):
    """Something the local stack needs is not on this machine; install it or use servers of your own."""


class KafkaMissingError(MissingPartError):
    """Apache Kafka cannot be had here."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"{reason} To use a broker of your own instead, set TIDEMARK_KAFKA_BOOTSTRAP_SERVERS=host:port."
        )


class PostgresMissingError(MissingPartError):
    """PostgreSQL cannot be had here."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"{reason} To use a server of your own instead, set "
            "TIDEMARK_DATABASE_URL=postgresql://user:password@host:port/database."
        )


class ServerFailedError(LocalStackError):
    """A server did not start or stop as it should; its last lines are in the message."""

    def __init__(self, reason: str, *, log: Path) -> None:
        super().__init__("\n".join([f"{reason} Its log is {log}", *_last_lines(log)]))


class CommandFailedError(LocalStackError):
    """A helper program ended with an error; its output is in the message."""

    def __init__(self, command: Sequence[str], output: str) -> None:
        super().__init__(f"{Path(command[0]).name} failed:\n{output.strip()[-2000:]}")


def _last_lines(log: Path, *, count: int = 12) -> list[str]:
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    return [f"  {line[:300]}" for line in lines[-count:]]
