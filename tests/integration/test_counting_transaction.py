"""The counting transaction on a real Postgres: all of it or nothing, by its rightful owner only."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from shared.domain.errors import FencedError, StoreUnavailableError
from shared.domain.seen import Memory
from shared.storage import pane_numbers, panes
from shared.storage.definitions import apply_changes, load_catalogue
from shared.storage.engine import close, connect, reading, transaction
from shared.storage.ledger import Ledger
from tests.integration.counting_rig import Counting, counting
from tests.integration.cuts import Cut
from tests.unit.compute.builders import NOW, a_record, an_event, clean_log
from tests.unit.compute.test_batches import FOREIGN
from tests.unit.domain.kpi_builders import a_kpi

pytestmark = pytest.mark.asyncio

EVENTS = [
    an_event(n, ago=timedelta(minutes=7 * n), data={"price": n, "shop": f"shop {n % 3}", "channel": "web"})
    for n in range(60)
]
LOG = clean_log(EVENTS, partitions=2)
TABLES = ("positions", "flushes", "activations", "panes")


@pytest_asyncio.fixture
async def mine(database_url: str) -> AsyncIterator[Counting]:
    """A process that owns two partitions."""
    async with counting(database_url) as opened:
        await opened.take_over([0, 1])
        yield opened


async def contents(counting: Counting) -> Mapping[str, list[tuple[Any, ...]]]:
    """Everything that a counting transaction writes, as it stands."""
    connection = await connect(counting.url, application_name="tests")
    try:
        return {
            table: [tuple(row) for row in await connection.fetch(f"SELECT * FROM {table} ORDER BY 1, 2, 3")]
            for table in TABLES
        }
    finally:
        await close(connection)


async def cut_off(counting: Counting, *, after: int) -> int | BaseException:
    """What becomes of counting LOG when the connection is cut after that many statements."""
    whole, counting.connection = counting.connection, Cut(counting.connection, after=after)
    counting.memories = {partition: Memory.of(1000) for partition in counting.memories}
    outcomes = await asyncio.gather(counting.count(LOG), return_exceptions=True)
    counting.connection = whole
    return outcomes[0]


@pytest.mark.parametrize("by_copy", [False, True], ids=["arrays", "copy"])
async def test_a_crash_leaves_nothing(
    mine: Counting, monkeypatch: pytest.MonkeyPatch, *, by_copy: bool
) -> None:
    """Whichever statement a process dies after, nothing of the flush is there, and it can be done again."""
    monkeypatch.setattr(pane_numbers, "COPY_FROM_ROWS", 1 if by_copy else 10**9)
    before, crashes = await contents(mine), 0
    while isinstance(await cut_off(mine, after=crashes + 1), StoreUnavailableError):
        crashes += 1
        assert await contents(mine) == before
        mine.connection = await connect(mine.url, application_name="tests")
        await panes.prepare(mine.connection)

    # Series are numbered first: three statements and one more for each measure; then the transaction itself.
    assert crashes > 8
    assert await mine.differences(EVENTS, NOW) == []
    assert await mine.ledger() == Ledger(60, 60, 0, 0)


class Frozen:
    """A connection of a process that is frozen when the rows of a COPY should follow."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection
        self.is_frozen = asyncio.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    async def copy_to_table(self, table: str, **named: Any) -> None:
        """Begin, and never go on."""
        await self._connection.copy_to_table(table, **named | {"source": self._rows()})

    async def _rows(self) -> AsyncIterator[bytes]:
        self.is_frozen.set()
        await asyncio.Event().wait()
        yield b""


async def test_frozen_in_a_copy(mine: Counting, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process frozen while it sends rows keeps nobody out, for the server waits for them without limit."""
    monkeypatch.setattr(pane_numbers, "COPY_FROM_ROWS", 1)
    whole, frozen = mine.connection, Frozen(mine.connection)
    mine.connection = frozen
    sleeping = asyncio.create_task(mine.count(LOG))
    await frozen.is_frozen.wait()
    async with asyncio.timeout(2), counting(mine.url) as other:
        await other.take_over([0, 1])
        await other.count(LOG)
    whole.terminate()
    await asyncio.gather(sleeping, return_exceptions=True)
    mine.connection = whole

    assert await mine.ledger() == Ledger(60, 60, 0, 0)


async def test_one_transaction(mine: Counting) -> None:
    """Positions, ids, activations and panes are written by one transaction."""
    await mine.count(LOG)

    written = {
        table: await mine.connection.fetch(f"SELECT DISTINCT xmin::text FROM {table}") for table in TABLES
    }
    assert len({row["xmin"] for rows in written.values() for row in rows}) == 1
    assert all(written.values())


async def test_fenced(mine: Counting) -> None:
    """A process whose partition has been taken over writes nothing, for none of its partitions."""
    async with counting(mine.url) as other:
        await other.take_over([1])
    before = await contents(mine)

    with pytest.raises(FencedError) as fenced:
        await mine.count(LOG)

    assert fenced.value.partitions == {1}
    assert await contents(mine) == before


async def test_a_zombie(mine: Counting) -> None:
    """One that sleeps while another counts its records cannot count them again, nor the ones after."""
    first, rest = ({p: records[:10] for p, records in LOG.items()}, {p: r[10:] for p, r in LOG.items()})
    async with counting(mine.url) as other:
        await other.take_over([0, 1])
        await other.count(first)
        with pytest.raises(FencedError):
            await mine.count(first)
        with pytest.raises(FencedError):
            await mine.count(rest)
        await other.count(rest)

    assert await mine.differences(EVENTS, NOW) == []
    assert await mine.ledger() == Ledger(60, 60, 0, 0)


async def test_the_same_batch_twice(mine: Counting) -> None:
    """A batch whose commit was not answered cannot be written again by the same owner."""
    await mine.count(LOG)
    mine.standings = {p: replace(one, next_offset=0) for p, one in mine.standings.items()}
    mine.memories = {p: Memory.of(1000) for p in mine.memories}
    before = await contents(mine)

    with pytest.raises(FencedError):
        await mine.count(LOG)

    assert await contents(mine) == before


async def test_foreign_records(mine: Counting) -> None:
    """Foreign records are passed, told of with their reasons, and the ledger balances."""
    foreign = [replace(record, offset=offset) for offset, record in enumerate(FOREIGN.values())]
    at = len(foreign)
    good = [a_record(event, offset=at + n) for n, event in enumerate(EVENTS[:5])]
    large = a_record(an_event(98, data={"price": 10**17}), offset=at + 5)

    await mine.count({0: [*foreign, *good, large]})

    assert await mine.ledger() == Ledger(at + 6, 5, 0, at + 1)
    assert sorted(one.reason for one in mine.refused) == [
        *["not_clean"] * at,
        "value_out_of_range",
    ]
    assert await mine.differences(EVENTS[:5], NOW) == []


async def noted(counting: Counting) -> Mapping[int, int]:
    """From which offset of partition 0 each measure is counted."""
    rows = await counting.connection.fetch(
        "SELECT measure_id, from_offset FROM activations WHERE partition = 0 ORDER BY 1"
    )
    return {row["measure_id"]: row["from_offset"] for row in rows}


async def test_activations(mine: Counting) -> None:
    """Where counting into a measure began is noted once; a measure that comes later begins where it came."""
    records = [a_record(event, offset=n) for n, event in enumerate(EVENTS[:6])]
    await mine.count({0: records[:2]})
    first = await noted(mine)
    await mine.take_over([0, 1])
    await mine.count({0: records[2:4]})
    again = await noted(mine)
    async with transaction(mine.engine) as conn:
        await apply_changes(conn, [a_kpi("late_comer", value="data.price", aggregate="max", scale=5)], NOW)
    async with reading(mine.engine) as conn:
        mine.catalogue = await load_catalogue(conn)
    mine.activated.clear()
    await mine.count({0: records[4:]})

    assert set(first.values()) == {0}
    assert again == first
    assert sorted((await noted(mine)).values()) == [*first.values(), 4]


async def test_flushes_cover_the_log(mine: Counting) -> None:
    """The spans of the flushes stand one after the other, without a gap, and hold every id once."""
    for start in range(0, 40, 7):
        await mine.count({p: records[start : start + 7] for p, records in LOG.items()})
        await mine.take_over([0, 1])

    for partition, records in LOG.items():
        rows = await mine.connection.fetch(
            "SELECT * FROM flushes WHERE partition = $1 ORDER BY next_offset", partition
        )
        assert [row["first_offset"] for row in rows] == [0, *(row["next_offset"] for row in rows[:-1])]
        assert rows[-1]["next_offset"] == len(records)
        assert b"".join(row["ids"] for row in rows) == b"".join(record.key or b"" for record in records)
