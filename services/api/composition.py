"""How the parts of the API are put together on an open database; nothing else builds them."""

from contextlib import AbstractAsyncContextManager
from datetime import timedelta

from prometheus_client import CollectorRegistry
from sqlalchemy.ext.asyncio import AsyncEngine

from services.api.annotating import StoredAnnotations
from services.api.backfills import Backfills
from services.api.catalogue_cache import CatalogueCache
from services.api.dead_letters import DeadLetters
from services.api.definition_store import StoredDefinitions
from services.api.dependencies import ApiState
from services.api.dry_runs import DryRuns
from services.api.event_types import StoredEventTypes
from services.api.kpi_gauges import KpiGauges
from services.api.metrics import ApiMetrics
from services.api.previews import KafkaLog, Previews
from services.api.probes import probes
from services.api.replays import Replays
from services.api.security.key_book import KeyBook
from services.api.security.rates import Rates
from services.api.security.security import Security
from services.api.settings import ApiSettings
from services.api.single_flights import SingleFlights
from services.api.stored import Stored
from services.api.streaming.event_stream import Pace
from services.api.streaming.streams import Hub
from shared.access.opening import door_on
from shared.domain.access.rates import Rate
from shared.runtime.clock import utc_now
from shared.storage.engine import opened_engine
from shared.storage.series import SeriesLimits


def opened_database(settings: ApiSettings) -> AbstractAsyncContextManager[AsyncEngine]:
    """The pool of connections, closed with the block."""
    return opened_engine(
        settings.database_url.get_secret_value(),
        application_name="tidemark-api",
        pool_size=settings.api_database_connections,
    )


def state_on(engine: AsyncEngine, settings: ApiSettings, *, registry: CollectorRegistry) -> ApiState:
    """What the application lives on, reading from *engine* and counting on *registry*."""
    stored = Stored(engine)
    metrics = ApiMetrics.on(registry)
    catalogue = CatalogueCache(load=stored.catalogue, revision=stored.catalogue_revision)
    gauges = KpiGauges(readings=stored, catalogue=catalogue, clock=utc_now)
    hub = Hub(
        readings=stored,
        catalogue=catalogue,
        clock=utc_now,
        open_streams=metrics.streams,
        limit=settings.api_streams_max,
    )
    log = KafkaLog(settings.kafka_bootstrap_servers)
    security = security_on(engine, settings)
    return ApiState(
        readings=stored,
        past=Replays(
            engine,
            settings.kafka_bootstrap_servers,
            disorder=timedelta(seconds=settings.compute_disorder_s),
            most_records=settings.api_replay_records,
        ),
        previews=Previews(engine, log, settings.api_replay_records),
        dry_runs=DryRuns(
            engine,
            log,
            timedelta(hours=settings.compute_dedupe_horizon_h),
            SeriesLimits(settings.compute_series_per_measure, settings.compute_series_in_all),
        ),
        alerts=stored,
        event_types=StoredEventTypes(engine),
        dead_letters=DeadLetters(settings.kafka_bootstrap_servers, engine),
        retired=stored,
        annotations=StoredAnnotations(engine),
        scores=SingleFlights(),
        definitions=StoredDefinitions(engine, clock=utc_now),
        backfills=Backfills(engine, utc_now),
        catalogue=catalogue,
        hub=hub,
        pace=Pace(lifetime_s=settings.api_stream_lifetime_s),
        kpi_gauges=gauges,
        metrics=metrics,
        registry=registry,
        probes=probes(engine, catalogue, security.door, clock=utc_now),
        clock=utc_now,
        security=security,
    )


def security_on(engine: AsyncEngine, settings: ApiSettings) -> Security:
    """Who is let in, by *settings*; where nobody is asked who they are, nobody is counted either."""
    is_counted = settings.api_rate_per_s > 0 and not settings.insecure_local
    return Security(
        door=door_on(engine, settings),
        keys=KeyBook(engine, utc_now),
        rates=Rates(Rate(settings.api_rate_per_s, settings.api_rate_burst)) if is_counted else None,
        metrics_open=settings.api_metrics_open,
        cors_origins=settings.api_cors_origins,
    )
