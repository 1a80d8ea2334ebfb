"""Commits whose answer is lost: whether they happened is asked of Postgres, never guessed."""

import pytest

from shared.runtime.clock import utc_now
from tests.acceptance.cutting import cutting
from tests.acceptance.members import until
from tests.acceptance.rig import house
from tests.acceptance.verdicts import judge
from tests.shop.logs import shop_log

pytestmark = [pytest.mark.asyncio, pytest.mark.timeout(170)]

PLAN = [1, 1, 3, 2, 1, 4]
"""Of six connections one after the other, the commit of this number is the last, and is not answered."""


async def test_lost_answers() -> None:
    """The connection is cut after COMMIT was sent, six times: nothing counts twice, nothing is left out."""
    log = shop_log(seed=31, events=20_000, now=(made_at := utc_now()))
    async with house() as found, cutting(found.addresses.database_url, list(PLAN)) as (cutter, url):
        (compute, _) = await found.start("compute", "ingest", DATABASE_URL=url)
        await found.send(log.records)

        async def all_cut() -> bool:
            return cutter.cuts == len(PLAN)

        await until(all_cut, what="all connections cut", within_s=90)
        ledger = await judge(found, log, made_at=made_at)
        ended = compute.entries("session_ended")

    assert ledger.duplicate == log.copies
    assert len(ended) == len(PLAN)
