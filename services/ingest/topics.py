"""The topics ingest needs, made when they are missing."""

from collections.abc import Sequence

import structlog

from services.ingest.settings import IngestSettings
from shared.contracts.deadletters import MAX_MESSAGE_BYTES
from shared.contracts.topics import ALERTS, DEAD_LETTERS, EVENTS, OBSERVATIONS
from shared.messaging.admin import TopicSpec, ensure_topics

log = structlog.get_logger(__name__)

_DAY_MS = 86_400_000

_SIDE_RETENTION_D = 30
"""Days that dead letters and alerts are kept: a month to look into them."""

_SEEN_RETENTION_D = 3
"""Days that summaries of event types are kept: an API may be away over a weekend."""


async def make_topics(settings: IngestSettings, sources: Sequence[str]) -> None:
    """Make what is missing of Tidemark's topics and, if so told, of *sources*; leave alone what exists.

    Raises:
        BrokerUnavailableError: Kafka did not answer, or refused.
    """
    found = await ensure_topics(settings.kafka_bootstrap_servers, _specs(settings, sources))
    if found[EVENTS] != settings.kafka_events_partitions:
        log.warning(
            "partitions_differ",
            topic=EVENTS,
            found=found[EVENTS],
            configured=settings.kafka_events_partitions,
        )


def _specs(settings: IngestSettings, sources: Sequence[str]) -> list[TopicSpec]:
    replicas = settings.kafka_replication_factor
    # With three replicas one may be away; with fewer every one has to answer or none is safe.
    safe = {"min.insync.replicas": "2"} if replicas >= 3 else {}
    side = safe | {"retention.ms": str(_SIDE_RETENTION_D * _DAY_MS)}
    seen = safe | {"retention.ms": str(_SEEN_RETENTION_D * _DAY_MS)}
    events = safe | {"retention.ms": str(settings.ingest_events_retention_d * _DAY_MS)}
    specs = [
        TopicSpec(EVENTS, settings.kafka_events_partitions, replicas, events),
        TopicSpec(DEAD_LETTERS, 1, replicas, side | {"max.message.bytes": str(MAX_MESSAGE_BYTES)}),
        TopicSpec(ALERTS, 1, replicas, side),
        TopicSpec(OBSERVATIONS, 1, replicas, seen),
    ]
    if settings.ingest_create_source_topics:
        specs += [TopicSpec(name, settings.kafka_events_partitions, replicas, safe) for name in sources]
    return specs
