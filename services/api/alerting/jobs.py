"""Alerting as jobs for a process: opened together from settings, run beside the process's other jobs."""

import contextlib
import os
import random
import secrets
import socket
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta

from prometheus_client import CollectorRegistry
from sqlalchemy.ext.asyncio import AsyncEngine

from services.api.alerting.catalogue_books import CatalogueBooks
from services.api.alerting.deliverer import Deliverer
from services.api.alerting.evaluator import Evaluator
from services.api.alerting.forgetting import Forgetting
from services.api.alerting.leases import Shards
from services.api.alerting.metrics import AlertMetrics
from services.api.alerting.settings import AlertSettings
from services.api.channels.outcomes import Channel
from services.api.channels.signature import secret_bytes
from services.api.channels.topic import Sender, TopicChannel
from services.api.channels.webhook import open_webhook
from shared.contracts import topics
from shared.runtime.lifecycle import Job

SHORTEST_LEASE_S = 10.0
"""A lease outlives a slow statement, whatever the interval, or shards would change hands for nothing."""


@contextlib.asynccontextmanager
async def open_alerting(
    settings: AlertSettings,
    *,
    engine: AsyncEngine,
    producer: Sender,
    registry: CollectorRegistry,
) -> AsyncIterator[dict[str, Job]]:
    """The jobs that judge the rules and deliver the notices, by name; channels close with the block."""
    async with contextlib.AsyncExitStack() as stack:
        channels = await _channels(stack, settings, producer)
        names = [channel.name for channel in channels]
        metrics = AlertMetrics.on(registry, channels=names)
        evaluator = Evaluator(
            engine,
            CatalogueBooks(),
            shards=_shards(engine, settings.alert_evaluation_interval_s),
            channels=names,
            interval_s=settings.alert_evaluation_interval_s,
            metrics=metrics,
        )
        forgetting = Forgetting(engine, timedelta(days=settings.alert_history_d), metrics)
        yield {
            "alert_evaluation": evaluator.run,
            "alert_history": forgetting.run,
            **_deliveries(engine, channels, metrics),
        }


async def _channels(
    stack: contextlib.AsyncExitStack, settings: AlertSettings, producer: Sender
) -> list[Channel]:
    channels: list[Channel] = [TopicChannel(producer, topic=topics.ALERTS)]
    url, secret = settings.alert_webhook_url, settings.alert_webhook_secret
    if url is not None and secret is not None:
        key, allowed = secret_bytes(secret.get_secret_value()), settings.alert_webhook_allow_networks
        channels.append(await stack.enter_async_context(open_webhook(url=url, key=key, allowed=allowed)))
    return channels


def _shards(engine: AsyncEngine, interval_s: float) -> Shards:
    holder = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
    return Shards(engine, holder=holder, lasting=timedelta(seconds=max(SHORTEST_LEASE_S, 3 * interval_s)))


def _deliveries(engine: AsyncEngine, channels: Sequence[Channel], metrics: AlertMetrics) -> dict[str, Job]:
    lot = random.SystemRandom().random
    return {
        f"alert_delivery_{channel.name}": Deliverer(engine, channel, metrics=metrics, lot=lot).run
        for channel in channels
    }
