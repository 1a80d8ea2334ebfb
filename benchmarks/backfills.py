"""A backfill against live counting: the same events into the same KPIs, by compute's own CPU time."""

import asyncio
from dataclasses import dataclass
from typing import Annotated

import typer
from sqlalchemy.ext.asyncio import AsyncEngine

from benchmarks.backlogs import Backlog
from benchmarks.cases import Case, Stage
from benchmarks.catalogues import FIVE_WINDOWS, ten_kpis
from benchmarks.checks import check_counted
from benchmarks.drains import Source, consumed, drain, until
from benchmarks.failures import WrongNumberError
from benchmarks.fleets import Fleet, fleet
from benchmarks.machines import environment as machine
from benchmarks.rigs import Rig, environment
from benchmarks.runs import BACKLOG_S, SEED
from benchmarks.servers import fresh_database, own_servers
from benchmarks.topics import fill, make_source
from benchmarks.usage import Cost, cost, mark
from shared.observability.logging import configure_logging
from shared.runtime.clock import epoch_us, utc_now
from shared.storage.backfill_orders import order_rebuild
from shared.storage.backfill_reports import BackfillReport, backfill_report
from shared.storage.backfills import BackfillState
from shared.storage.engine import open_engine, reading, transaction

ONE = "mean_payment"
"""A KPI of one event type of four, kept in all and by region."""

SETTLE_S = 3.0
"""After a drain the current values are still refreshed: that is no part of a backfill."""

_POLL_S = 0.1
_TOPIC = "benchmark.backlog"


@dataclass(frozen=True, slots=True)
class Comparison:
    """What counting a backlog cost, and what counting it again from the log did.

    Attributes:
        live: all KPIs, counted live.
        whole: all KPIs, rebuilt.
        one: one of them, rebuilt.
    """

    live: Cost
    whole: Cost
    one: Cost

    def ratio(self, filled: Cost) -> float:
        """Events per CPU second of compute: by a backfill, over those counted live."""
        return filled.events_per_cpu_second("compute") / self.live.events_per_cpu_second("compute")


async def compare(rig: Rig, source: Source) -> Comparison:
    """Count the backlog of *source* live, draining it, then rebuild every KPI from the log.

    Raises:
        BenchmarkError: a service ended, nothing moved any more, or a number came out wrong.
    """
    await drain(rig, source, Case(Stage.INGEST))
    kpis = ten_kpis(FIVE_WINDOWS)
    async with fresh_database(rig.servers, kpis) as url:
        engine = open_engine(url, application_name="tidemark-benchmarks")
        told = environment(rig, database_url=url, source=source.topic)
        try:
            async with fleet(told, logs=rig.logs("backfill")) as processes:
                await processes.start("compute")
                work = _compared(rig, source.backlog, engine, processes, [kpi.slug for kpi in kpis])
                return await processes.unless_one_ends(work)
        finally:
            await engine.dispose()


async def _compared(
    rig: Rig, backlog: Backlog, engine: AsyncEngine, processes: Fleet, slugs: list[str]
) -> Comparison:
    total = len(backlog)
    begun = mark(processes, rig.servers, events=await consumed(engine))
    await until(total, lambda: consumed(engine))
    counted = mark(processes, rig.servers, events=total)
    whole = await _rebuilt(rig, engine, processes, slugs, total)
    one = await _rebuilt(rig, engine, processes, [ONE], total)
    await check_counted(engine, backlog)
    return Comparison(cost(begun, counted), whole, one)


async def _rebuilt(rig: Rig, engine: AsyncEngine, processes: Fleet, slugs: list[str], total: int) -> Cost:
    await asyncio.sleep(SETTLE_S)
    before = mark(processes, rig.servers, events=0)
    async with transaction(engine) as connection:
        number = await order_rebuild(connection, slugs, utc_now())
    report = await _done(engine, number)
    after = mark(processes, rig.servers, events=report.counted)
    if report.counted != total:
        raise WrongNumberError("the events counted again", expected=total, found=report.counted)
    return cost(before, after)


async def _done(engine: AsyncEngine, number: int) -> BackfillReport:
    while True:
        async with reading(engine) as connection:
            report = await backfill_report(connection, number)
        if report.state is BackfillState.DONE:
            return report
        if report.is_over:
            raise WrongNumberError("the end of the backfill", expected="done", found=report.error)
        await asyncio.sleep(_POLL_S)


async def measured(events: int) -> Comparison:
    """The comparison on servers of its own."""
    async with own_servers(print) as up:
        found = machine(
            measured_at=utc_now().isoformat(timespec="seconds"),
            kafka=up.kafka_version,
            postgres=await up.postgres_version(),
        )
        print(found)
        backlog = Backlog.of(events, ending_at_us=epoch_us(), span_s=BACKLOG_S, seed=SEED)
        await make_source(up.kafka, _TOPIC)
        await fill(up.kafka, _TOPIC, backlog.chunks())
        return await compare(Rig(up, print), Source(_TOPIC, backlog))


def main(
    *, events: Annotated[int, typer.Option(min=10_000, help="Events of the backlog.")] = 300_000
) -> None:
    """Print what a backfill costs beside live counting."""
    configure_logging(service="benchmarks", level="warning", as_json=False)
    found = asyncio.run(measured(events))
    for name, one in (("live", found.live), ("all KPIs", found.whole), (f"only {ONE}", found.one)):
        print(f"{name}: {_line(one)}; {found.ratio(one):.2f} times live")


def _line(one: Cost) -> str:
    return (
        f"{one.events_per_second:,.0f} events/s, {one.events_per_cpu_second('compute'):,.0f} a second of"
        f" compute's CPU, {one.events_per_cpu_second('compute', 'postgres'):,.0f} with Postgres;"
        f" others took {one.others_cores:.2f} cores"
    )


if __name__ == "__main__":
    typer.run(main)
