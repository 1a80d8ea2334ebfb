"""Backfills over HTTP on a real database: how they stand, and who may call them off."""

from typing import Any

import pytest
from sqlalchemy import insert, update

from shared.domain.access import Limits, Scope
from shared.runtime.clock import utc_now
from shared.storage.audit import Filters, entries
from shared.storage.backfill_orders import order_rebuild
from shared.storage.engine import reading, transaction
from shared.storage.tables import backfill_cursors, backfills, positions
from tests.integration.access_rig import Locked, locked_api
from tests.unit.api.builders import a_kpi

pytestmark = pytest.mark.asyncio

KPIS = [a_kpi("flown", department="ops"), a_kpi("spent", department="finance", event_type="bill.paid")]


async def _ordered(locked: Locked, *orders: list[str]) -> None:
    async with transaction(locked.engine) as connection:
        for slugs in orders:
            await order_rebuild(connection, slugs, utc_now(), rate_limit=500)


async def _filled(locked: Locked, number: int) -> None:
    """Two partitions, of which 3 of 10 and 4 of 5 records are passed, and 2 and 1 counted."""
    async with transaction(locked.engine) as connection:
        now = utc_now()
        common = {"next_offset": 20, "epoch": 1, "owner": "tests", "log_id": "tests"}
        times = {"current_to": now, "updated_at": now}
        owned = [{"partition": each, **common, **times} for each in (0, 1)]
        await connection.execute(insert(positions), owned)
        rows: list[dict[str, Any]] = [
            {"partition": 0, "first_offset": 0, "next_offset": 3, "until_offset": 10, "counted": 2},
            {"partition": 1, "first_offset": 5, "next_offset": 9, "until_offset": 10, "counted": 1},
        ]
        await connection.execute(
            insert(backfill_cursors), [{**row, "backfill_id": number, "updated_at": now} for row in rows]
        )


async def test_how_it_stands(database_url: str) -> None:
    """Progress is summed over the partitions; it waits for compute until all of them have begun."""
    async with locked_api(database_url) as locked:
        await locked.apply(KPIS)
        await _ordered(locked, ["flown"])
        async with locked.client(await locked.token(Scope.READ)) as client:
            waiting = (await client.get("/v1/backfills/1")).json()
            await _filled(locked, 1)
            running = await client.get("/v1/backfills/1")
            same = await client.get("/v1/backfills/1", headers={"If-None-Match": running.headers["etag"]})
            missing = await client.get("/v1/backfills/2")

    assert (waiting["share"], waiting["kpis"], waiting["state"]) == (None, ["flown"], "running")
    told = running.json()
    assert (told["passed"], told["passing"], told["counted"], told["share"]) == (7, 15, 3, 0.466666)
    assert (told["partitions"], told["handed_over"], told["rate_limit"]) == (2, 2, 500)
    assert same.status_code == 304
    assert (missing.status_code, missing.json()["type"]) == (404, "urn:tidemark:problem:unknown-backfill")


async def test_pages_and_limits(database_url: str) -> None:
    """The newest come first, page by page; one that fills a hidden KPI, too, is left out of full pages."""
    orders = [["flown"], ["spent"], ["flown", "spent"], ["flown"]]
    limits = Limits(departments=frozenset({"ops"}))
    async with locked_api(database_url) as locked:
        await locked.apply(KPIS)
        for slugs in orders:
            await _ordered(locked, slugs)
            async with transaction(locked.engine) as connection:
                await connection.execute(update(backfills).values(state="done", finished_at=utc_now()))
        async with locked.client(await locked.token(Scope.READ)) as everybody:
            first = (await everybody.get("/v1/backfills?limit=3")).json()
            rest = (await everybody.get(f"/v1/backfills?limit=3&cursor={first['next_cursor']}")).json()
        async with locked.client(await locked.token(Scope.READ, limits=limits)) as some:
            seen = (await some.get("/v1/backfills?limit=1")).json()
            more = (await some.get(f"/v1/backfills?limit=1&cursor={seen['next_cursor']}")).json()
            hidden = [(await some.get(f"/v1/backfills/{number}")).status_code for number in (1, 2, 3, 4)]
            foreign = (await some.get("/v1/backfills?cursor=00")).status_code

    assert [each["backfill"] for each in (*first["items"], *rest["items"])] == [4, 3, 2, 1]
    assert rest["next_cursor"] is None
    assert [each["backfill"] for each in (*seen["items"], *more["items"])] == [4, 1]
    assert more["next_cursor"] is None
    assert (hidden, foreign) == ([200, 404, 404, 200], 400)


async def test_cancelled(database_url: str) -> None:
    """Who may write what it fills calls it off, once, with an entry in the audit log; nobody else does."""
    async with locked_api(database_url) as locked:
        await locked.apply(KPIS)
        await _ordered(locked, ["flown"])
        finance = Limits(departments=frozenset({"finance"}))
        async with locked.client(await locked.token(Scope.READ)) as reader:
            refused = await reader.post("/v1/backfills/1/cancel")
        async with locked.client(await locked.token(Scope.WRITE, limits=finance)) as other:
            hidden = await other.post("/v1/backfills/1/cancel")
        async with locked.client(await locked.token(Scope.WRITE)) as writer:
            done = await writer.post("/v1/backfills/1/cancel")
            again = await writer.post("/v1/backfills/1/cancel")
        async with reading(locked.engine) as connection:
            log = await entries(connection, Filters(action="backfill.cancel"))

    assert (refused.status_code, hidden.status_code) == (403, 404)
    assert (done.status_code, done.json()["state"]) == (200, "cancelled")
    assert (again.status_code, again.json()["type"]) == (409, "urn:tidemark:problem:backfill-over")
    assert [(each.subject, each.actor.endswith(":tests")) for each in log] == [("1", True)]
