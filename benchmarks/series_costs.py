"""What many series cost: rows and time of flushes, memory of compute, bytes of what is kept."""

import tracemalloc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import numpy as np
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from benchmarks.backlogs import Backlog
from benchmarks.catalogues import many_series_kpi, probe_kpi
from benchmarks.drains import consumed, until
from benchmarks.figures import FLUSH
from benchmarks.fleets import Fleet, fleet
from benchmarks.latencies import WARM_UP_S, live
from benchmarks.processes import memory_mib
from benchmarks.quantiles import histogram_quantile, per_second
from benchmarks.rigs import Rig, environment
from benchmarks.scrapes import Scrape
from benchmarks.senders import Schedule
from benchmarks.servers import fresh_database
from benchmarks.topics import empty, fill, make_source
from benchmarks.usage import cost, mark
from shared.domain.seen import SeenIds
from shared.runtime.clock import epoch_us
from shared.storage.engine import open_engine, reading

SERIES_COUNTS = (1_000, 10_000, 100_000)

_SPAN_S = 120.0
_SEED = 11
_LIMIT = str(max(SERIES_COUNTS) * 4)
_LIMITS = {"TIDEMARK_COMPUTE_SERIES_PER_MEASURE": _LIMIT, "TIDEMARK_COMPUTE_SERIES_IN_ALL": _LIMIT}
_SIZES = text(
    """
    SELECT (SELECT count(*) FROM series) AS series,
           (SELECT count(*) FROM panes) AS panes,
           pg_total_relation_size('series') AS series_bytes,
           (SELECT sum(pg_total_relation_size(relid)) FROM pg_partition_tree('panes')) AS pane_bytes,
           (SELECT sum(octet_length(ids)) FROM flushes) AS id_bytes
    """
)


@dataclass(frozen=True, slots=True)
class SeriesCost:
    """One drain into a KPI with many series.

    Attributes:
        series: how many there came to be.
        memory_mib: of compute at the end, and *idle_memory_mib* before the first event.
        bytes_per_series: in PostgreSQL, indexes included; so *bytes_per_pane*.
        bytes_per_id: in PostgreSQL, for each event within the dedupe horizon.
        memory_bytes_per_id: of compute, for each of as many remembered ids as there were events.
        visible_p50_s: from an event's being due to its being visible by the API, once these series are there
            and events come at half of the speed of the drain; so *visible_p99_s*.
    """

    series: int
    events: int
    events_per_second: float
    compute_us_per_event: float
    rows_per_event: float
    flush_p50_s: float | None
    flush_p99_s: float | None
    idle_memory_mib: float
    memory_mib: float
    bytes_per_series: float
    bytes_per_pane: float
    bytes_per_id: float
    memory_bytes_per_id: float
    visible_p50_s: float | None = None
    visible_p99_s: float | None = None


async def series_cost(rig: Rig, *, customers: int, events: int, probes: int) -> SeriesCost:
    """Drain *events* of so many *customers*, half of which place orders, into a KPI by customer; then go on.

    Raises:
        BenchmarkError: a service ended, nothing moved any more, a probe never showed, or an event was lost.
    """
    topic = f"benchmark.customers.{customers}"
    backlog = Backlog.of(events, ending_at_us=epoch_us(), span_s=_SPAN_S, seed=_SEED, customers=customers)
    await empty(rig.kafka)
    await make_source(rig.kafka, topic)
    await fill(rig.kafka, topic, backlog.chunks())
    async with _running(rig, topic) as (processes, engine):
        drained = await processes.unless_one_ends(_drained(rig, processes, engine, events))
        await processes.start("api")
        rate = drained.events_per_second / 2
        schedule = Schedule.of(
            rate=rate, probes=probes, warm_up_s=WARM_UP_S, customers=customers, first=events
        )
        seen = await processes.unless_one_ends(live(rig, processes, engine, topic, schedule, looking=["api"]))
    visible = seen.spreads["api"]
    return replace(drained, visible_p50_s=visible.p50_s, visible_p99_s=visible.p99_s)


@asynccontextmanager
async def _running(rig: Rig, topic: str) -> AsyncIterator[tuple[Fleet, AsyncEngine]]:
    """Compute and ingest, reading *topic* into a fresh database, and that database."""
    async with fresh_database(rig.servers, [many_series_kpi(), probe_kpi()]) as url:
        engine = open_engine(url, application_name="tidemark-benchmarks")
        told = environment(rig, database_url=url, source=topic, **_LIMITS)
        try:
            async with fleet(told, logs=rig.logs("series")) as processes:
                await processes.start("compute")
                await processes.start("ingest")
                yield processes, engine
        finally:
            await engine.dispose()


async def _drained(rig: Rig, processes: Fleet, engine: AsyncEngine, events: int) -> SeriesCost:
    compute = processes.pids()["compute"]
    idle_mib, before = memory_mib(compute), mark(processes, rig.servers, events=0)
    await until(events, lambda: consumed(engine))
    spent = cost(before, mark(processes, rig.servers, events=events))
    used_mib, scrape = memory_mib(compute), await processes.scrape("compute")
    async with reading(engine) as connection:
        sizes = await _sizes(connection)
    buckets = scrape.buckets(FLUSH)
    return SeriesCost(
        series=sizes["series"],
        events=events,
        events_per_second=spent.events_per_second,
        compute_us_per_event=spent.cpu_s["compute"] * 1e6 / events,
        rows_per_event=_rows(scrape, events),
        flush_p50_s=histogram_quantile(buckets, 0.5),
        flush_p99_s=histogram_quantile(buckets, 0.99),
        idle_memory_mib=idle_mib,
        memory_mib=used_mib,
        bytes_per_series=per_second(sizes["series_bytes"], sizes["series"]),
        bytes_per_pane=per_second(sizes["pane_bytes"], sizes["panes"]),
        bytes_per_id=per_second(sizes["id_bytes"], events),
        memory_bytes_per_id=per_second(remembered_bytes(events), events),
    )


def remembered_bytes(count: int) -> int:
    """What so many ids take in memory, by Python's own account of its allocations."""
    ids = np.random.default_rng(_SEED).integers(2**63, size=(count, 2), dtype=np.uint64)
    tracemalloc.start()
    try:
        seen = SeenIds(2 * count)
        seen.add(ids, np.arange(count))
        return tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()


def _rows(scrape: Scrape, events: int) -> float:
    return per_second(scrape.value("tidemark_compute_pane_rows_total"), events)


async def _sizes(connection: AsyncConnection) -> dict[str, int]:
    row = (await connection.execute(_SIZES)).mappings().one()
    return {name: int(value or 0) for name, value in row.items()}
