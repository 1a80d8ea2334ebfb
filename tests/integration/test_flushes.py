"""What is kept of a flush: enough to say later which records counted, and when that became known."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from shared.storage import flushes
from shared.storage.engine import close, connect

pytestmark = pytest.mark.asyncio

HORIZON = timedelta(hours=24)
RETENTION = timedelta(days=400)
TODAY = datetime(2026, 11, 1, tzinfo=UTC)


def a_flush(first: int, until: int, *, partition: int = 0, skipped: Sequence[int] = ()) -> flushes.Flush:
    """A flush of [*first*, *until*) with an event a minute, the offset being the minute."""
    minute = timedelta(minutes=1)
    return flushes.Flush(
        partition, first, until, TODAY + first * minute, TODAY + (until - 1) * minute, b"", skipped
    )


async def flushed_ago(connection: asyncpg.Connection, next_offset: int, ago: timedelta) -> None:
    """Let the flush that ends at *next_offset* have been written *ago* before the present hour."""
    await connection.execute(
        "UPDATE flushes SET flushed_at = date_trunc('hour', now()) - $2::interval WHERE next_offset = $1",
        next_offset,
        ago,
    )


async def kept(connection: asyncpg.Connection) -> list[tuple[int, int, int, list[int] | None]]:
    """The spans in order: partition, first and next offset, offsets that count nothing."""
    rows = await connection.fetch(
        "SELECT partition, first_offset, next_offset, skipped FROM flushes ORDER BY partition, next_offset"
    )
    return [tuple(row) for row in rows]


async def test_skipped(database_url: str) -> None:
    """The offsets that count nothing are kept with the flush they came in; none is null."""
    connection = await connect(database_url, application_name="tests")
    wanted = [a_flush(0, 5, skipped=[1, 4]), a_flush(0, 9, partition=1), a_flush(5, 6, skipped=[5])]
    await flushes.record(connection, wanted)

    assert await kept(connection) == [(0, 0, 5, [1, 4]), (0, 5, 6, [5]), (1, 0, 9, None)]
    await close(connection)


async def test_an_old_hour(database_url: str) -> None:
    """The flushes of an old hour become one that says what they said, known at the end of that hour."""
    connection = await connect(database_url, application_name="tests")
    spans = [(0, 3, [2]), (3, 7, []), (7, 9, [7, 8]), (9, 12, [9])]
    await flushes.record(connection, [a_flush(a, b, skipped=skipped) for a, b, skipped in spans])
    # | -60h 0..3, 3..7 | -59h 7..9 | recent 9..12 |
    for until, hours in ((3, 59.9), (7, 59.1), (9, 58.5)):
        await flushed_ago(connection, until, timedelta(hours=hours))
    await flushes.forget(connection, 0, horizon=HORIZON, retention=RETENTION)
    ages = await connection.fetch(
        "SELECT next_offset, first_time, last_time, date_trunc('hour', now()) - flushed_at AS ago"
        " FROM flushes WHERE next_offset < 12 ORDER BY 1"
    )

    assert await kept(connection) == [(0, 0, 7, [2]), (0, 7, 9, [7, 8]), (0, 9, 12, [9])]
    assert [(row["next_offset"], row["ago"]) for row in ages] == [
        (7, timedelta(hours=59)),
        (9, timedelta(hours=58)),
    ]
    assert (ages[0]["first_time"], ages[0]["last_time"]) == (TODAY, TODAY + timedelta(minutes=6))
    await close(connection)


async def test_once(database_url: str) -> None:
    """A second sweep changes nothing of what the first has merged."""
    connection = await connect(database_url, application_name="tests")
    await flushes.record(connection, [a_flush(0, 3, skipped=[1]), a_flush(3, 4)])
    for until in (3, 4):
        await flushed_ago(connection, until, timedelta(hours=60, minutes=-until))
    await flushes.forget(connection, 0, horizon=HORIZON, retention=RETENTION)
    before = await kept(connection)
    await flushes.forget(connection, 0, horizon=HORIZON, retention=RETENTION)

    assert await kept(connection) == before == [(0, 0, 4, [1])]
    await close(connection)
