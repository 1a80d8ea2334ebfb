"""What the demo's services are told: addresses, ports and the webhook; the rest keeps its default."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from services.local.demo.fleet import Service
from services.local.demo.receiver import Receiver
from services.local.ports import LOOPBACK, free_port
from shared.runtime.local_addresses import LocalAddresses

NAMES = ("ingest", "compute", "api")


async def services(logs: Path) -> list[Service]:
    """The three services, each with a free port and a log."""
    taken: set[int] = set()
    found = []
    for name in NAMES:
        port = await free_port(besides=frozenset(taken))
        taken.add(port)
        found.append(Service(name, port, logs / f"{name}.log"))
    return found


def environment(
    fleet: Sequence[Service], *, addresses: LocalAddresses, topic: str, receiver: Receiver
) -> Mapping[str, str]:
    """The variables that point the services at the demo's servers, topic and receiver."""
    ports = {f"TIDEMARK_{service.name.upper()}_PORT": str(service.port) for service in fleet}
    return ports | {
        "TIDEMARK_HTTP_HOST": LOOPBACK,
        "TIDEMARK_KAFKA_BOOTSTRAP_SERVERS": addresses.kafka_bootstrap_servers,
        "TIDEMARK_DATABASE_URL": addresses.database_url,
        "TIDEMARK_INSECURE_LOCAL": "true",
        "TIDEMARK_LOG_FORMAT": "json",
        "TIDEMARK_INGEST_SOURCE_TOPICS": topic,
        "TIDEMARK_ALERT_EVALUATION_INTERVAL_S": "1",
        "TIDEMARK_ALERT_WEBHOOK_URL": receiver.url,
        "TIDEMARK_ALERT_WEBHOOK_SECRET": receiver.secret,
        "TIDEMARK_ALERT_WEBHOOK_ALLOW_NETWORKS": f"{LOOPBACK}/32",
    }
