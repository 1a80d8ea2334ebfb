"""Compute, from settings to stop, in the order in which it happens."""

import asyncio
import os
import socket
from collections.abc import Mapping
from contextlib import AsyncExitStack
from functools import partial

import structlog
from prometheus_client import CollectorRegistry
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.applications import Starlette

from services.compute.backfill.jobs import Backfiller
from services.compute.backfill.pacing import Pace
from services.compute.backfill.reading import LogDoor
from services.compute.catalogues import CatalogueWatch
from services.compute.corrections.jobs import Corrector
from services.compute.deriving import Deriver
from services.compute.doors import Join
from services.compute.metrics import Metrics
from services.compute.ownership import OwnershipPolicy
from services.compute.postgres_store import PostgresStore
from services.compute.probes import probes
from services.compute.refreshing import Refresher
from services.compute.retention import Retention
from services.compute.selfcheck import SelfCheck, SelfCheckPolicy
from services.compute.sessions import Surroundings
from services.compute.settings import ComputeSettings
from services.compute.touched import Touched
from services.compute.workers import Worker
from shared.contracts.topics import EVENTS
from shared.messaging.admin import cluster_id, topic_offsets
from shared.messaging.consumer import open_consumer
from shared.messaging.producer import open_producer
from shared.messaging.ranges import open_ranges
from shared.observability.logging import configure_logging, wants_json
from shared.runtime.lifecycle import Job, patiently, run_jobs, stop_on_signals
from shared.runtime.loops import run_loop
from shared.runtime.ops import ops_routes, serving
from shared.runtime.progress import Progress
from shared.runtime.settings import settings_or_exit
from shared.storage.engine import opened_engine
from shared.storage.schema import require_newest
from shared.storage.series import SeriesLimits

log = structlog.get_logger(__name__)


def main() -> None:
    """Run compute until SIGTERM; the exit status says whether it ended well."""
    settings = settings_or_exit(ComputeSettings)
    configure_logging(service="compute", level=settings.log_level, as_json=wants_json(settings.log_format))
    run_loop(run(settings))


async def run(settings: ComputeSettings) -> None:
    """Open the doors, count until told to stop, close in reverse."""
    registry = CollectorRegistry()
    metrics = Metrics.on(registry)
    database_url = settings.database_url.get_secret_value()
    servers = settings.kafka_bootstrap_servers
    owner = f"{socket.gethostname()}-{os.getpid()}"
    async with AsyncExitStack() as stack:
        stopping = await stack.enter_async_context(stop_on_signals())
        engine = await stack.enter_async_context(
            opened_engine(database_url, application_name="tidemark-compute-values")
        )
        watch = CatalogueWatch(engine)
        await patiently(partial(require_newest, engine), stopping=stopping)
        await patiently(watch.load, stopping=stopping)
        producer = await stack.enter_async_context(open_producer(servers, f"tidemark-compute-{owner}"))
        policy = await _policy(settings, owner, stopping)
        touched = Touched()
        progress = Progress(settings.compute_stuck_after_s, metrics.lag_records, metrics.progress_age_s)
        limits = SeriesLimits(settings.compute_series_per_measure, settings.compute_series_in_all)
        around = Surroundings(settings, watch, producer, metrics, touched, progress)
        store = PostgresStore(database_url, limits)
        worker = Worker(policy, store, _join(settings, owner), around)
        app = Starlette(routes=ops_routes(probes=probes(engine, worker, progress), registry=registry))
        server = await stack.enter_async_context(
            serving(app, host=settings.http_host, port=settings.compute_port)
        )
        log.info("compute_started", port=server.port, owner=owner)
        jobs = _jobs(engine, store, worker, around)
        await run_jobs(jobs, stopping=stopping, grace_s=settings.shutdown_grace_s)


def _jobs(
    engine: AsyncEngine, store: PostgresStore, worker: Worker, around: Surroundings
) -> Mapping[str, Job]:
    """Counting, and everything that goes on beside it."""
    settings, watch, metrics = around.settings, around.catalogue, around.metrics
    database_url, door = settings.database_url.get_secret_value(), _log(settings.kafka_bootstrap_servers)
    is_behind = partial(_is_behind, around.progress, settings)
    refresher = Refresher(
        engine,
        watch,
        around.touched,
        metrics,
        settings.compute_refresh_interval_s,
        is_behind=lambda: is_behind() or around.progress.is_catching_up,
    )
    backfiller = Backfiller(engine, store, door, watch, worker.owned, Pace(is_behind))
    corrector = Corrector(database_url, door, watch, worker.epochs, around.touched, metrics)
    checks = SelfCheckPolicy(settings.compute_selfcheck_interval_s, settings.compute_selfcheck_records)
    return {
        "worker": worker.run,
        "refresher": refresher.run,
        "catalogue": watch.run,
        "backfill": backfiller.run,
        "selfcheck": SelfCheck(engine, door.opened, metrics.checks, checks, is_behind).run,
        "deriver": Deriver(database_url, metrics).run,
        "retention": Retention(database_url, settings.dedupe_horizon, worker.owned).run,
        **corrector.jobs(),
    }


async def _policy(settings: ComputeSettings, owner: str, stopping: asyncio.Event) -> OwnershipPolicy:
    log_id = await patiently(partial(cluster_id, settings.kafka_bootstrap_servers), stopping=stopping)
    return OwnershipPolicy(owner, log_id, settings.dedupe_horizon, settings.compute_dedupe_ids_per_partition)


def _join(settings: ComputeSettings, owner: str) -> Join:
    return partial(
        open_consumer,
        settings.kafka_bootstrap_servers,
        group_id=settings.compute_group_id,
        topics=[EVENTS],
        client_id=owner,
        auto_offset_reset="none",
        session_timeout_s=settings.compute_session_timeout_s,
    )


def _is_behind(progress: Progress, settings: ComputeSettings) -> bool:
    """Whether more waits to be counted than one flush takes: everything else rests then."""
    return progress.lag >= settings.compute_flush_max_events


def _log(servers: str) -> LogDoor:
    """The clean topic, for those who read it again."""

    async def begins() -> Mapping[int, int]:
        return {partition: at.begin for partition, at in (await topic_offsets(servers, EVENTS)).items()}

    return LogDoor(partial(open_ranges, servers, EVENTS), begins)
