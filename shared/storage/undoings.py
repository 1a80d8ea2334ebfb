"""Which events of the log were undone by which retraction; it reads no log."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.storage.replays import Stretch

LogPlace = tuple[int, int]
"""A partition and an offset."""


@dataclass(frozen=True, slots=True)
class Undoing:
    """What took an event back.

    Attributes:
        offset: of the retraction, in the partition of its event.
        retracted_at: when it reached the clean topic.
        undone_at: since when the event does not count.
    """

    offset: int
    retracted_at: datetime
    undone_at: datetime


_UNDOINGS = text("""
-- undoings: the events within stretches that were counted and undone, with their retractions.
SELECT r.partition, r.undone_offset, r."offset", r.retracted_at, r.settled_at
FROM unnest(CAST(:partitions AS int[]), CAST(:firsts AS bigint[]), CAST(:untils AS bigint[]))
    AS s (partition, first_offset, until)
JOIN retractions r
    ON r.partition = s.partition AND r.undone_offset >= s.first_offset AND r.undone_offset < s.until
WHERE r.state = 'undone'
""")

_CANCELLED = text("""
-- cancelled: those of some events that were retracted before they could count.
SELECT r.partition, r.key
FROM unnest(CAST(:partitions AS int[]), CAST(:keys AS bytea[])) AS k (partition, key)
JOIN retractions r USING (partition, key)
WHERE r.state = 'ahead'
""")


async def undoings(connection: AsyncConnection, stretches: Sequence[Stretch]) -> dict[LogPlace, Undoing]:
    """The retraction of each event within *stretches* that was counted and is no longer."""
    parameters = {
        "partitions": [one.partition for one in stretches],
        "firsts": [one.first_offset for one in stretches],
        "untils": [one.until_offset for one in stretches],
    }
    rows = await connection.execute(_UNDOINGS, parameters)
    return {
        (row.partition, row.undone_offset): Undoing(row.offset, row.retracted_at, row.settled_at)
        for row in rows
    }


async def cancelled(
    connection: AsyncConnection, events: Collection[tuple[int, bytes]]
) -> frozenset[tuple[int, bytes]]:
    """Those of *events*, told by partition and key, whose retraction came before they could count."""
    if not events:
        return frozenset()
    partitions, keys = map(list, zip(*events, strict=True))
    rows = await connection.execute(_CANCELLED, {"partitions": partitions, "keys": keys})
    return frozenset((row.partition, bytes(row.key)) for row in rows)
