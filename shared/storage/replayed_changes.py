"""When records of some stretches of the log came to count, and when some ceased to; it reads no log."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.storage.replays import Stretch


@dataclass(frozen=True, slots=True)
class Flushed:
    """Offsets [first_offset, until_offset) of a partition, counted at once.

    Attributes:
        at: when, by the database's clock; for old flushes, the end of the hour.
    """

    partition: int
    first_offset: int
    until_offset: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Undone:
    """An event that counted until it was retracted.

    Attributes:
        at: when it ceased to count.
    """

    partition: int
    offset: int
    at: datetime


_WITHIN = """
WITH s AS (
    SELECT * FROM unnest(CAST(:partitions AS int[]), CAST(:firsts AS bigint[]), CAST(:untils AS bigint[]))
        AS s (partition, first_offset, until)
)
"""

_FLUSHED = text(f"""
-- flushed: the flushes within stretches from a time on, by partition and offset.
{_WITHIN}
SELECT f.partition, f.first_offset, f.next_offset, f.flushed_at
FROM s JOIN flushes f
    ON f.partition = s.partition AND f.next_offset > s.first_offset AND f.first_offset < s.until
WHERE f.flushed_at >= :since ORDER BY 1, 2
""")  # noqa: S608 - assembled from constants

_UNDONE = text(f"""
-- undone_since: the events within stretches that ceased to count, by retractions from a time on.
{_WITHIN}
SELECT r.partition, r.undone_offset, r.settled_at
FROM s JOIN retractions r
    ON r.partition = s.partition AND r.undone_offset >= s.first_offset AND r.undone_offset < s.until
WHERE r.state = 'undone' AND r.retracted_at >= :since ORDER BY 1, 2
""")  # noqa: S608 - assembled from constants


async def flushed_within(
    connection: AsyncConnection, stretches: Sequence[Stretch], *, since: datetime
) -> list[Flushed]:
    """The flushes from *since* on that made up *stretches*, by partition and offset."""
    rows = await connection.execute(_FLUSHED, _bounds(stretches, since))
    return [Flushed(row.partition, row.first_offset, row.next_offset, row.flushed_at) for row in rows]


async def undone_within(
    connection: AsyncConnection, stretches: Sequence[Stretch], *, since: datetime
) -> list[Undone]:
    """The events of *stretches* that ceased to count by a retraction that arrived at or after *since*."""
    rows = await connection.execute(_UNDONE, _bounds(stretches, since))
    return [Undone(row.partition, row.undone_offset, row.settled_at) for row in rows]


def _bounds(stretches: Sequence[Stretch], since: datetime) -> dict[str, object]:
    return {
        "partitions": [one.partition for one in stretches],
        "firsts": [one.first_offset for one in stretches],
        "untils": [one.until_offset for one in stretches],
        "since": since,
    }
