"""Both servers listen on loopback only and keep what they were given."""

from pathlib import Path

import pytest

from services.local.kafka_config import KafkaPorts, server_properties
from services.local.ports import free_port, is_free
from services.local.postgres_config import postgresql_conf

KAFKA = dict(
    line.split("=", 1)
    for line in server_properties(ports=KafkaPorts(broker=1, controller=2), data=Path("/d")).splitlines()
)
POSTGRES = dict(line.split(" = ", 1) for line in postgresql_conf(5).splitlines() if not line.startswith("#"))


def test_kafka_on_loopback() -> None:
    """Kafka's listeners and what it advertises are loopback addresses."""
    assert KAFKA["listeners"] == "BROKER://127.0.0.1:1,CONTROLLER://127.0.0.1:2"
    assert KAFKA["advertised.listeners"] == "BROKER://127.0.0.1:1"


def test_kafka_makes_no_topics_by_accident() -> None:
    """A misspelt topic is an error, not a new topic."""
    assert KAFKA["auto.create.topics.enable"] == "false"


def test_kafka_keeps_everything() -> None:
    """The event log is not cut short by age."""
    assert KAFKA["log.retention.ms"] == "-1"


def test_postgres_on_loopback() -> None:
    """PostgreSQL listens on loopback and has no socket in a shared directory."""
    assert (POSTGRES["listen_addresses"], POSTGRES["unix_socket_directories"]) == ("'127.0.0.1'", "''")


def test_postgres_is_durable() -> None:
    """No speed is bought with a commit that could be lost."""
    assert (POSTGRES["fsync"], POSTGRES["synchronous_commit"]) == ("on", "on")


@pytest.mark.asyncio
async def test_ports_differ() -> None:
    """A port that is spoken for is not given out a second time, even when it is the remembered one."""
    port = await free_port()

    assert is_free(port)
    assert port == await free_port(remembered=port)
    assert port != await free_port(remembered=port, besides=frozenset({port}))
