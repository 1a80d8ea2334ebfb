"""A backfill by two compute processes: all KPIs, and one of them, counted again; it compares nothing."""

import asyncio
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncEngine

from benchmarks.backlogs import Backlog
from benchmarks.cases import Case, Stage
from benchmarks.catalogues import FIVE_WINDOWS, ten_kpis
from benchmarks.checks import check_counted
from benchmarks.drains import Source, consumed, drain, until
from benchmarks.failures import WrongNumberError
from benchmarks.fleets import Fleet, fleet
from benchmarks.rigs import Rig, environment
from benchmarks.servers import fresh_database
from benchmarks.topics import held
from benchmarks.usage import Cost, cost, mark
from shared.contracts.topics import EVENTS
from shared.runtime.clock import utc_now
from shared.storage.backfill_orders import order_rebuild
from shared.storage.backfill_reports import BackfillReport, backfill_report
from shared.storage.backfills import BackfillState
from shared.storage.engine import open_engine, reading, transaction

ONE = "mean_payment"
"""A KPI of one event type of four, kept in all and by region."""

SETTLE_S = 3.0
"""After a drain the current values are still refreshed: that is no part of a backfill."""

_POLL_S = 0.1


@dataclass(frozen=True, slots=True)
class Backfills:
    """What it cost to count a backlog again.

    Attributes:
        whole: all KPIs, rebuilt.
        one: one of them, rebuilt.
    """

    whole: Cost
    one: Cost


async def backfills(rig: Rig, source: Source) -> Backfills:
    """Have the backlog of *source* counted, then every KPI and one of them rebuilt from the log.

    Raises:
        BenchmarkError: a service ended, nothing moved any more, or a number came out wrong.
    """
    if await held(rig.kafka, EVENTS) != len(source.backlog):
        await drain(rig, source, Case(Stage.INGEST))
    kpis = ten_kpis(FIVE_WINDOWS)
    async with fresh_database(rig.servers, kpis) as url:
        engine = open_engine(url, application_name="tidemark-benchmarks")
        told = environment(rig, database_url=url, source=source.topic)
        try:
            async with fleet(told, logs=rig.logs("backfill")) as processes:
                await processes.start("compute", processes=2)
                work = _filled(rig, source.backlog, engine, processes, [kpi.slug for kpi in kpis])
                return await processes.unless_one_ends(work)
        finally:
            await engine.dispose()


async def _filled(
    rig: Rig, backlog: Backlog, engine: AsyncEngine, processes: Fleet, slugs: list[str]
) -> Backfills:
    total = len(backlog)
    await until(total, lambda: consumed(engine))
    whole = await _rebuilt(rig, engine, processes, slugs, total)
    one = await _rebuilt(rig, engine, processes, [ONE], total)
    await check_counted(engine, backlog)
    return Backfills(whole, one)


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
