"""`kpi_current` on a real Postgres, with the clock in the test's hand: true, and falling back by itself."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
import pytest_asyncio
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry
from sqlalchemy.ext.asyncio import AsyncConnection

from services.compute import refreshing
from services.compute.catalogues import CatalogueWatch
from services.compute.metrics import Metrics
from services.compute.refreshing import Refresher
from shared.contracts.events import CleanEvent
from shared.domain.readings import Reading
from shared.storage import current
from shared.storage.current import CurrentReading
from shared.storage.definitions import apply_changes
from shared.storage.engine import reading, transaction
from tests.integration.counting_rig import Counting, counting, law, oracle_of
from tests.integration.test_counting_laws import events
from tests.shop.judging import shop_kpis
from tests.unit.compute.builders import NOW, an_event
from tests.unit.domain.kpi_builders import a_kpi

Place = tuple[str, str, tuple[tuple[str, str | None], ...]]


@dataclass(slots=True)
class Desk:
    """Counting and refreshing of one process, at the time that the test says it is."""

    counting: Counting
    now: datetime = NOW
    refresher: Refresher = field(init=False)

    def __post_init__(self) -> None:
        engine, metrics = self.counting.engine, Metrics.on(CollectorRegistry())
        watch = CatalogueWatch(engine)
        self.refresher = Refresher(engine, watch, self.counting.touched, metrics, 0.1, lambda: self.now)

    async def refresh(self) -> None:
        """Refresh, by the catalogue as it is, until nothing is due."""
        await self.refresher.watch.load()
        await self.refresher.refresh()
        while self.refresher.is_waiting:
            await self.refresher.refresh()

    async def rows(self) -> dict[Place, CurrentReading]:
        """What is stored."""
        async with reading(self.counting.engine) as conn:
            return {_place(row.reading): row for row in await current.current(conn)}


def _place(one: Reading) -> Place:
    return one.slug, one.window, tuple(sorted(one.dimensions.items()))


@pytest_asyncio.fixture
async def desk(database_url: str) -> AsyncIterator[Desk]:
    """A process that owns partition 0."""
    async with counting(database_url) as mine:
        await mine.take_over([0])
        yield Desk(mine)


def wrong(desk: Desk, rows: dict[Place, CurrentReading], came: Sequence[CleanEvent]) -> list[str]:
    """Rows whose value is not what the oracle has for this very instant."""
    oracle = oracle_of(came)
    found = []
    for (slug, window, dimensions), row in rows.items():
        names = next((b for b in oracle.breakdowns(slug) if set(b) == set(dict(dimensions))), ())
        asked = {name: dict(dimensions)[name] for name in names}
        expected = oracle.value(slug, window, asked, desk.now)
        if not expected.agrees_with(row.reading.value) or expected.n != row.reading.n:
            found.append(f"{slug} {window} {dimensions}: {row.reading.value} and not {expected.value}")
    return found


steps = st.lists(
    st.sampled_from([1, 7, 31, 60, 61, 301, 3_601, 20_000, 86_400, 600_000, 2_592_000]).map(
        lambda n: timedelta(seconds=n)
    )
    | st.timedeltas(timedelta(0), timedelta(days=3)),
    min_size=1,
    max_size=6,
)


def test_falling_back(database_url: str) -> None:
    """As time passes and no event comes, every row is what the oracle says at every instant."""
    with law(database_url) as place:

        @settings(max_examples=25)
        @given(came=st.lists(events, max_size=12, unique_by=lambda event: event.id), steps=steps)
        def holds(came: list[CleanEvent], steps: list[timedelta]) -> None:
            place.holds(_falls_back(place.counting, came, steps))

        holds()


async def _falls_back(mine: Counting, came: list[CleanEvent], steps: list[timedelta]) -> None:
    desk = Desk(mine)
    await mine.take_over([0])
    await desk.refresh()
    await mine.count_events(came)
    await desk.refresh()
    for step in [timedelta(0), *steps]:
        desk.now += step
        await desk.refresh()
        assert wrong(desk, await desk.rows(), came) == []


@pytest.mark.asyncio
async def test_revisions(desk: Desk) -> None:
    """A revision moves when a value does, and only then; a later change has a larger one."""
    await desk.counting.count_events([an_event(1, data={"price": 5, "shop": "Paris"})])
    touched = desk.counting.touched.take()
    desk.counting.touched.add(touched)
    await desk.refresh()
    first = await desk.rows()
    desk.now += timedelta(seconds=5)
    desk.counting.touched.add(touched)
    await desk.refresh()
    same = await desk.rows()
    await desk.counting.count_events([an_event(2, data={"price": 5, "shop": "Paris"})])
    await desk.refresh()
    after = await desk.rows()

    latest = max(row.revision for row in first.values())
    changed = {
        place for place in after if place not in first or after[place].revision != first[place].revision
    }
    assert {place: row.revision for place, row in same.items()} == {p: r.revision for p, r in first.items()}
    assert all(after[place].revision > latest for place in changed)
    assert ("orders", "24h", (("shop", "Paris"),)) in changed
    assert ("refunds", "24h", ()) not in changed


@pytest.mark.asyncio
async def test_a_new_value_of_null(desk: Desk) -> None:
    """Null is a value like others: it is stored, and changes from and to it move the revision."""
    await desk.refresh()
    empty = (await desk.rows())["mean_price", "5m", ()]
    await desk.counting.count_events([an_event(1, data={"price": 5})])
    await desk.refresh()
    full = (await desk.rows())["mean_price", "5m", ()]
    desk.now += timedelta(minutes=10)
    await desk.refresh()
    fallen = (await desk.rows())["mean_price", "5m", ()]

    assert [row.reading.value for row in (empty, full, fallen)] == [None, Decimal(5), None]
    assert empty.revision < full.revision < fallen.revision


@pytest.mark.asyncio
async def test_counted_by_another(desk: Desk) -> None:
    """What another process counted and did not live to refresh is refreshed by who takes over from it."""
    await desk.refresh()
    async with counting(desk.counting.url) as other:
        await other.take_over([0])
        await other.count_events([an_event(1)])
    desk.counting.touched.add_unseen()
    await desk.refresh()

    assert (await desk.rows())["orders", "30d", ()].reading.value == 1


@pytest.mark.asyncio
async def test_definitions_change(desk: Desk) -> None:
    """After a change of the catalogue rows are of the versions in force; those of retired KPIs are gone."""
    await desk.counting.count_events([an_event(1)])
    await desk.refresh()
    kept = [kpi for kpi in shop_kpis() if kpi.slug == "orders"]
    async with transaction(desk.counting.engine) as conn:
        changed = a_kpi("refunds", event_type="order.paid", windows=["1h"])
        await apply_changes(conn, [*kept, changed], NOW, prune=True)
    await desk.refresh()

    rows = await desk.rows()
    assert {slug for slug, _, _ in rows} == {"orders", "refunds"}
    assert {
        (window, row.reading.version) for (slug, window, _), row in rows.items() if slug == "refunds"
    } == {("1h", 2)}


@pytest.mark.asyncio
async def test_one_sees_to_what_is_due(desk: Desk) -> None:
    """What came due is seen to by one process; another does not wait for it."""
    await desk.counting.count_events([an_event(1)])
    await desk.refresh()
    desk.now += timedelta(minutes=2)
    async with transaction(desk.counting.engine) as busy:
        assert await current.take_turn(busy)
        async with asyncio.timeout(2):
            await desk.refresh()
        left = (await desk.rows())["orders", "1m", ()].reading.value
    await desk.refresh()

    after = (await desk.rows())["orders", "1m", ()].reading.value

    assert [left, after] == [Decimal(1), Decimal(0)]


@dataclass(slots=True)
class Writer:
    """A transaction that changes one row of its own, whenever the schedule says."""

    slug: str
    value: int = 0
    connection: AsyncConnection | None = None

    async def step(self, desk: Desk) -> None:
        """Begin and write, or commit what was written."""
        if self.connection is None:
            self.connection = await desk.counting.engine.connect()
            self.value += 1
            await current.store(self.connection, [a_reading(self.slug, self.value)])
        else:
            await self.end(commit=True)

    async def end(self, *, commit: bool) -> None:
        """Commit or roll back, if there is anything to."""
        connection, self.connection = self.connection, None
        if connection is not None:
            await (connection.commit() if commit else connection.rollback())
            await connection.close()


def a_reading(slug: str, value: int) -> Reading:
    """A reading of *slug*."""
    return Reading(slug, 1, "5m", {}, Decimal(value), value, NOW, NOW, NOW, complete=False, valid_until=None)


def test_changed_since(database_url: str) -> None:
    """A reader that asks for what has changed misses nothing, however transactions overlap."""
    with law(database_url) as place:

        @settings(max_examples=25)
        @given(schedule=st.lists(st.integers(0, 3), max_size=24))
        def holds(schedule: list[int]) -> None:
            place.holds(_misses_nothing(place.counting, schedule))

        holds()


async def _misses_nothing(mine: Counting, schedule: list[int]) -> None:
    """Writers take a step each where the schedule names them; 3 is a look of the reader's."""
    desk, cursor = Desk(mine), 0
    seen: dict[str, int] = {}
    writers = [Writer(f"kpi_{n}") for n in range(3)]
    for number in [*schedule, 3]:
        if number < 3:
            await writers[number].step(desk)
        else:
            cursor = await _look(mine, cursor, seen)
            assert seen == {slug: row.revision for (slug, _, _), row in (await desk.rows()).items()}
    for writer in writers:
        await writer.end(commit=False)


async def _look(mine: Counting, cursor: int, seen: dict[str, int]) -> int:
    """Take note of what has changed since *cursor*; the cursor of the next look."""
    async with reading(mine.engine) as conn:
        changed, following = await current.changed_since(conn, cursor)
    for row in changed:
        seen[row.reading.slug] = max(seen.get(row.reading.slug, 0), row.revision)
    return following


@pytest.mark.asyncio
async def test_by_parts(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A refresh does all totals and a part of the series; the next ones do the rest."""
    await desk.refresh()
    monkeypatch.setattr(refreshing, "CHUNK", 8)
    came = [an_event(n, data={"price": n, "shop": f"shop {n}", "channel": "web"}) for n in range(6)]
    await desk.counting.count_events(came)
    sizes = [len(await desk.rows())]
    while len(sizes) == 1 or desk.refresher.is_waiting:
        await desk.refresher.refresh()
        rows = await desk.rows()
        sizes.append(len(rows))
        assert wrong(desk, rows, came) == []

    grown = [after - before for before, after in pairwise(sizes)]
    assert len(grown) > 4
    assert set(grown) <= set(range(9))
    assert {dict(series).get("shop") for _, _, series in rows} >= {f"shop {n}" for n in range(6)}
