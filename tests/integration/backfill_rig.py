"""Backfills without Kafka: a log in memory, live counting beside it, and the real job on a real Postgres."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import asyncpg

from services.compute.backfill.jobs import Backfiller, Store
from services.compute.backfill.pacing import Pace
from services.compute.backfill.reading import LogDoor
from services.compute.batches import Addition
from services.compute.catalogues import CatalogueWatch
from services.compute.postgres_store import PostgresSession, PostgresStore
from shared.contracts.events import CleanEvent
from shared.domain.calendars import instant_us
from shared.domain.definitions import Definition, Kpi
from shared.domain.definitions.plans import spec_of
from shared.domain.errors import LogLostError
from shared.messaging.records import Record
from shared.storage.backfill_orders import order_changes, order_rebuild
from shared.storage.backfill_reports import BackfillReport, backfill_report
from shared.storage.engine import reading, transaction
from shared.storage.panes import PaneRows
from shared.storage.readings import Ask, evaluate
from tests.integration.counting_rig import Counting
from tests.integration.cuts import Cut
from tests.shop.judging import shop_kpis
from tests.unit.compute.builders import NOW, ARecord, an_event, clean_log

SHOPS = ("Köln", "Paris", "Łódź")
EVENTS = [
    an_event(
        n,
        ago=timedelta(minutes=7 * n % 500, days=n % 50),
        type="order.refunded" if n % 9 == 0 else "order.paid",
        data={"price": n % 17, "shop": SHOPS[n % 3], "channel": "web" if n % 2 else "till"},
    )
    for n in range(240)
]
LATER = (NOW, NOW - timedelta(hours=7), NOW - timedelta(days=3))
Log = dict[int, list[ARecord]]


def with_copies(events: Sequence[CleanEvent], *, partitions: int = 2) -> Log:
    """A log in which every third event comes twice."""
    return clean_log([*events[:120], *events[::3], *events[120:], *events[::5]], partitions=partitions)


def cut(log: Mapping[int, Sequence[ARecord]], share: float) -> tuple[Log, Log]:
    """The first *share* of each partition, and the rest."""
    places = {p: round(len(records) * share) for p, records in log.items()}
    return (
        {p: list(records[: places[p]]) for p, records in log.items()},
        {p: list(records[places[p] :]) for p, records in log.items()},
    )


def other_versions() -> list[Kpi]:
    """KPIs of the shop's names that count fewer events."""
    leaves = [kpi for kpi in shop_kpis() if not kpi.is_formula]
    return [another(kpi, where="data.price > 5") for kpi in leaves]


def another(kpi: Kpi, **fields: object) -> Kpi:
    """*kpi* with other *fields*."""
    return Kpi.model_validate(spec_of(kpi) | fields)


LOG = with_copies(EVENTS)
FIRST, REST = cut(LOG, 0.6)


def nothing() -> None:
    """What happens meanwhile by default."""


async def nothing_at_all() -> None:
    """The same, awaited."""


@dataclass(slots=True)
class ALog:
    """A log in memory, read a few records at a time.

    Attributes:
        begins: the first offset that a partition still holds, 0 where nothing is said.
        meanwhile: what else happens before the read of that number, from 0, hands out its next records.
    """

    records: Mapping[int, Sequence[ARecord]]
    begins: dict[int, int] = field(default_factory=dict)
    meanwhile: dict[int, Callable[[], object]] = field(default_factory=dict)
    at_once: int = 7
    reads: int = 0

    async def read(self, partition: int, first_offset: int, until_offset: int) -> AsyncIterator[list[Record]]:
        """As the real one, but for the speed."""
        if first_offset < min(self.begins.get(partition, 0), until_offset):
            raise LogLostError(partition, first_offset, until_offset)
        found: list[Record] = [r for r in self.records[partition] if first_offset <= r.offset < until_offset]
        for start in range(0, len(found), self.at_once):
            self.meanwhile.get(self.reads, nothing)()
            self.reads += 1
            await asyncio.sleep(0)
            yield found[start : start + self.at_once]

    async def begun(self) -> Mapping[int, int]:
        """Where each partition begins."""
        return {partition: self.begins.get(partition, 0) for partition in self.records}

    @asynccontextmanager
    async def opened(self) -> AsyncIterator["ALog"]:
        """Itself: nothing has to be connected."""
        yield self


@dataclass(frozen=True, slots=True)
class Opened(PostgresStore):
    """A store whose sessions write by what *wrapped* makes of a connection."""

    wrapped: Callable[[asyncpg.Connection], Any] = lambda connection: connection

    @asynccontextmanager
    async def session(self) -> AsyncIterator[PostgresSession]:
        """One whose connection is wrapped."""
        async with PostgresStore.session(self) as session:
            yield PostgresSession(self.wrapped(session.connection), session.index, session.now_us)


def cut_after(mine: Counting, statements: int) -> Opened:
    """A store whose connections are cut off when that many statements have been carried out."""
    return Opened(
        mine.url, mine.limits, lambda: instant_us(NOW), lambda connection: Cut(connection, after=statements)
    )


@dataclass(frozen=True, slots=True)
class HookedSession(PostgresSession):
    """A session by which something happens between the counting of a batch and its transaction."""

    hook: Callable[[], Awaitable[None]] = nothing_at_all

    async def rows(self, additions: Sequence[Addition]) -> PaneRows:
        """After the hook."""
        await self.hook()
        return await PostgresSession.rows(self, additions)


@dataclass(slots=True)
class Hooked:
    """A store by which *meanwhile* happens once: batch *at*, from 0, has been counted but not yet written.

    Attributes:
        calls: how many batches were counted.
    """

    mine: Counting
    meanwhile: Callable[[], Awaitable[None]]
    at: int = 0
    calls: int = 0

    @asynccontextmanager
    async def session(self) -> AsyncIterator[PostgresSession]:
        """One that is hooked."""
        async with PostgresStore(self.mine.url, self.mine.limits).session() as session:
            yield HookedSession(session.connection, session.index, hook=self._hook)

    async def _hook(self) -> None:
        if self.calls == self.at:
            await self.meanwhile()
        self.calls += 1


async def a_backfiller(
    mine: Counting,
    log: ALog,
    *,
    owned: Collection[int] | None = None,
    batch_records: int = 20,
    store: Store | None = None,
) -> Backfiller:
    """The job of a process that counts what *mine* counts and has noticed every change."""
    watch = CatalogueWatch(mine.engine)
    await watch.load()
    return Backfiller(
        mine.engine,
        store or PostgresStore(mine.url, mine.limits, lambda: instant_us(NOW)),
        LogDoor(log.opened, log.begun),
        watch,
        lambda: mine.standings.keys() if owned is None else owned,
        Pace(lambda: False),
        batch_records=batch_records,
        now_us=lambda: instant_us(NOW),
    )


async def worked(mine: Counting, log: ALog, *, batch_records: int = 20) -> None:
    """One round of such a job."""
    job = await a_backfiller(mine, log, batch_records=batch_records)
    await job.work(asyncio.Event())


async def ordered(mine: Counting, kpis: Sequence[Definition] = (), *, rebuild: Iterable[str] = ()) -> int:
    """Order a backfill of *kpis*, or of what is in force, which everybody notices; its number."""
    async with transaction(mine.engine) as conn:
        if kpis:
            number = await order_changes(conn, kpis, NOW)
        else:
            number = await order_rebuild(conn, rebuild, NOW)
    await mine.reload()
    assert number is not None
    return number


async def reported(mine: Counting, number: int) -> BackfillReport:
    """How a backfill stands."""
    async with reading(mine.engine) as conn:
        return await backfill_report(conn, number)


async def answered(counting: Counting) -> list[object]:
    """What every KPI says at a few instants, over all its windows, with whether it is complete."""
    asks = [
        Ask(slug, window, (), at)
        for slug, kpi in counting.catalogue.kpis.items()
        for window in kpi.windows
        for at in LATER
    ]
    async with reading(counting.engine) as conn:
        return [*await evaluate(conn, counting.catalogue, asks, now=NOW)]


async def in_force(counting: Counting) -> list[Mapping[str, int]]:
    """From where on the measures in force are counted."""
    numbers = list(counting.catalogue.measure_ids.values())
    return list(
        await counting.connection.fetch("SELECT * FROM activations WHERE measure_id = ANY($1)", numbers)
    )


def foreign(partition: int) -> CleanEvent:
    """An event that no KPI counts."""
    return an_event(5000 + partition, type="order.lost")
