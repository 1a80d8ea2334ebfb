"""What each flush covered: offsets, event times, and the ids it saw first, as one blob a partition."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import asyncpg

from shared.domain.seen import ID_BYTES


@dataclass(frozen=True, slots=True)
class Flush:
    """One partition's part of a flush.

    Attributes:
        ids: 16 bytes for each event that was seen for the first time.
        first_time: the oldest event time; None when no event was applied.
        skipped: the offsets that count nothing: copies, dead letters, retractions and what they cancelled.
    """

    partition: int
    first_offset: int
    next_offset: int
    first_time: datetime | None
    last_time: datetime | None
    ids: bytes
    skipped: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class SeenIn:
    """The ids that a flush saw first.

    Attributes:
        ids: 16 bytes for each, in the order of their records.
        is_older: whether the flush is of the older half of the horizon.
        first_offset: where the flush begins.
    """

    ids: bytes
    is_older: bool
    first_offset: int


@dataclass(frozen=True, slots=True)
class Around:
    """A flush as seen from one of its offsets.

    Attributes:
        is_silent: the record at the offset counts nothing.
    """

    first_offset: int
    next_offset: int
    is_silent: bool


_RECORD = """
-- record: the span of a flush, so that explanations and rebuilds read only what they need.
-- Arrays of different lengths are no array, so those of the offsets come as texts.
INSERT INTO flushes (partition, first_offset, next_offset, first_time, last_time, ids, skipped, flushed_at)
SELECT partition, first_offset, next_offset, first_time, last_time, ids, skipped::bigint[], now()
FROM unnest(
    $1::int[], $2::bigint[], $3::bigint[], $4::timestamptz[], $5::timestamptz[], $6::bytea[], $7::text[]
) AS f (partition, first_offset, next_offset, first_time, last_time, ids, skipped)
"""

_SEEN = """
-- seen: the newest ids of a partition within the dedupe horizon, oldest first, by the database's clock.
SELECT ids, is_older, first_offset FROM (
    SELECT first_offset, next_offset, ids, flushed_at < now() - $2::interval / 2 AS is_older,
           sum(length(ids)) OVER (ORDER BY next_offset DESC) - length(ids) AS newer_bytes
    FROM flushes
    WHERE partition = $1 AND flushed_at > now() - $2::interval AND ids <> ''
) AS f
WHERE newer_bytes < $3 ORDER BY next_offset
"""

_AROUND = """
-- around: the flush that has passed an offset, and whether the record there counted nothing.
SELECT first_offset, next_offset, coalesce($2 = ANY(skipped), false) AS is_silent FROM flushes
WHERE partition = $1 AND next_offset > $2 AND first_offset <= $2
ORDER BY next_offset LIMIT 1
"""

_COMPACT = """
-- compact: the flushes of an hour that is past the horizon become one span, without their ids, known at the
-- end of the hour: no record may seem to have been known before it was. An hour is taken as a whole.
WITH old AS (
    DELETE FROM flushes
    WHERE partition = $1 AND flushed_at < date_trunc('hour', now() - $2::interval * 2)
      AND flushed_at <> date_trunc('hour', flushed_at)
    RETURNING *, date_trunc('hour', flushed_at) + interval '1 hour' AS known_at
)
INSERT INTO flushes (partition, first_offset, next_offset, first_time, last_time, flushed_at, ids, skipped)
SELECT partition, min(first_offset), max(next_offset), min(first_time), max(last_time), known_at, '',
       (SELECT array_agg(o ORDER BY o) FROM old AS same, unnest(same.skipped) AS o
        WHERE same.known_at = old.known_at)
FROM old GROUP BY partition, known_at
"""

_FORGET = """
-- forget: spans of events that no pane holds any more.
DELETE FROM flushes WHERE partition = $1 AND flushed_at < now() - $2::interval
"""


async def record(connection: asyncpg.Connection, flushes: Sequence[Flush]) -> None:
    """Write *flushes*; part of the transaction that moves their positions."""
    columns = zip(*map(_columns, flushes), strict=True)
    await connection.execute(_RECORD, *columns)


def _columns(flush: Flush) -> tuple[object, ...]:
    skipped = f"{{{','.join(map(str, flush.skipped))}}}" if flush.skipped else None
    offsets = flush.partition, flush.first_offset, flush.next_offset
    return (*offsets, flush.first_time, flush.last_time, flush.ids, skipped)


async def seen(
    connection: asyncpg.Connection, partition: int, *, horizon: timedelta, most: int
) -> list[SeenIn]:
    """What the flushes within *horizon* saw, oldest first.

    Of more than *most* ids only the newest are read, a flush as a whole.
    """
    rows = await connection.fetch(_SEEN, partition, horizon, most * ID_BYTES)
    return [SeenIn(**row) for row in rows]


async def around(connection: asyncpg.Connection, partition: int, offset: int) -> Around | None:
    """The flush that has passed *offset*; None when none has, or nobody knows any more."""
    row = await connection.fetchrow(_AROUND, partition, offset)
    return None if row is None else Around(row["first_offset"], row["next_offset"], row["is_silent"])


async def forget(
    connection: asyncpg.Connection, partition: int, *, horizon: timedelta, retention: timedelta
) -> None:
    """Drop the ids of *partition* past the horizon, merge its older spans, and drop those past retention."""
    await connection.execute(_COMPACT, partition, horizon)
    await connection.execute(_FORGET, partition, retention)
