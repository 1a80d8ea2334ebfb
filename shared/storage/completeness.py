"""How far the clean topic is counted, and from when on each measure is: what makes a value complete."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

_COMPLETENESS = text("""
-- completeness: how far everything is counted, beside each measure that is, in one answer.
-- The partition that is furthest behind decides; before any is counted, nothing is known. A retraction whose
-- event still counts, and a pane that only the log can tell, hold everything back to the instant the
-- retraction arrived: of what came before it nothing is missing, of what came then something is.
WITH held AS (
    SELECT least(
        (SELECT min(retracted_at) FROM retractions WHERE state = 'sought'),
        (SELECT min(r.since) FROM pane_repairs r JOIN series s USING (series_id)
         WHERE s.measure_id = ANY(CAST(:measure_ids AS bigint[])))
    ) AS since
), fresh AS (
    SELECT least(coalesce(min(current_to), to_timestamp(0)), min(held.since)) AS as_of,
           CASE WHEN count(*) = count(watermark) THEN least(min(watermark), min(held.since)) END AS watermark
    FROM positions CROSS JOIN held
), begun AS (
    SELECT m.measure_id, max(a.activated_at) FILTER (WHERE a.from_offset > 0) AS since
    FROM unnest(CAST(:measure_ids AS bigint[])) AS m (measure_id)
    CROSS JOIN positions p
    LEFT JOIN activations a ON a.measure_id = m.measure_id AND a.partition = p.partition
    GROUP BY m.measure_id
    HAVING bool_and(p.next_offset <= 0 OR a.from_offset IS NOT NULL)
)
SELECT fresh.as_of, fresh.watermark, begun.measure_id, begun.since FROM fresh LEFT JOIN begun ON true
""")


@dataclass(frozen=True, slots=True)
class Completeness:
    """What is known to be counted.

    Attributes:
        as_of: everything that had reached the clean topic before this instant, retractions included.
        watermark: no event older than this is expected, and none retracted; None while a partition has none.
        begun: since when each measure is counted, None being all of the log; a measure that some
            partition does not count yet is not among them.
    """

    as_of: datetime
    watermark: datetime | None
    begun: Mapping[int, datetime | None]

    def covers(self, measure_ids: Collection[int], start: datetime, end: datetime) -> bool:
        """Whether nothing of [*start*, *end*) is missing from *measure_ids* or expected to come."""
        if self.watermark is None or self.watermark < end:
            return False
        return all(number in self.begun and self._has(number, start) for number in measure_ids)

    def _has(self, measure_id: int, start: datetime) -> bool:
        since = self.begun[measure_id]
        return since is None or since <= start


async def completeness(connection: AsyncConnection, measure_ids: Collection[int]) -> Completeness:
    """What is counted of the clean topic, and of *measure_ids* in particular."""
    rows = (await connection.execute(_COMPLETENESS, {"measure_ids": list(measure_ids)})).all()
    begun = {row.measure_id: row.since for row in rows if row.measure_id is not None}
    return Completeness(rows[0].as_of, rows[0].watermark, begun)
