"""A whole shop behind the real API, on a real port, with something of everything that can be asked about."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from services.api import replays
from services.api.app import create_app
from services.api.composition import state_on
from services.api.dependencies import ApiState
from services.api.dry_runs import DryRuns
from services.api.previews import Previews
from services.api.settings import ApiSettings
from services.api.streaming.event_stream import Pace
from shared.contracts.events import CleanEvent
from shared.domain.access import Scope
from shared.domain.access.keys import Wish
from shared.domain.definitions.kpi_files import definitions_of
from shared.domain.observations.types import sampled
from shared.runtime.clock import utc_now
from shared.runtime.lifecycle import every
from shared.runtime.ops import serving
from shared.storage import keys as stored_keys
from shared.storage import observation_news
from shared.storage.engine import transaction
from shared.storage.observation_news import News
from shared.storage.series import SeriesLimits
from tests.integration.corrections_rig import MemoryLog
from tests.integration.counting_rig import HORIZON, Counting, counting
from tests.integration.ingest_rig import refused_twice
from tests.integration.preview_rig import MemoryPreviewLog
from tests.integration.replay_rig import Remembering, of_one
from tests.unit.compute.builders import NOW, an_event

SHOP = Path(__file__).parents[1] / "shop"
SHOPS = ("Köln", "Łódź", None)


@dataclass(frozen=True, slots=True)
class Contract:
    """The API and what it takes to use it.

    Attributes:
        url: where it is.
        token: a key that may do everything.
    """

    url: str
    token: str


def orders() -> list[CleanEvent]:
    """An order every two hours of 30 days, and one that is taken back."""
    came = [
        an_event(n, ago=timedelta(hours=2 * n, minutes=5), data={"shop": SHOPS[n % 3], "price": n * 37 % 101})
        for n in range(360)
    ]
    return [*came, an_event(400, type="order.withdrawn", retracts="order-7", data={})]


@asynccontextmanager
async def contract_api(
    database_url: str, kafka: str, topic: str, patch: pytest.MonkeyPatch
) -> AsyncIterator[Contract]:
    """The API at NOW: orders counted, types of events seen, dead letters in Kafka."""
    await refused_twice(kafka, topic)
    texts = [(SHOP / name).read_text(encoding="utf-8") for name in ("scores.yaml", "scorecards.yaml")]
    async with counting(database_url, definitions_of("---\n".join(texts))) as one:
        mine = Remembering(one)
        await one.take_over([0])
        await mine.flush(of_one(*orders()))
        await _observe(one)
        settings = ApiSettings.model_validate(
            {"database_url": database_url, "kafka_bootstrap_servers": kafka, "api_rate_per_s": 0}
        )
        state = _on_memory(state_on(one.engine, settings, registry=CollectorRegistry()), mine, patch)
        token = await _a_key(one)
        app = create_app(state)
        async with (
            _polled(state),
            serving(app, host="127.0.0.1", port=0, on_stop=state.hub.say_goodbye) as server,
        ):
            yield Contract(f"http://127.0.0.1:{server.port}", token)


@asynccontextmanager
async def _polled(state: ApiState) -> AsyncIterator[None]:
    stopping = asyncio.Event()
    polling = asyncio.create_task(every(0.2, state.hub.poll, stopping=stopping), name="poll")
    try:
        yield
    finally:
        stopping.set()
        await polling


def _on_memory(state: ApiState, mine: Remembering, patch: pytest.MonkeyPatch) -> ApiState:
    """*state* at NOW, reading the log of *mine*; its streams end soon, to be answers like others."""

    @asynccontextmanager
    async def opened(*_: object) -> AsyncIterator[MemoryLog]:
        yield mine.log

    patch.setattr(replays, "open_ranges", opened)
    log, engine = MemoryPreviewLog(mine.log), mine.counting.engine
    return replace(
        state,
        clock=lambda: NOW,
        pace=Pace(lifetime_s=0.2),
        previews=Previews(engine, log, 100_000),
        dry_runs=DryRuns(engine, log, HORIZON, SeriesLimits()),
    )


async def _observe(one: Counting) -> None:
    seen = replace(sampled([{"shop": "Köln", "price": 12}], declared=(), most_values=100), events=360)
    async with transaction(one.engine) as connection:
        await observation_news.add(
            connection, [News("order.paid", seen, NOW)], since=0, until=1, others=0, personal={}
        )


async def _a_key(one: Counting) -> str:
    wish = Wish("contract", frozenset(Scope), lives=timedelta(days=1))
    async with transaction(one.engine) as connection:
        made = await stored_keys.make(connection, wish, by="tests", now=utc_now())
    assert made.token is not None
    return made.token
