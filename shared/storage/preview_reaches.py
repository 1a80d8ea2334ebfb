"""How far back the log can be read for a preview: what is left of it, and within how many records."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from shared.storage.replays import Snapshot

_REACH = text("""
-- preview_reach: the newest flushes of a stretch of event time that hold so many records; of those before
-- them, and of those whose records the log has lost, the latest event time. What is later is read whole.
WITH found AS (
    SELECT f.partition, f.first_offset, f.next_offset, f.last_time,
           coalesce(f.first_offset < b.first_left, false) AS is_lost
    FROM flushes f
    LEFT JOIN unnest(CAST(:partitions AS int[]), CAST(:begins AS bigint[])) AS b (partition, first_left)
        USING (partition)
    WHERE f.first_time IS NOT NULL AND tstzrange(f.first_time, f.last_time, '[]') && tstzrange(:start, :end)
), summed AS (
    SELECT *, sum(next_offset - first_offset)
        OVER (ORDER BY last_time DESC, partition, first_offset DESC) AS records
    FROM found
)
SELECT max(last_time) FILTER (WHERE is_lost) AS lost_to,
       max(last_time) FILTER (WHERE records > :most) AS cut_to,
       min(records) FILTER (WHERE records > :most) AS next_most,
       bool_or(records <= :most) AS is_any
FROM summed
""")


@dataclass(frozen=True, slots=True)
class ReachBack:
    """From which event time on everything is there and may be read.

    Attributes:
        lost_to: the log no longer holds all events up to here, this instant included; None if it holds all.
        cut_to: of the events up to here there are more than may be read; None if all may.
        least: so many records have to be read at least; None if as many as that may be.
    """

    lost_to: datetime | None
    cut_to: datetime | None
    least: int | None


async def reach_back(
    connection: Snapshot, start: datetime, end: datetime, *, begins: Mapping[int, int], most: int
) -> ReachBack:
    """How far back from *end*, towards *start*, the log can be read.

    Args:
        connection: in a transaction with one snapshot.
        start: the first instant of event time that is wanted.
        end: the instant before which the stretch ends.
        begins: the first offset that the log still holds, by partition.
        most: how many records may be read.
    """
    parameters = {
        "start": start, "end": end, "most": most,
        "partitions": list(begins), "begins": list(begins.values()),
    }  # fmt: skip
    row = (await connection.execute(_REACH, parameters)).one()
    is_none = row.cut_to is not None and not row.is_any
    return ReachBack(row.lost_to, row.cut_to, int(row.next_most) if is_none else None)
