"""Where the local stack left its addresses; it knows nothing of how the stack is run."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

#: Where servers are looked for when neither a setting nor a running local stack says otherwise.
DEFAULT_KAFKA_BOOTSTRAP_SERVERS = "127.0.0.1:9092"
DEFAULT_DATABASE_URL = "postgresql://tidemark@127.0.0.1:5432/tidemark"


@dataclass(frozen=True, slots=True)
class LocalAddresses:
    """The two addresses a service needs."""

    kafka_bootstrap_servers: str
    database_url: str


def default_home() -> Path:
    """The directory of the local stack: TIDEMARK_HOME, or `.tidemark` where the command runs."""
    return Path(os.environ.get("TIDEMARK_HOME") or ".tidemark").absolute()


def addresses_file(home: Path) -> Path:
    """The file in *home* that remembers addresses and ports."""
    return home / "local.json"


def local_addresses(home: Path | None = None) -> LocalAddresses | None:
    """The addresses of the local stack in *home*, or None when it is down or was never up.

    Only the file is read: whether the servers answer is not looked at.
    """
    remembered = remembered_fields(home or default_home())
    if remembered.get("is_up") is not True:
        return None
    return LocalAddresses(
        kafka_bootstrap_servers=str(
            remembered.get("kafka_bootstrap_servers") or DEFAULT_KAFKA_BOOTSTRAP_SERVERS
        ),
        database_url=str(remembered.get("database_url") or DEFAULT_DATABASE_URL),
    )


def remembered_fields(home: Path) -> dict[str, Any]:
    """The content of the addresses file; nothing when there is none or it is damaged."""
    try:
        found = json.loads(addresses_file(home).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
