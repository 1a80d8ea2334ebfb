"""Everything that senders do to a log, through real services: all numbers are the oracle's."""

import pytest

from shared.runtime.clock import utc_now
from tests.acceptance.rig import house
from tests.acceptance.verdicts import judge
from tests.shop.logs import shop_log

pytestmark = [pytest.mark.asyncio, pytest.mark.timeout(170)]


async def test_adversity() -> None:
    """Late, early, copied, out of order, future, malformed, oversized: each is counted once, or told of."""
    log = shop_log(seed=11, events=30_000, now=(made_at := utc_now()))
    async with house() as found:
        await found.start("ingest", "compute")
        await found.send(log.records)
        ledger = await judge(found, log, made_at=made_at)

    assert (ledger.applied, ledger.duplicate) == (log.events + log.retracted, log.copies)
