"""What every measurement needs at hand: servers, a filled source topic, and how services are told of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from benchmarks.servers import Servers
from shared.runtime.clock import epoch_us

Say = Callable[[str], None]
"""Tells the person in front of the bench how far things are."""


@dataclass(frozen=True, slots=True)
class Rig:
    """The bench: one for a whole run."""

    servers: Servers
    say: Say
    _numbers: "count[int]" = field(default_factory=lambda: count(1))

    @property
    def kafka(self) -> str:
        """Bootstrap servers."""
        return self.servers.kafka

    def logs(self, name: str) -> Path:
        """A new directory for the logs of a measurement."""
        directory = self.servers.home / "logs" / f"{next(self._numbers)}-{name}"
        directory.mkdir(parents=True)
        return directory


def environment(rig: Rig, *, database_url: str, source: str, **more: str) -> Mapping[str, str]:
    """The variables for services that begin at the start of *source*: all but *more* have their defaults."""
    group = f"benchmark-{epoch_us()}"
    return {
        "TIDEMARK_KAFKA_BOOTSTRAP_SERVERS": rig.kafka,
        "TIDEMARK_DATABASE_URL": database_url,
        "TIDEMARK_INSECURE_LOCAL": "true",
        "TIDEMARK_LOG_FORMAT": "json",
        "TIDEMARK_INGEST_SOURCE_TOPICS": source,
        "TIDEMARK_INGEST_GROUP_ID": f"{group}-ingest",
        "TIDEMARK_COMPUTE_GROUP_ID": f"{group}-compute",
        **more,
    }
