"""The counting machine on a real Postgres, with the jobs that undo what was retracted."""

import asyncio
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from types import SimpleNamespace
from typing import Any, TypeVar, cast

import asyncpg
import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from services.compute.postgres_store import PostgresStore
from services.compute.stores import CountingStore
from services.compute.touched import Touched
from shared.domain.definitions import Catalogue
from shared.domain.errors import FencedError
from shared.storage.definitions import apply_changes, load_catalogue
from shared.storage.engine import connect, open_engine, reading, transaction
from shared.storage.flushes import Flush
from tests.integration.corrections_rig import MemoryLog, corrected
from tests.integration.counting_rig import Counting
from tests.simulation.kpis import REVISIONS
from tests.simulation.machines import CountingMachine, Member
from tests.simulation.tables import Row, Tables
from tests.unit.compute.builders import NOW, ARecord

_T = TypeVar("_T")

_EMPTY = """
TRUNCATE kpis, kpi_versions, measures, series, positions, flushes, retractions, pane_repairs, panes,
    pane_sketches, activations, kpi_current RESTART IDENTITY CASCADE;
UPDATE pane_marks SET until_us = 0
"""


class PostgresBench:
    """Counting in a database that is emptied for each life of the machine."""

    def __init__(self, runner: asyncio.Runner, url: str) -> None:
        self._runner, self._url = runner, url
        self._engine = open_engine(url, application_name="tests")
        self._eye: asyncpg.Connection = runner.run(connect(url, application_name="tests"))

    def run(self, work: Coroutine[Any, Any, _T]) -> _T:
        """What *work* returns."""
        return self._runner.run(work)

    def store(self) -> CountingStore:
        """The product's own."""
        return PostgresStore(self._url)

    async def publish(self, revision: int) -> Catalogue:
        """Apply the KPIs of *revision*; the first revision is that of an empty database."""
        if revision == 1:
            await self._eye.execute(_EMPTY)
        async with transaction(self._engine) as conn:
            await apply_changes(conn, [one.kpi for one in REVISIONS[revision - 1]], NOW)
        async with reading(self._engine) as conn:
            return await load_catalogue(conn)

    async def correct(self, logs: Sequence[Sequence[ARecord]], owner: Member) -> None:
        """Undo and repair as *owner*, who may have lost its partitions."""
        process = SimpleNamespace(
            url=self._url, engine=self._engine, standings=owner.standings, touched=Touched()
        )
        with suppress(FencedError):
            await corrected(cast("Counting", process), MemoryLog(dict(enumerate(logs))))

    async def tables(self) -> Tables:
        """Everything committed, in one snapshot."""
        async with self._eye.transaction(isolation="repeatable_read", readonly=True):
            found = Tables()
            await self._read_log(found)
            await self._read_panes(found)
            return found

    async def _read_log(self, found: Tables) -> None:
        names = "next_offset, epoch, revision, consumed, applied, duplicate, dead_lettered"
        for row in await self._eye.fetch(f"SELECT partition, {names} FROM positions"):
            found.positions[row["partition"]] = Row(*list(row)[1:])
        columns = "partition, first_offset, next_offset, first_time, last_time, ids, skipped"
        for row in await self._eye.fetch(f"SELECT {columns} FROM flushes ORDER BY partition, next_offset"):
            found.flushes.setdefault(row["partition"], []).append(Flush(**row))
        for row in await self._eye.fetch("SELECT partition, key, undone_offset FROM retractions"):
            found.retractions[row["partition"], row["key"]] = cast("Any", None)
            if row["undone_offset"] is not None:
                found.undone.add((row["partition"], row["undone_offset"]))

    async def _read_panes(self, found: Tables) -> None:
        for row in await self._eye.fetch("SELECT measure_id, partition, from_offset FROM activations"):
            found.activations[row["measure_id"], row["partition"]] = row["from_offset"]
        for row in await self._eye.fetch("SELECT measure_id, dimensions, series_id FROM series"):
            found.series[row["measure_id"], row["dimensions"]] = row["series_id"]
        for row in await self._eye.fetch("SELECT * FROM panes"):
            key = (row["series_id"], row["rung"], row["start_us"], row["shard"])
            found.panes[key] = (row["n"], int(row["sum"]), row["min"], row["max"])

    async def close(self) -> None:
        """Let go of the database."""
        await self._eye.close()
        await self._engine.dispose()


def run_machine(database_url: str, how: settings) -> None:
    """The machine on the database at *database_url*."""
    with asyncio.Runner() as runner:
        bench = PostgresBench(runner, database_url)

        class Machine(CountingMachine):
            def __init__(self) -> None:
                super().__init__()
                self.bench = bench

        try:
            run_state_machine_as_test(Machine, settings=how)
        finally:
            runner.run(bench.close())


def test_any_steps(database_url: str) -> None:
    """Whatever happens in whatever order, Postgres holds what the log says, after every step."""
    run_machine(database_url, settings(max_examples=40, stateful_step_count=20))


@pytest.mark.nightly
@pytest.mark.timeout(1800)
def test_many_steps(database_url: str) -> None:
    """The same by night, for longer and with other examples every time."""
    run_machine(database_url, settings(max_examples=300, stateful_step_count=40, derandomize=False))
