"""Deleting what measures that are set aside have counted, a few series at a time; it never commits."""

from collections.abc import Collection

import asyncpg

SERIES_AT_ONCE = 20
"""A series has some ten thousand panes at most, so a statement deletes for seconds, not for minutes."""

_DOOMED = """
-- doomed: measures set aside that still have series, once nobody can count into them any more: a flush by a
-- catalogue older than its partition's position is refused.
SELECT DISTINCT m.measure_id FROM measures m JOIN series s USING (measure_id)
WHERE strpos(m.fingerprint, '#') > 0
  AND NOT EXISTS (SELECT FROM positions p, catalogue c WHERE p.revision < c.revision)
ORDER BY m.measure_id
"""

_SERIES = """
-- series_of: some series of measures.
SELECT series_id FROM series WHERE measure_id = ANY($1::bigint[]) ORDER BY series_id LIMIT $2
"""

_DELETIONS = (
    "DELETE FROM panes WHERE series_id = ANY($1::bigint[])",
    "DELETE FROM pane_sketches WHERE series_id = ANY($1::bigint[])",
    "DELETE FROM pane_repairs WHERE series_id = ANY($1::bigint[])",
    "DELETE FROM series WHERE series_id = ANY($1::bigint[])",
)
"""In this order: as long as a series is known, what is left of it is found again."""


async def doomed(connection: asyncpg.Connection) -> frozenset[int]:
    """The numbers of the measures whose series can go."""
    return frozenset(row["measure_id"] for row in await connection.fetch(_DOOMED))


async def delete_some(connection: asyncpg.Connection, measure_ids: Collection[int]) -> int:
    """Delete some series of *measure_ids* with their panes; how many, 0 when none are left.

    Outside a transaction each statement is committed by itself; a call cut short is made good by the next.
    """
    rows = await connection.fetch(_SERIES, sorted(measure_ids), SERIES_AT_ONCE)
    found = [row["series_id"] for row in rows]
    for deletion in _DELETIONS if found else ():
        await connection.execute(deletion, found)
    return len(found)
