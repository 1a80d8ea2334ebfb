"""The API, from settings to stop, in the order in which it happens."""

import asyncio
from contextlib import AsyncExitStack
from functools import partial

import structlog
from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from services.api.alerting.jobs import open_alerting
from services.api.app import create_app
from services.api.composition import opened_database, state_on
from services.api.declaring import SEND_WITHIN_S, Declarations
from services.api.dependencies import ApiState
from services.api.http.stalled import drop_stalled_peers
from services.api.observing import Observations
from services.api.publishing.jobs import publishing
from services.api.settings import ApiSettings
from shared.access.watching import watch
from shared.messaging.producer import open_producer
from shared.observability.logging import configure_logging, wants_json
from shared.runtime.lifecycle import every, run_jobs, stop_on_signals
from shared.runtime.loops import run_loop
from shared.runtime.ops import serving
from shared.runtime.settings import settings_or_exit

log = structlog.get_logger(__name__)

HTTP_GRACE_S = 5.0
"""How long answers in hand may take after SIGTERM; streams have said goodbye by then."""


def main() -> None:
    """Run the API until SIGTERM; the exit status says whether it ended well."""
    settings = settings_or_exit(ApiSettings)
    configure_logging(service="api", level=settings.log_level, as_json=wants_json(settings.log_format))
    run_loop(run(settings))


async def run(settings: ApiSettings) -> None:
    """Open the doors, answer and tell of alerts until told to stop, close in reverse."""
    registry = CollectorRegistry()
    async with AsyncExitStack() as stack:
        stopping = await stack.enter_async_context(stop_on_signals())
        engine = await stack.enter_async_context(opened_database(settings))
        state = state_on(engine, settings, registry=registry)
        kafka = await stack.enter_async_context(
            open_producer(settings.kafka_bootstrap_servers, "tidemark-api")
        )
        declaring = await stack.enter_async_context(
            open_producer(
                settings.kafka_bootstrap_servers, "tidemark-api-declarations", deadline_s=SEND_WITHIN_S
            )
        )
        alerting = await stack.enter_async_context(
            open_alerting(settings, engine=engine, producer=kafka, registry=registry)
        )
        jobs = {
            "http": partial(_answer, state, create_app(state), settings),
            "stream": partial(_poll, state, settings),
            "access": partial(watch, state.security.door),
            **alerting,
            "declarations": Declarations(
                engine, declaring, settings.kafka_bootstrap_servers, state.catalogue
            ).run,
            "observations": Observations(engine, settings.kafka_bootstrap_servers, state.catalogue).run,
            **publishing(settings, engine=engine, state=state, producer=kafka, registry=registry),
        }
        await run_jobs(jobs, stopping=stopping, grace_s=settings.shutdown_grace_s)


async def _answer(state: ApiState, app: FastAPI, settings: ApiSettings, stopping: asyncio.Event) -> None:
    async with serving(
        app,
        host=settings.http_host,
        port=settings.api_port,
        grace_s=HTTP_GRACE_S,
        on_stop=state.hub.say_goodbye,
    ) as server:
        drop_stalled_peers(server)
        log.info("api_started", port=server.port)
        await stopping.wait()


async def _poll(state: ApiState, settings: ApiSettings, stopping: asyncio.Event) -> None:
    await every(settings.api_stream_poll_s, state.hub.poll, stopping=stopping)
