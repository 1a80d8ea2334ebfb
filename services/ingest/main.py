"""Ingest, from settings to stop, in the order in which it happens."""

import sys
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from functools import partial

import structlog
from prometheus_client import CollectorRegistry
from sqlalchemy.ext.asyncio import AsyncEngine

from services.ingest.forwarding import Outlets
from services.ingest.http.app import make_app
from services.ingest.http.gate import Gate
from services.ingest.http.intake import Intake
from services.ingest.metrics import Metrics
from services.ingest.observing import Observer, Reporter
from services.ingest.pipeline import Pipeline
from services.ingest.probes import probes
from services.ingest.schemas import Schemas
from services.ingest.settings import IngestSettings
from services.ingest.sources import read_sources
from shared.access.opening import door_on
from shared.access.watching import watch
from shared.contracts.mappings import JsonMapping
from shared.domain.errors import BadInputError
from shared.messaging.producer import open_producer
from shared.observability.logging import configure_logging, wants_json
from shared.runtime.lifecycle import Job, run_jobs, stop_on_signals
from shared.runtime.loops import run_loop
from shared.runtime.ops import serving
from shared.runtime.progress import Progress
from shared.runtime.settings import settings_or_exit
from shared.storage.engine import opened_engine

log = structlog.get_logger(__name__)

ANSWER_WITHIN_S = 10.0
"""How long a sender waits for Kafka before it is asked to come back; most give up soon after."""


def main() -> None:
    """Run ingest until SIGTERM; the exit status says whether it ended well."""
    settings = settings_or_exit(IngestSettings)
    configure_logging(service="ingest", level=settings.log_level, as_json=wants_json(settings.log_format))
    try:
        sources = source_topics(settings)
    except BadInputError as error:
        log.error("sources_refused", reason=str(error))  # noqa: TRY400 - the message says all there is
        sys.exit(2)
    run_loop(run(settings, sources))


def source_topics(settings: IngestSettings) -> dict[str, JsonMapping | None]:
    """The topics to be read, each with its mapping or None.

    Raises:
        BadInputError: the file of sources cannot be used.
    """
    named: dict[str, JsonMapping | None] = dict.fromkeys(settings.ingest_source_topics)
    return named | (read_sources(settings.ingest_sources_file) if settings.ingest_sources_file else {})


async def run(settings: IngestSettings, sources: dict[str, JsonMapping | None]) -> None:
    """Open the doors, forward until told to stop, close in reverse."""
    registry = CollectorRegistry()
    metrics = Metrics.on(registry)
    servers = settings.kafka_bootstrap_servers
    async with AsyncExitStack() as stack:
        stopping = await stack.enter_async_context(stop_on_signals())
        # Producers of their own, so that neither way in suffers from a failure of the other.
        forwarding = await stack.enter_async_context(open_producer(servers, "tidemark-ingest"))
        taking_in = await stack.enter_async_context(
            open_producer(servers, "tidemark-ingest-http", deadline_s=ANSWER_WITHIN_S)
        )
        telling = await stack.enter_async_context(
            open_producer(servers, "tidemark-ingest-observations", deadline_s=ANSWER_WITHIN_S)
        )
        observer = Observer()
        schemas = Schemas(servers, settings.kafka_replication_factor)
        gate = Gate(taking_in)
        stack.push_async_callback(gate.close)
        outlets = Outlets(
            producer=forwarding,
            mappings={topic: mapping for topic, mapping in sources.items() if mapping is not None},
            metrics=metrics,
            progress=Progress(settings.ingest_stuck_after_s, metrics.lag_records, metrics.progress_age_s),
            batch_records=settings.ingest_batch_records,
            observer=observer,
            schemas=schemas,
        )
        pipeline = Pipeline(settings, sorted(sources), outlets)
        door = door_on(await stack.enter_async_context(_opened_keys(settings)), settings)
        app = make_app(
            Intake(gate, metrics, observer, schemas),
            door=door,
            probes=probes(servers, pipeline, door),
            registry=registry,
        )
        server = await stack.enter_async_context(
            serving(app, host=settings.http_host, port=settings.ingest_port)
        )
        log.info("ingest_started", port=server.port, topics=sorted(sources))
        jobs: dict[str, Job] = {
            "forward": pipeline.run,
            "watch": pipeline.watch,
            "access": partial(watch, door),
            "observe": Reporter(observer, telling, schemas.personal).run,
            "event_types": schemas.run,
        }
        await run_jobs(jobs, stopping=stopping, grace_s=settings.shutdown_grace_s)
    log.info("ingest_stopped")


def _opened_keys(settings: IngestSettings) -> AbstractAsyncContextManager[AsyncEngine]:
    """The database of the keys, which is first connected to when it is first asked."""
    return opened_engine(
        settings.database_url.get_secret_value(), application_name="tidemark-ingest", pool_size=1
    )
