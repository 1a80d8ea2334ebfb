"""Blocks of settings that services compose; read once in a main and passed down piecewise."""

import sys
from enum import StrEnum
from typing import TypeVar

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.runtime.local_addresses import local_addresses

S = TypeVar("S", bound=BaseSettings)


class LogFormat(StrEnum):
    """How log lines look: JSON for machines, console for people, auto by whether a terminal is attached."""

    AUTO = "auto"
    JSON = "json"
    CONSOLE = "console"


def _local_kafka() -> str:
    found = local_addresses()
    return found.kafka_bootstrap_servers if found else "127.0.0.1:9092"


def _local_database() -> SecretStr:
    found = local_addresses()
    return SecretStr(found.database_url if found else "postgresql://tidemark@127.0.0.1:5432/tidemark")


class CommonSettings(BaseSettings):
    """What every process of Tidemark can be told, by environment variables."""

    # A refused setting is told without its value: it may be an address with a password.
    model_config = SettingsConfigDict(
        env_prefix="TIDEMARK_", frozen=True, extra="ignore", hide_input_in_errors=True
    )

    kafka_bootstrap_servers: str = Field(
        default_factory=_local_kafka,
        description="host:port list of Kafka brokers; the local stack's when it is up",
    )
    kafka_events_partitions: int = Field(
        default=4, ge=1, le=1024, description="partitions of tidemark.events, fixed when the topic is made"
    )
    kafka_replication_factor: int = Field(default=1, ge=1, le=9, description="replicas of Tidemark's topics")
    database_url: SecretStr = Field(
        default_factory=_local_database,
        description="postgresql:// address of the database; the local stack's when it is up",
    )
    http_host: str = Field(default="127.0.0.1", description="address the service's HTTP server listens on")
    log_level: str = Field(default="info", description="debug, info, warning or error")
    log_format: LogFormat = Field(default=LogFormat.AUTO, description="auto, json or console")
    shutdown_grace_s: float = Field(
        default=15.0, gt=0, le=120, description="seconds a job may take to finish after SIGTERM"
    )


def settings_or_exit(kind: type[S]) -> S:
    """The settings of *kind*; a variable that cannot be used ends the process with a line about each."""
    try:
        return kind()
    except ValidationError as error:
        for problem in error.errors(include_input=False, include_url=False):
            name = "_".join(str(part) for part in problem["loc"]).upper()
            sys.stderr.write(f"TIDEMARK_{name}: {problem['msg']}\n")
        sys.exit(2)
