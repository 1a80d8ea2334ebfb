"""The two servers that live in one home directory; it starts neither."""

from pathlib import Path

from services.local.kafka_server import KafkaServer
from services.local.postgres_install import data_directory, postgres_install
from services.local.postgres_server import PostgresServer
from services.local.state import load_state


def kafka_server(home: Path) -> KafkaServer:
    """The Kafka node of *home*."""
    return KafkaServer(home / "kafka")


async def postgres_server(home: Path) -> PostgresServer:
    """The PostgreSQL server of *home*, where its files were put the first time.

    Raises:
        PostgresMissingError: its programs are not on this machine.
    """
    install = await postgres_install()
    directory = _remembered(home) or await data_directory(home, install)
    return PostgresServer(directory=directory, install=install)


def _remembered(home: Path) -> Path | None:
    remembered = load_state(home).postgres_directory
    return Path(remembered) if remembered is not None and Path(remembered).exists() else None
