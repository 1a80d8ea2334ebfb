"""Leases on the shards of the alerts, on a real database: shared fairly, handed over, fenced by epoch."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.domain.alert_changes import SHARDS
from shared.storage.alert_leases import renew
from shared.storage.engine import open_engine, transaction
from tests.integration.alert_rig import World, an_evaluator, rows


@pytest_asyncio.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    """An empty database."""
    opened = open_engine(database_url, application_name="tests")
    yield opened
    await opened.dispose()


@pytest.mark.asyncio
async def test_seeded(engine: AsyncEngine) -> None:
    """The database knows as many shards as the code."""
    assert await rows(engine, "SELECT count(*) FROM alert_leases") == [(SHARDS,)]


@pytest.mark.asyncio
async def test_shards_are_shared(engine: AsyncEngine) -> None:
    """Evaluators that come share the shards within two rounds; what one leaves the others take at once."""
    world = World([])
    evaluators = {name: an_evaluator(engine, world, name) for name in ("a", "b", "c")}
    held: dict[str, set[int]] = {}
    for _ in range(3):
        held = {name: {lease.shard for lease in await e._shards.held()} for name, e in evaluators.items()}
    await evaluators["c"]._shards.leave()
    for _ in range(2):
        after_c = {n: {x.shard for x in await evaluators[n]._shards.held()} for n in ("a", "b")}

    assert sorted(len(shards) for shards in held.values()) == [2, 3, 3]
    assert set.union(*held.values()) == set(range(8))
    assert sorted(len(shards) for shards in after_c.values()) == [4, 4]
    assert set.union(*after_c.values()) == set(range(8))


@pytest.mark.asyncio
async def test_take_over_raises_epoch(engine: AsyncEngine) -> None:
    """Every take-over is under a new epoch; a renewal keeps the epoch, even of a lease that ran out."""
    world = World([])
    first, second = (an_evaluator(engine, world, name, lasting_s=0)._shards for name in ("a", "b"))
    epochs = [[lease.epoch for lease in await shards.held()] for shards in (first, second, first)]
    async with transaction(engine) as conn:
        renewed = await renew(conn, "a", lasting=timedelta(0))

    assert epochs == [[1] * 8, [2] * 8, [3] * 8]
    assert [lease.epoch for lease in renewed] == [3] * 8
