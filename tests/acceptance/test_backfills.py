"""Backfills by real processes, beside traffic and through kills: as if counted so from the start."""

import asyncio
from collections.abc import Sequence

import pytest

from services.backfill_following import followed
from shared.domain.definitions import Kpi
from shared.runtime.clock import utc_now
from shared.storage.backfill_orders import order_changes, order_rebuild
from shared.storage.backfills import BackfillState
from shared.storage.definitions import apply_changes, load_catalogue
from shared.storage.engine import reading, transaction
from tests.acceptance.rig import House, house
from tests.acceptance.test_kills import parts
from tests.acceptance.verdicts import judge
from tests.integration.backfill_rig import other_versions
from tests.shop.judging import shop_kpis
from tests.shop.logs import shop_log

pytestmark = [pytest.mark.asyncio, pytest.mark.timeout(170)]

RATE = 1500
"""Events a second: a few seconds of work, in which processes can be killed."""


async def test_killed_while_filling(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two processes fill a new version of every KPI; one is killed, one comes, and every value is right."""
    log = shop_log(seed=61, events=14_000, now=(made_at := utc_now()))
    before, after = parts(log, 2)
    async with house() as found:
        monkeypatch.setenv("TIDEMARK_DATABASE_URL", found.addresses.database_url)
        await put_in_force(found, other_versions())
        first, second, _ = await found.start("compute", "compute", "ingest")
        await found.all_own([first, second])
        await found.send(before)
        await found.is_drained()
        number = await ordered(found, shop_kpis())
        watching = asyncio.create_task(followed(number))
        await second.logs("backfill_begun")
        await found.send(after)
        await first.kill()
        await found.start("compute")
        report = await asyncio.wait_for(watching, 90)
        await judge(found, log, made_at=made_at)

    assert (report.state, report.handed_over) == (BackfillState.DONE, 4)
    assert report.counted > 1000


async def test_rebuilt_in_traffic(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is in force is rebuilt while events flow, and is what it was: nothing is lost or counted twice."""
    log = shop_log(seed=62, events=8_000, now=(made_at := utc_now()))
    before, after = parts(log, 2)
    async with house() as found:
        monkeypatch.setenv("TIDEMARK_DATABASE_URL", found.addresses.database_url)
        await found.start("compute", "ingest")
        await found.send(before)
        await found.has_counted(len(before) // 2)
        async with transaction(found.engine) as connection:
            number = await order_rebuild(connection, [kpi.slug for kpi in shop_kpis()], utc_now())
        await found.send(after)
        report = await asyncio.wait_for(followed(number), 90)
        await judge(found, log, made_at=made_at)

    assert report.state is BackfillState.DONE


async def put_in_force(found: House, kpis: Sequence[Kpi]) -> None:
    """Change definitions at once."""
    async with transaction(found.engine) as connection:
        await apply_changes(connection, kpis, utc_now())


async def ordered(found: House, kpis: Sequence[Kpi]) -> int:
    """Order what differs from what is in force, filled at RATE."""
    async with reading(found.engine) as connection:
        in_force = (await load_catalogue(connection)).kpis
    wanted = [kpi for kpi in kpis if kpi != in_force.get(kpi.slug)]
    async with transaction(found.engine) as connection:
        number = await order_changes(connection, wanted, utc_now(), rate_limit=RATE)
    assert number is not None
    return number
