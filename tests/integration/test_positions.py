"""Positions on a real Postgres: who may move them, and that two can not."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
import pytest_asyncio

from shared.domain.errors import FencedError, ForeignLogError
from shared.storage import positions
from shared.storage.engine import close, connect
from shared.storage.frozen import end_frozen
from shared.storage.positions import Move, Position

pytestmark = pytest.mark.asyncio

AT = datetime(2026, 1, 1, tzinfo=UTC)
STEP = Move(
    partition=0, epoch=1, from_offset=0, to_offset=10, consumed=10, applied=7, duplicate=2, dead_lettered=1,
    current_to=AT, watermark=AT, revision=1,
)  # fmt: skip


@pytest_asyncio.fixture
async def connections(database_url: str) -> AsyncIterator[tuple[asyncpg.Connection, asyncpg.Connection]]:
    """Two connections, as two processes have them."""
    one, other = [await connect(database_url, application_name="tests") for _ in range(2)]
    yield one, other
    await close(one)
    await close(other)


async def taken(connection: asyncpg.Connection, partition: int = 0) -> Position:
    """The position after a take-over."""
    await positions.register(connection, partition + 1, log_id="log")
    return await positions.take_over(connection, partition, owner="me", first_offset=0, log_id="log")


async def ledger(connection: asyncpg.Connection) -> tuple[int, ...]:
    """Offset and ledger of partition 0."""
    row = await connection.fetchrow(
        "SELECT next_offset, consumed, applied, duplicate, dead_lettered FROM positions WHERE partition = 0"
    )
    return tuple(row)


async def test_a_move_counts(connections: tuple[asyncpg.Connection, asyncpg.Connection]) -> None:
    """A move takes the offset and the ledger on together."""
    one, _ = connections
    await taken(one)

    await positions.move(one, [STEP])

    assert await ledger(one) == (10, 10, 7, 2, 1)


async def test_a_move_happens_once(connections: tuple[asyncpg.Connection, asyncpg.Connection]) -> None:
    """The same move again, as after a lost answer, is refused and changes nothing."""
    one, _ = connections
    await taken(one)
    await positions.move(one, [STEP])

    with pytest.raises(FencedError):
        await positions.move(one, [STEP])

    assert await ledger(one) == (10, 10, 7, 2, 1)


async def test_a_take_over_fences(connections: tuple[asyncpg.Connection, asyncpg.Connection]) -> None:
    """Whoever owned a partition before can not move it, even from the right offset."""
    one, other = connections
    before = await taken(one)
    after = await taken(other)

    with pytest.raises(FencedError) as fenced:
        await positions.move(one, [replace(STEP, epoch=before.epoch)])

    assert fenced.value.partitions == {0}
    await positions.move(other, [replace(STEP, epoch=after.epoch)])
    assert await ledger(one) == (10, 10, 7, 2, 1)


async def test_a_sleeper_waits_and_is_refused(
    connections: tuple[asyncpg.Connection, asyncpg.Connection],
) -> None:
    """A take-over waits for the flush in flight, and begins where that has ended."""
    one, other = connections
    await taken(one)
    flush = one.transaction()
    await flush.start()
    await positions.move(one, [STEP])

    waiting = asyncio.create_task(taken(other))
    await asyncio.wait({waiting}, timeout=0.2)
    assert not waiting.done()
    await flush.commit()

    assert (await waiting).next_offset == 10


async def test_one_fenced_partition_fences_all(
    connections: tuple[asyncpg.Connection, asyncpg.Connection],
) -> None:
    """Of several partitions the lost ones are named; the caller rolls all of them back."""
    one, other = connections
    await taken(one, 0)
    await taken(one, 1)
    await taken(other, 1)

    with pytest.raises(FencedError) as fenced:
        async with one.transaction():
            await positions.move(one, [STEP, replace(STEP, partition=1)])

    assert fenced.value.partitions == {1}
    assert await ledger(one) == (0, 0, 0, 0, 0)


async def test_the_ledger_must_balance(connections: tuple[asyncpg.Connection, asyncpg.Connection]) -> None:
    """The database itself refuses a move that loses a record."""
    one, _ = connections
    await taken(one)

    with pytest.raises(asyncpg.CheckViolationError):
        await positions.move(one, [replace(STEP, applied=6)])


async def test_freshness_never_goes_back(
    connections: tuple[asyncpg.Connection, asyncpg.Connection],
) -> None:
    """An instant up to which all is counted is not taken back by an older one."""
    one, _ = connections
    await taken(one)
    await positions.move(one, [STEP])
    await positions.move(
        one, [replace(STEP, from_offset=10, to_offset=20, current_to=AT.replace(year=2020), watermark=None)]
    )

    row = await one.fetchrow("SELECT current_to, watermark FROM positions")
    assert tuple(row) == (AT, AT)


async def test_another_log_is_left_alone(
    connections: tuple[asyncpg.Connection, asyncpg.Connection],
) -> None:
    """A process that reads another cluster fences nobody: the owner goes on."""
    one, other = connections
    await taken(one)

    with pytest.raises(ForeignLogError):
        await positions.take_over(other, 0, owner="lost", first_offset=0, log_id="elsewhere")

    await positions.move(one, [STEP])
    assert await ledger(one) == (10, 10, 7, 2, 1)


async def test_an_older_catalogue_does_not_count(
    connections: tuple[asyncpg.Connection, asyncpg.Connection],
) -> None:
    """Records counted by an older catalogue would leave a hole in the measures that came with the newer."""
    one, _ = connections
    await taken(one)
    await positions.move(one, [replace(STEP, revision=6)])
    following = replace(STEP, from_offset=10, to_offset=20)

    with pytest.raises(FencedError):
        await positions.move(one, [replace(following, revision=5)])

    await positions.move(one, [replace(following, revision=6)])


async def test_what_nobody_counts_is_not_overlooked(
    connections: tuple[asyncpg.Connection, asyncpg.Connection],
) -> None:
    """A partition that nobody has taken yet holds back how far everything is counted."""
    one, _ = connections
    await taken(one, 0)
    await positions.register(one, 3, log_id="log")
    await positions.move(one, [STEP])

    rows = await one.fetch(
        "SELECT partition, next_offset, extract(epoch FROM current_to) FROM positions ORDER BY 1"
    )
    assert [tuple(row) for row in rows] == [(0, 10, AT.timestamp()), (1, -1, 0), (2, -1, 0)]


async def test_the_first_to_count_begins_where_the_log_does(
    connections: tuple[asyncpg.Connection, asyncpg.Connection],
) -> None:
    """A registered partition begins at its oldest record; those who come later go on from the position."""
    one, _ = connections
    await positions.register(one, 1, log_id="log")

    first = await positions.take_over(one, 0, owner="me", first_offset=17, log_id="log")
    second = await positions.take_over(one, 0, owner="me", first_offset=30, log_id="log")

    assert (first.next_offset, second.next_offset) == (17, 17)


async def test_frozen_in_a_message(database_url: str) -> None:
    """Who is frozen with half a statement sent keeps his locks until somebody else wants the partition."""
    sleeper, other = [await connect(database_url, application_name="tidemark-tests") for _ in range(2)]
    await taken(sleeper)
    await sleeper.execute("BEGIN")
    await positions.move(sleeper, [STEP])
    # A query of 1,000 bytes of which the server gets six.
    sleeper._transport.write(b"Q" + (1000).to_bytes(4, "big") + b"SELECT")
    await other.execute("SET lock_timeout = '100ms'")
    with pytest.raises(asyncpg.LockNotAvailableError):
        await taken(other)
    none_yet = await end_frozen(other)
    ended = await end_frozen(other, after=timedelta(milliseconds=50))
    await other.execute("SET lock_timeout = '3s'")
    position = await taken(other)
    sleeper.terminate()
    await close(other)

    assert (none_yet, ended) == (0, 1)
    assert (position.next_offset, position.epoch) == (0, 2)
