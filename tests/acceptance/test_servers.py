"""Kafka and Postgres killed and started again in mid-flow: services wait, and the numbers are right."""

import asyncio
import os
import signal

import pytest

from services.local import stack
from services.local.servers import kafka_server, postgres_server
from shared.runtime.clock import utc_now
from tests.acceptance.members import until
from tests.acceptance.rig import House, house
from tests.acceptance.test_kills import parts
from tests.acceptance.verdicts import judge
from tests.shop.logs import shop_log

pytestmark = [pytest.mark.asyncio, pytest.mark.timeout(300), pytest.mark.nightly]


@pytest.mark.parametrize("server", ["kafka", "postgres"])
async def test_killed_server(server: str) -> None:
    """A server that is killed with kill -9 comes back, and every service goes on by itself."""
    log = shop_log(seed=51, events=20_000, now=(made_at := utc_now()))
    async with house() as found:
        members = await found.start("ingest", "compute", "api")
        for part in parts(log, 2):
            before = (await found.ledger()).consumed
            await found.send(part)
            await found.has_counted(before + len(part) // 3)
            await _kill(found, server)
            await stack.up(found.home)
            await asyncio.gather(*(member.ready() for member in members))
        await judge(found, log, made_at=made_at)
        alive = [member.process.returncode is None for member in members]

    assert alive == [True, True, True]


async def _kill(found: House, name: str) -> None:
    """End the server called *name* at once, and wait until it has gone."""
    server = kafka_server(found.home) if name == "kafka" else await postgres_server(found.home)
    pid = server.pid()
    assert pid is not None
    os.kill(pid, signal.SIGKILL)

    async def has_gone() -> bool:
        return server.pid() is None

    await until(has_gone, what=f"{name} gone")
