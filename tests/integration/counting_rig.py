"""Compute without Kafka: batches counted in memory and written by its own transaction to a real Postgres."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
from sqlalchemy.ext.asyncio import AsyncEngine

from services.compute.batches import CountedBatch, count_batch
from services.compute.flushing import Standing, Work, move_of, write
from services.compute.ownership import remembered
from services.compute.parts import Refused
from services.compute.postgres_store import PostgresSession
from services.compute.series_index import SeriesIndex
from services.compute.touched import Touched
from shared.contracts.events import CleanEvent, encode_clean
from shared.counting.programmes import Programme
from shared.domain.calendars import instant_us
from shared.domain.definitions import Catalogue, Definition, Kpi
from shared.domain.seen import Memory
from shared.domain.windows import PARTS
from shared.storage import flushes, pane_marks, panes, positions, retractions
from shared.storage.backfills import Shadow, load_shadows
from shared.storage.definitions import apply_changes, load_catalogue
from shared.storage.engine import close, connect, open_engine, reading, transaction
from shared.storage.ledger import Ledger, ledger
from shared.storage.series import SeriesLimits
from tests.oracle import Oracle, Record
from tests.shop.judging import KPI_FILE, differences, shop_kpis
from tests.unit.compute.builders import NOW, ARecord, a_record

HORIZON = timedelta(hours=24)
_T = TypeVar("_T")


@dataclass(slots=True)
class Counting:
    """One process's counting: what it owns, what it remembers, and the connection it writes by.

    Attributes:
        limits: how many series there may be.
        shadows: the measures of backfills, counted beside those in force.
        refused: everything that could not be counted.
        touched: the series that were counted, for a refresher.
    """

    url: str
    engine: AsyncEngine
    connection: asyncpg.Connection
    catalogue: Catalogue
    limits: SeriesLimits = field(default_factory=SeriesLimits)
    shadows: Sequence[Shadow] = ()
    standings: dict[int, Standing] = field(default_factory=dict)
    memories: dict[int, Memory] = field(default_factory=dict)
    refused: list[Refused] = field(default_factory=list)
    touched: Touched = field(default_factory=Touched)
    index: SeriesIndex = field(init=False)
    activated: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.index = SeriesIndex(self.limits)

    @property
    def programme(self) -> Programme:
        """What is counted now."""
        return Programme.of(self.catalogue, [(shadow.measure_id, shadow.measure) for shadow in self.shadows])

    async def reload(self) -> None:
        """Notice that what is counted has changed."""
        async with reading(self.engine) as conn:
            self.catalogue = await load_catalogue(conn)
            self.shadows = await load_shadows(conn)
        self.activated = set()

    async def take_over(self, partitions: Iterable[int], *, owner: str = "tests") -> None:
        """Become the owner of *partitions*, as a process that has just been given them."""
        self.index, self.activated = SeriesIndex(self.limits), set()
        for partition in partitions:
            await positions.register(self.connection, partition + 1, log_id="log")
            position = await positions.take_over(
                self.connection, partition, owner=owner, first_offset=0, log_id="log"
            )
            blobs = await flushes.seen(self.connection, partition, horizon=HORIZON, most=100_000)
            keys = await retractions.retracted(self.connection, partition, most=100_000)
            self.memories[partition] = remembered(blobs, keys, limit=100_000)
            self.standings[partition] = Standing(partition, position.epoch, position.next_offset)

    def counted(self, batch: Mapping[int, Sequence[ARecord]], *, now: datetime = NOW) -> Work:
        """*batch* as it would be written; nothing is."""
        programme = self.programme
        found = count_batch(batch, programme, self.memories, now_us=instant_us(now))
        return self._work(found, programme)

    def _work(self, found: CountedBatch, programme: Programme) -> Work:
        moves = [
            move_of(
                self.standings[t.partition],
                t,
                caught_up_at_us=None,
                disorder=timedelta(seconds=10),
                revision=programme.revision,
            )
            for t in found.tallies
        ]
        new = {t.partition: self.standings[t.partition].next_offset for t in found.tallies}
        new = {p: offset for p, offset in new.items() if p not in self.activated}
        return Work(found, [move for move in moves if move], programme, new)

    async def count(self, batch: Mapping[int, Sequence[ARecord]], *, now: datetime = NOW) -> int:
        """Count *batch* and write it; the number of pane rows."""
        batch = {partition: records for partition, records in batch.items() if records}
        if not batch:
            return 0
        work = self.counted(batch, now=now)
        session = PostgresSession(self.connection, self.index, lambda: instant_us(now))
        rows = await write(session, work)
        self.refused += work.batch.refused
        self.touched.add(self.index.counted(work.batch.additions))
        for tally in work.batch.tallies:
            before = self.standings[tally.partition]
            self.standings[tally.partition] = Standing(before.partition, before.epoch, tally.to_offset)
            self.activated.add(tally.partition)
        return rows

    async def count_events(self, events: Iterable[CleanEvent], *, now: datetime = NOW) -> None:
        """Count *events* as the next records of partition 0."""
        first = self.standings[0].next_offset
        await self.count({0: [a_record(event, offset=n) for n, event in enumerate(events, first)]}, now=now)

    async def derive(self, *, until: datetime = NOW, parts: Iterable[int] = range(PARTS)) -> None:
        """Make coarser panes of finer ones of some *parts*, where they are over at *until*."""
        async with self.connection.transaction():
            await pane_marks.derive(
                self.connection, list(parts), now_us=instant_us(until) + pane_marks.LAG_US
            )

    async def ledger(self) -> Ledger:
        """What has become of everything."""
        async with reading(self.engine) as connection:
            return await ledger(connection)

    async def differences(self, events: Iterable[CleanEvent], *instants: datetime) -> list[str]:
        """What is not as the oracle has it, when *events* are all that ever came."""
        return await differences(self.engine, self.catalogue, oracle_of(events), instants=instants, now=NOW)

    async def forget_everything(self) -> None:
        """As if nothing had ever been counted, the definitions apart."""
        await self.connection.execute(
            "TRUNCATE positions, flushes, retractions, pane_repairs, panes, pane_sketches, activations,"
            " series, kpi_current RESTART IDENTITY; UPDATE pane_marks SET until_us = 0;"
            " UPDATE measures SET series_count = 0"
        )
        self.standings, self.memories, self.refused, self.touched = {}, {}, [], Touched()


def oracle_of(events: Iterable[CleanEvent], kpi_file: Path = KPI_FILE) -> Oracle:
    """The oracle on *events*: a clean record is a structured CloudEvent like any other."""
    text = kpi_file.read_text(encoding="utf-8")
    return Oracle(text, [Record(encode_clean(event)) for event in events], ingested_at=NOW)


@asynccontextmanager
async def counting(
    database_url: str, kpis: Sequence[Definition] = (), *, limits: SeriesLimits | None = None
) -> AsyncIterator[Counting]:
    """Counting into the database at *database_url*; the shop's KPIs are in force unless others are named."""
    engine = open_engine(database_url, application_name="tests")
    async with transaction(engine) as conn:
        await apply_changes(conn, kpis or shop_kpis(), NOW)
    async with reading(engine) as conn:
        catalogue = await load_catalogue(conn)
    connection = await connect(database_url, application_name="tests")
    await panes.prepare(connection)
    mine = Counting(database_url, engine, connection, catalogue, limits or SeriesLimits())
    try:
        yield mine
    finally:
        await close(mine.connection)
        await engine.dispose()


class Law:
    """An event loop for the examples of a law, which share a database and begin with nothing counted."""

    def __init__(self, runner: asyncio.Runner, mine: Counting) -> None:
        self._runner = runner
        self.counting = mine

    def holds(self, example: Coroutine[Any, Any, _T]) -> _T:
        """Run *example* on a database in which nothing is counted."""
        self._runner.run(self.counting.forget_everything())
        return self._runner.run(example)


@contextmanager
def law(database_url: str, kpis: Sequence[Kpi] = ()) -> Iterator[Law]:
    """A place for the examples of a law to run in."""
    with asyncio.Runner() as runner:
        opened = counting(database_url, kpis)
        mine = runner.run(opened.__aenter__())
        try:
            yield Law(runner, mine)
        finally:
            runner.run(opened.__aexit__(None, None, None))
