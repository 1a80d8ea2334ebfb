"""Processes killed, frozen and stopped in the middle of the flow: all numbers are as if nothing had been."""

import asyncio
from collections.abc import Sequence

import httpx2
import pytest

from shared.messaging.producer import Outgoing
from shared.runtime.clock import utc_now
from tests.acceptance.members import Member, until
from tests.acceptance.rig import house
from tests.acceptance.verdicts import judge
from tests.shop.logs import ShopLog, shop_log

pytestmark = [pytest.mark.asyncio, pytest.mark.timeout(170)]


@pytest.mark.parametrize("service", ["ingest", "compute"])
async def test_killed(service: str) -> None:
    """Of two processes one is killed, again and again, while events flow; the other and a new one go on."""
    log = shop_log(seed=21, events=21_000, now=(made_at := utc_now()))
    async with house() as found:
        two = await found.start(service, service)
        await found.start("compute" if service == "ingest" else "ingest")
        for part in parts(log, 3):
            before = (await found.ledger()).consumed
            await found.send(part)
            await found.has_counted(before + len(part) // 3)
            await two[0].kill()
            two = [two[1], *await found.start(service)]
        ledger = await judge(found, log, made_at=made_at)

    assert ledger.duplicate >= log.copies


async def test_killed_together() -> None:
    """All processes are killed at the same moment and started again: everything goes on where it stood."""
    log = shop_log(seed=22, events=20_000, now=(made_at := utc_now()))
    async with house() as found:
        for part in parts(log, 2):
            everybody = await found.start("ingest", "compute")
            before = (await found.ledger()).consumed
            await found.send(part)
            await found.has_counted(before + len(part) // 3)
            await asyncio.gather(*(member.kill() for member in everybody))
        await found.start("ingest", "compute")
        await judge(found, log, made_at=made_at)


def parts(log: ShopLog, number: int) -> list[Sequence[Outgoing]]:
    """The records of *log* in so many parts."""
    size = -(-len(log.records) // number)
    return [log.records[start : start + size] for start in range(0, len(log.records), size)]


async def test_frozen() -> None:
    """A compute that is frozen until others have counted its partitions, and wakes, changes nothing."""
    log = shop_log(seed=23, events=20_000, now=(made_at := utc_now()))
    before, after = parts(log, 2)
    async with house() as found:
        sleeper, other = await found.start("compute", "compute")
        await found.start("ingest")
        await found.send(before)
        await found.all_own([sleeper, other])
        await found.has_counted(len(before) // 4)
        sleeper.freeze()
        await found.all_own([other])
        await found.is_drained()
        sleeper.thaw()
        await found.send(after)
        await _joined_anew(sleeper)
        await judge(found, log, made_at=made_at)
        awake = sleeper.process.returncode is None

    assert awake


async def _joined_anew(sleeper: Member) -> None:
    """It has been told that its partitions were gone, by Postgres or by Kafka, and has joined again."""
    before = len(sleeper.entries("partitions_taken_over"))

    async def look() -> bool:
        return len(sleeper.entries("partitions_taken_over")) > before

    await until(look, what="the sleeper has joined anew")


async def test_stopped() -> None:
    """SIGTERM in mid-flow, with streams open, ends every service well and in time; nothing is done twice."""
    log = shop_log(seed=24, events=20_000, now=(made_at := utc_now()))
    async with house() as found:
        everybody = await found.start("ingest", "compute", "api")
        await found.send(log.records)
        await found.has_counted(5_000)
        async with httpx2.AsyncClient(timeout=30, trust_env=False) as client:
            url = f"{everybody[2].url}/v1/stream"
            async with client.stream("GET", url) as first, client.stream("GET", url) as second:
                codes = await asyncio.gather(*(member.stop() for member in everybody))
                told = [(await stream.aread()).decode() for stream in (first, second)]
        in_between = await found.ledger()
        await found.start("ingest", "compute")
        ledger = await judge(found, log, made_at=made_at)

    assert codes == [0, 0, 0], "\n".join(member.story() for member in everybody)
    assert all("event: bye" in each for each in told)
    assert 5_000 <= in_between.consumed < ledger.consumed
    assert ledger.duplicate == log.copies
