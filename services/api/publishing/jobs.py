"""Publishing as a job for a process: its topic made, then published to until told to stop."""

import asyncio
import os
import secrets
import socket
from functools import partial

from prometheus_client import CollectorRegistry
from sqlalchemy.ext.asyncio import AsyncEngine

from services.api.dependencies import ApiState
from services.api.publishing.metrics import PublishingMetrics
from services.api.publishing.publisher import Publisher, Sender
from services.api.settings import ApiSettings
from shared.contracts import topics
from shared.messaging.admin import TopicSpec, ensure_topics
from shared.runtime.lifecycle import Job, StoppedBeforeStartError, patiently

_HOUR_MS = 3_600_000


def topic_of_values(settings: ApiSettings, name: str = topics.VALUES) -> TopicSpec:
    """The topic as it is made: of each key the last record stays, and what went is told for a week."""
    replicas = settings.kafka_replication_factor
    # With three replicas one may be away; with fewer every one has to answer or none is safe.
    safe = {"min.insync.replicas": "2"} if replicas >= 3 else {}
    config = {
        "cleanup.policy": "compact",
        # Only closed segments are compacted, and by itself a small topic closes one in a week.
        "segment.ms": str(_HOUR_MS),
        "min.cleanable.dirty.ratio": "0.2",
        "delete.retention.ms": str(7 * 24 * _HOUR_MS),
    }
    return TopicSpec(name, settings.kafka_events_partitions, replicas, safe | config)


def publishing(
    settings: ApiSettings,
    *,
    engine: AsyncEngine,
    state: ApiState,
    producer: Sender,
    registry: CollectorRegistry,
) -> dict[str, Job]:
    """The job that publishes current values, by name; none when it is turned off."""
    if not settings.api_values_topic:
        return {}
    publisher = Publisher(
        engine,
        readings=state.readings,
        catalogue=state.catalogue,
        producer=producer,
        topic=topics.VALUES,
        holder=f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}",
        metrics=PublishingMetrics.on(registry),
    )
    return {"value_publishing": partial(_publish, publisher, settings)}


async def _publish(publisher: Publisher, settings: ApiSettings, stopping: asyncio.Event) -> None:
    make = partial(ensure_topics, settings.kafka_bootstrap_servers, [topic_of_values(settings)])
    try:
        await patiently(make, stopping=stopping)
    except StoppedBeforeStartError:
        return
    await publisher.run(stopping, interval_s=settings.api_values_topic_interval_s)
