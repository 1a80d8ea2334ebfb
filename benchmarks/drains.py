"""Draining a backlog: services started over a full topic, timed until everything is counted, then checked."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncEngine

from benchmarks.backlogs import Backlog
from benchmarks.cases import Case, Kpis, Stage
from benchmarks.catalogues import WINDOWS, ten_kpis, ten_on_three
from benchmarks.checks import check_clean_topic, check_counted
from benchmarks.failures import StandstillError
from benchmarks.fleets import Fleet, fleet
from benchmarks.processes import memory_mib
from benchmarks.rigs import Rig, environment
from benchmarks.scrapes import Scrape
from benchmarks.servers import fresh_database
from benchmarks.topics import empty, held
from benchmarks.usage import Cost, cost, mark, roots
from shared.contracts.topics import EVENTS
from shared.runtime.clock import monotonic_s
from shared.storage.engine import open_engine, reading
from shared.storage.ledger import ledger

STANDSTILL_S = 60.0
"""A count that does not move for so long will not move any more."""

DISTURBED_CORES = 0.2
"""Of two: a tenth of the machine, and so about a tenth of the speed."""

_POLL_S = 0.02

_SERVICES = {Stage.END_TO_END: ("compute", "ingest"), Stage.INGEST: ("ingest",), Stage.COMPUTE: ("compute",)}
"""In the order of starting: compute waits for its first event, so that ingest gets no head start."""

_KPIS = {Kpis.SHOP: ten_kpis, Kpis.THREE: ten_on_three}

Counted = Callable[[], Awaitable[int]]


@dataclass(frozen=True, slots=True)
class Source:
    """A topic and the backlog that was sent to it."""

    topic: str
    backlog: Backlog


@dataclass(frozen=True, slots=True)
class Drain:
    """One drain, measured.

    Attributes:
        cost: from the moment the last process was ready to the last event counted.
        start_s: how long that process took to be ready.
        scrape: the metrics of compute at the end, of ingest where there is no compute.
    """

    case: Case
    total: int
    cost: Cost
    start_s: float
    memory_mib: Mapping[str, float]
    scrape: Scrape

    @property
    def is_disturbed(self) -> bool:
        """Whether others took so much of the machine that the wall clock says little."""
        return self.cost.others_cores > DISTURBED_CORES


def undisturbed(drains: Sequence[Drain]) -> Sequence[Drain]:
    """Those of *drains* that others left in peace; all of them when there is none."""
    return [one for one in drains if not one.is_disturbed] or drains


async def drain(rig: Rig, source: Source, case: Case) -> Drain:
    """Drain *source*, or for compute alone the clean topic, by fresh processes into a fresh database.

    Raises:
        BenchmarkError: a service ended, nothing moved any more, or a number came out wrong.
    """
    if case.stage is not Stage.COMPUTE:
        await empty(rig.kafka)
    elif await held(rig.kafka, EVENTS) != len(source.backlog):
        await drain(rig, source, Case(Stage.INGEST))
    async with fresh_database(rig.servers, _KPIS[case.kpis](WINDOWS[case.windows])) as url:
        engine = open_engine(url, application_name="tidemark-benchmarks")
        told = environment(rig, database_url=url, source=source.topic)
        try:
            async with fleet(told, logs=rig.logs(case.stage)) as processes:
                return await _Attempt(rig, source.backlog, case, engine, processes).drain()
        finally:
            await engine.dispose()


@dataclass(frozen=True, slots=True)
class _Attempt:
    """One drain while it happens."""

    rig: Rig
    backlog: Backlog
    case: Case
    engine: AsyncEngine
    processes: Fleet

    async def drain(self) -> Drain:
        *first, last = _SERVICES[self.case.stage]
        for service in first:
            await self._start(service)
        started_s = monotonic_s()
        await self._start(last)
        start_s = monotonic_s() - started_s
        return await self.processes.unless_one_ends(self._measured(start_s))

    async def _start(self, service: str) -> None:
        await self.processes.start(service, processes=self.case.computes if service == "compute" else 1)

    async def _measured(self, start_s: float) -> Drain:
        total, processes, servers = len(self.backlog), self.processes, self.rig.servers
        before = mark(processes, servers, events=await self._counted())
        await until(total, self._counted)
        after = mark(processes, servers, events=total)
        await self._check()
        groups = roots(processes, servers)
        return Drain(
            case=self.case,
            total=total,
            cost=cost(before, after),
            start_s=start_s,
            memory_mib={name: memory_mib(pids) for name, pids in groups.items()},
            scrape=await processes.scrape("compute" if "compute" in groups else "ingest"),
        )

    async def _counted(self) -> int:
        if self.case.stage is Stage.INGEST:
            scrape = await self.processes.scrape("ingest")
            return round(scrape.value("tidemark_ingest_events_total", outcome="accepted"))
        return await consumed(self.engine)

    async def _check(self) -> None:
        if self.case.stage is Stage.INGEST:
            await check_clean_topic(self.rig.kafka, len(self.backlog))
        else:
            await check_counted(self.engine, self.backlog)


async def consumed(engine: AsyncEngine) -> int:
    """How many events the ledger holds."""
    async with reading(engine) as connection:
        return (await ledger(connection)).consumed


async def until(total: int, counted: Counted) -> None:
    """Wait until *total* events are counted.

    Raises:
        StandstillError: the count has not moved for a minute.
    """
    moved_s, before = monotonic_s(), -1
    while (found := await counted()) < total:
        if found != before:
            moved_s, before = monotonic_s(), found
        if monotonic_s() - moved_s > STANDSTILL_S:
            raise StandstillError(
                f"Of {total} events {found} are counted, and none more for {STANDSTILL_S:g} s."
            )
        await asyncio.sleep(_POLL_S)
