"""How backfills end on a real Postgres: called off, failed, resumed, and what they leave behind."""

import asyncio
from collections.abc import AsyncIterator, Collection
from datetime import timedelta

import pytest
import pytest_asyncio

from services.compute.retention import Retention
from shared.domain.calendars import instant_us
from shared.domain.definitions import Kind, Scorecard
from shared.domain.errors import StoreUnavailableError
from shared.storage.backfill_ends import settle
from shared.storage.backfills import BackfillState, cancel, resume
from shared.storage.definitions import apply_changes
from shared.storage.engine import reading, transaction
from shared.storage.readings import Ask, evaluate
from tests.integration.backfill_rig import (
    EVENTS,
    FIRST,
    LATER,
    LOG,
    REST,
    ALog,
    a_backfiller,
    another,
    answered,
    cut_after,
    foreign,
    in_force,
    ordered,
    other_versions,
    reported,
    worked,
)
from tests.integration.counting_rig import HORIZON, Counting, counting
from tests.shop.judging import shop_kpis
from tests.unit.compute.builders import NOW, a_record, an_event

pytestmark = pytest.mark.asyncio


@pytest_asyncio.fixture
async def mine(database_url: str) -> AsyncIterator[Counting]:
    """A process that owns two partitions and has counted a part of them by the shop's KPIs."""
    async with counting(database_url) as opened:
        await opened.take_over([0, 1])
        await opened.count(FIRST)
        yield opened


async def test_cancelled(mine: Counting) -> None:
    """A backfill that was called off leaves everything as it is, and can be ended no more."""
    number = await ordered(mine, other_versions())
    await mine.count(REST)
    live = await answered(mine)
    async with transaction(mine.engine) as conn:
        await cancel(conn, number, NOW)
    await worked(mine, ALog(LOG))
    await mine.reload()

    assert (await reported(mine, number)).state is BackfillState.CANCELLED
    assert mine.shadows == ()
    assert await answered(mine) == live


async def test_superseded(mine: Counting) -> None:
    """A KPI that was changed meanwhile is not overwritten: the backfill fails, says why, can be resumed."""
    wanted = [kpi for kpi in other_versions() if kpi.slug == "orders"]
    number = await ordered(mine, wanted)
    async with transaction(mine.engine) as conn:
        await apply_changes(conn, [another(shop_kpis()[0], title="Others")], NOW)
    await mine.reload()
    await mine.count(REST)
    await worked(mine, ALog(LOG))
    failed = await reported(mine, number)
    async with transaction(mine.engine) as conn:
        await resume(conn, number)
        resumed = await settle(conn, number, NOW)
    await mine.reload()

    assert (failed.state, failed.error) == (
        BackfillState.FAILED,
        "'orders' was put in force as version 2 while this was being filled",
    )
    assert resumed is BackfillState.DONE
    assert (mine.catalogue.versions["orders"], mine.catalogue.kpis["orders"]) == (3, wanted[0])


def _board(title: str) -> Scorecard:
    fields = {"slug": "board", "title": title, "owner": "me", "kpis": [{"kpi": "orders"}]}
    return Scorecard.model_validate(fields)


async def test_other_kinds_wait(mine: Counting) -> None:
    """A scorecard that is ordered with a KPI comes into force with it, unless it was changed meanwhile."""
    wanted = [kpi for kpi in other_versions() if kpi.slug == "orders"]
    number = await ordered(mine, [*wanted, _board("Ours")])
    waiting = dict(mine.catalogue.scorecards)
    async with transaction(mine.engine) as conn:
        await apply_changes(conn, [_board("Theirs")], NOW)
    await mine.count(REST)
    await worked(mine, ALog(LOG))
    failed = await reported(mine, number)
    async with transaction(mine.engine) as conn:
        await resume(conn, number)
        await settle(conn, number, NOW)
    await mine.reload()

    assert waiting == {}
    assert failed.error == "'board' was put in force as version 1 while this was being filled"
    assert mine.catalogue.scorecards == {"board": _board("Ours")}
    assert mine.catalogue.version_of((Kind.SCORECARD, "board")) == 2
    assert mine.catalogue.versions["orders"] == 2


async def test_retired_meanwhile(mine: Counting) -> None:
    """A rebuild of a KPI that is retired meanwhile replaces the others and leaves nothing of that one."""
    number = await ordered(mine, rebuild=["orders", "highest_tax"])
    async with transaction(mine.engine) as conn:
        kept = [kpi for kpi in shop_kpis() if kpi.slug != "highest_tax"]
        await apply_changes(conn, kept, NOW, prune=True)
    await mine.reload()
    await mine.count(REST)
    await worked(mine, ALog(LOG))
    await mine.reload()
    marked = await mine.connection.fetchval(
        "SELECT count(*) FROM measures WHERE strpos(fingerprint, '~') > 0"
    )

    assert (await reported(mine, number)).state is BackfillState.DONE
    assert "highest_tax" not in mine.catalogue.kpis
    assert (marked, mine.shadows) == (0, ())


async def test_a_log_without_its_beginning(mine: Counting) -> None:
    """What retention took from the log is not claimed: the measure is whole since the first record left."""
    await ordered(mine, rebuild=["orders"])
    await mine.count(REST)
    log = ALog(LOG, begins={0: 10})
    await worked(mine, log)
    await mine.reload()

    assert {(row["partition"], row["from_offset"]) for row in await in_force(mine)} >= {(0, 10), (1, 0)}
    async with reading(mine.engine) as conn:
        (reading_,) = await evaluate(conn, mine.catalogue, [Ask("orders", "24h", (), NOW)], now=NOW)
    assert not reading_.complete


async def test_lost_offsets(mine: Counting) -> None:
    """A backfill whose part of the log has gone fails and says which offsets; nothing is changed."""
    number = await ordered(mine, rebuild=["orders"])
    await mine.count(REST)
    job = await a_backfiller(mine, ALog(LOG), store=cut_after(mine, 30))
    with pytest.raises(StoreUnavailableError):
        await job.work(asyncio.Event())
    begun = (await reported(mine, number)).passed
    await worked(mine, ALog(LOG, begins={0: len(FIRST[0]), 1: len(FIRST[1])}))
    report = await reported(mine, number)

    assert 0 < begun < report.passing
    assert report.state is BackfillState.FAILED
    assert "the log no longer holds offsets" in str(report.error)


async def panes_of(counting: Counting, measure_ids: Collection[int]) -> int:
    """How many pane rows measures have."""
    found: int = await counting.connection.fetchval(
        "SELECT count(*) FROM panes JOIN series USING (series_id) WHERE measure_id = ANY($1)",
        list(measure_ids),
    )
    return found


async def test_what_is_set_aside_goes(mine: Counting) -> None:
    """Retention deletes what set-aside measures counted, a sweep after every partition has noticed."""
    before = set(mine.catalogue.measure_ids.values())
    await ordered(mine, rebuild=mine.catalogue.kpis)
    await mine.count(REST)
    await worked(mine, ALog(LOG))
    retention = Retention(mine.url, HORIZON, mine.standings.keys)
    left = []
    for _ in range(2):
        await retention.sweep(instant_us(NOW))
        left.append(await panes_of(mine, before) > 0)
    # Until here the partitions were counted by the older catalogue, whose measures these are.
    await mine.reload()
    await mine.count({p: [a_record(foreign(p), offset=len(LOG[p]))] for p in LOG})
    for _ in range(2):
        await retention.sweep(instant_us(NOW))
        left.append(await panes_of(mine, before) > 0)

    assert left == [True, True, True, False]
    assert await mine.differences(EVENTS, *LATER) == []


async def test_old_panes_of_a_backfill_go(mine: Counting) -> None:
    """Retention sees to the rows that backfills wrote for a partition as to those of live counting."""
    await ordered(mine, rebuild=["orders"])
    await worked_with_rest(mine)
    much_later = NOW + timedelta(days=20_000)
    await mine.derive(until=much_later)
    await Retention(mine.url, HORIZON, mine.standings.keys).sweep(instant_us(much_later))

    assert await panes_of(mine, mine.catalogue.measure_ids.values()) == 0


async def worked_with_rest(counting: Counting) -> None:
    """The rest of the log is counted, and the backfill done."""
    await counting.count(REST)
    await worked(counting, ALog(LOG))
    await counting.reload()


async def test_a_value_that_does_not_fit(mine: Counting) -> None:
    """A value too large for a new measure is left out of that one alone, and counted as left out."""
    large = an_event(4000, data={"price": 9 * 10**14, "shop": "Paris", "channel": "web"})
    await mine.count({0: [a_record(large, offset=len(FIRST[0]))]})
    fine = another(shop_kpis()[1], slug="fine", scale=9)
    number = await ordered(mine, [fine, another(shop_kpis()[1], slug="coarse", scale=1)])
    await mine.count({p: [a_record(foreign(p), offset=mine.standings[p].next_offset)] for p in (0, 1)})
    log = {p: [*FIRST[p], *([a_record(large, offset=len(FIRST[0]))] if p == 0 else [])] for p in FIRST}
    await worked(mine, ALog(log))
    await mine.reload()
    async with reading(mine.engine) as conn:
        asks = [Ask(slug, "24h", (), NOW) for slug in ("revenue", "coarse", "fine")]
        revenue, coarse, fine_ = await evaluate(conn, mine.catalogue, asks, now=NOW)

    assert (await reported(mine, number)).unfit == 1
    assert coarse.value == revenue.value
    assert (revenue.value or 0) - (fine_.value or 0) == 9 * 10**14
