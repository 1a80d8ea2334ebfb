"""What each flush covered: offsets, event times, and the ids it saw first, as one blob a partition."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import asyncpg


@dataclass(frozen=True, slots=True)
class Flush:
    """One partition's part of a flush.

    Attributes:
        ids: 16 bytes for each event that was seen for the first time.
        first_time: the oldest event time; None when no event was applied.
    """

    partition: int
    first_offset: int
    next_offset: int
    first_time: datetime | None
    last_time: datetime | None
    ids: bytes


_RECORD = """
-- record: the span of a flush, so that explanations and rebuilds read only what they need.
INSERT INTO flushes (partition, first_offset, next_offset, first_time, last_time, ids, flushed_at)
SELECT f.*, now() FROM unnest(
    $1::int[], $2::bigint[], $3::bigint[], $4::timestamptz[], $5::timestamptz[], $6::bytea[]
) AS f (partition, first_offset, next_offset, first_time, last_time, ids)
"""

_SEEN = """
-- seen: the ids of a partition within the dedupe horizon, oldest first, by the database's clock.
SELECT ids, flushed_at < now() - $2::interval / 2 AS is_older FROM flushes
WHERE partition = $1 AND flushed_at > now() - $2::interval AND ids <> ''
ORDER BY next_offset
"""

_FORGET = """
-- forget: ids past the horizon; the spans of offsets and times stay.
UPDATE flushes SET ids = '' WHERE partition = $1 AND flushed_at < now() - $2::interval * 2 AND ids <> ''
"""


async def record(connection: asyncpg.Connection, flushes: Sequence[Flush]) -> None:
    """Write *flushes*; part of the transaction that moves their positions."""
    columns = zip(
        *((f.partition, f.first_offset, f.next_offset, f.first_time, f.last_time, f.ids) for f in flushes),
        strict=True,
    )
    await connection.execute(_RECORD, *columns)


async def seen(
    connection: asyncpg.Connection, partition: int, *, horizon: timedelta
) -> list[tuple[bytes, bool]]:
    """(ids, whether from the older half of the horizon) of every flush within *horizon*, oldest first."""
    return [(row["ids"], row["is_older"]) for row in await connection.fetch(_SEEN, partition, horizon)]


async def forget(connection: asyncpg.Connection, partition: int, *, horizon: timedelta) -> None:
    """Drop the ids of *partition* that nobody can ask for any more."""
    await connection.execute(_FORGET, partition, horizon)
