"""How long answers of the API take: one value, 500 series, a month's history; nothing else is going on."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

import httpx2
import msgspec

from benchmarks.backlogs import Backlog
from benchmarks.catalogues import MANY_SERIES, many_series_kpi
from benchmarks.checks import check_count
from benchmarks.drains import STANDSTILL_S, consumed, until
from benchmarks.failures import StandstillError
from benchmarks.fleets import Fleet, fleet
from benchmarks.orders import CUSTOMERS
from benchmarks.quantiles import Spread, spread
from benchmarks.rigs import Rig, environment
from benchmarks.servers import fresh_database
from benchmarks.topics import empty, fill, make_source
from shared.runtime.clock import epoch_us, monotonic_s
from shared.storage.engine import open_engine

SPAN = timedelta(days=30)
STEPS = 300

_QUIET_S = 1.0
"""Twice the time from one refresh to the next, which takes up what the last events touched."""

_WAITING = ("tidemark_compute_refresh_waiting_series", ())
_POLL_S = 0.05
_WARM_UP = 5
"""Requests that are not counted, at least: on a new connection PostgreSQL plans each statement five times."""

_WARM_UP_SHARE = 10
"""Of all that are counted, as many more come first: a service that has just started is not what is timed."""

_SEED = 7


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is read.

    Attributes:
        events: what the panes are made of, over a month.
        values: requests for one value.
        pages: requests for all series, and as many for a history.
    """

    events: int
    values: int
    pages: int


async def reading_times(rig: Rig, effort: Effort) -> dict[str, Spread]:
    """The seconds from request to last byte, by what is asked for.

    Raises:
        BenchmarkError: a service ended, current values were not refreshed, or an answer was not complete.
    """
    topic = "benchmark.month"
    backlog = Backlog.of(effort.events, ending_at_us=epoch_us(), span_s=SPAN.total_seconds(), seed=_SEED)
    await empty(rig.kafka)
    await make_source(rig.kafka, topic)
    await fill(rig.kafka, topic, backlog.chunks())
    async with fresh_database(rig.servers, [many_series_kpi()]) as url:
        told = environment(rig, database_url=url, source=topic)
        async with fleet(told, logs=rig.logs("reading")) as processes:
            for service in ("compute", "ingest", "api"):
                await processes.start(service)
            return await processes.unless_one_ends(_measured(processes, url, effort))


async def _measured(processes: Fleet, url: str, effort: Effort) -> dict[str, Spread]:
    engine = open_engine(url, application_name="tidemark-benchmarks")
    try:
        await until(effort.events, lambda: consumed(engine))
    finally:
        await engine.dispose()
    await _refreshed(processes)
    async with httpx2.AsyncClient(base_url=processes.url("api"), timeout=30.0, trust_env=False) as client:
        return await _asked(client, effort)


async def _refreshed(processes: Fleet) -> None:
    """Wait until compute has refreshed all current values: none has waited for a second."""
    began_s = waited_s = monotonic_s()
    while monotonic_s() - waited_s < _QUIET_S:
        waiting = (await processes.scrape("compute")).samples.get(_WAITING)
        if waiting != 0:  # nor when compute does not say
            waited_s = monotonic_s()
        if waited_s - began_s > STANDSTILL_S:
            raise StandstillError(f"{waiting} series still wait to be refreshed after {STANDSTILL_S:g} s.")
        await asyncio.sleep(_POLL_S)


async def _asked(client: httpx2.AsyncClient, effort: Effort) -> dict[str, Spread]:
    kpi = f"/v1/kpis/{MANY_SERIES}"
    step = f"{round((SPAN / STEPS).total_seconds())}s"
    history = {"window": "24h", "from": f"now-{SPAN.days}d", "step": step}
    series = {"window": "24h", "breakdown": "customer", "limit": str(CUSTOMERS)}
    return {
        "value": await _timed(client, f"{kpi}/value", {"window": "24h"}, effort.values, items=None),
        "series_500": await _timed(client, f"{kpi}/value", series, effort.pages, items=CUSTOMERS),
        "history_30d_300": await _timed(client, f"{kpi}/history", history, effort.pages, items=STEPS + 1),
    }


async def _timed(
    client: httpx2.AsyncClient, path: str, params: Mapping[str, str], times: int, *, items: int | None
) -> Spread:
    """One request after the other; the first are not counted."""
    took_s = []
    unjudged = max(times // _WARM_UP_SHARE, _WARM_UP)
    for _ in range(unjudged + times):
        began_s = monotonic_s()
        answer = await client.get(path, params=dict(params))
        took_s.append(monotonic_s() - began_s)
        found = msgspec.json.decode(answer.raise_for_status().content)
        if items is not None:
            check_count(f"the number of items of {path}", found["items"], items)
    return spread(took_s[unjudged:])
