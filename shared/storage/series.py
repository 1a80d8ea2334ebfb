"""Series and their numbers: one row for each measure and combination of dimension values."""

from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg

_TURN = """
-- turn: processes that meet new series take turns, so that both limits hold however many meet some at once.
SELECT pg_advisory_xact_lock(7403883)
"""

_COUNT = """
-- count_series: how many series a measure has, and how many there are in all; what is set aside is on its way
-- out, and what a backfill fills ("~") has room of its own beside what it is going to replace.
SELECT own.series_count AS of_measure, sum(m.series_count)::bigint AS in_all
FROM measures own JOIN measures m ON m.measure_id = own.measure_id OR (
    strpos(m.fingerprint, '#') = 0 AND (strpos(m.fingerprint, '~') > 0) = (strpos(own.fingerprint, '~') > 0)
)
WHERE own.measure_id = $1
GROUP BY own.series_count
"""

_INSERT = """
-- insert_series: new combinations get a number; known ones are left alone.
WITH added AS (
    INSERT INTO series (measure_id, dimensions, created_at)
    SELECT $1, dimensions, now() FROM unnest($2::text[]) AS dimensions
    ON CONFLICT (measure_id, dimensions) DO NOTHING
    RETURNING dimensions, series_id
), counted AS (
    UPDATE measures SET series_count = series_count + (SELECT count(*) FROM added) WHERE measure_id = $1
)
SELECT dimensions, series_id FROM added
"""

_SELECT = """
-- select_series: the numbers of combinations.
SELECT dimensions, series_id FROM series WHERE measure_id = $1 AND dimensions = ANY($2::text[])
"""

_ALL = """
-- all_series: the numbers of all series of a measure.
SELECT dimensions, series_id FROM series WHERE measure_id = $1
"""


@dataclass(frozen=True, slots=True)
class SeriesLimits:
    """How many series there may be before new ones share the overflow series."""

    of_measure: int = 10_000
    in_all: int = 100_000


async def intern(
    connection: asyncpg.Connection, measure_id: int, dimensions: Sequence[str], *, limits: SeriesLimits
) -> dict[str, int]:
    """The numbers of *dimensions*, new ones added by a transaction; what is past *limits* is left out.

    Args:
        connection: of the driver, outside a transaction.
        measure_id: whose series they are.
        dimensions: JSON arrays of values in breakdown order.
        limits: how many series there may be.
    """
    async with connection.transaction():
        await connection.fetch(_TURN)
        known = await numbers(connection, measure_id, dimensions)
        counts = await connection.fetchrow(_COUNT, measure_id)
        room = min(limits.of_measure - counts["of_measure"], limits.in_all - counts["in_all"])
        admitted = [text for text in dimensions if text not in known][: max(room, 0)]
        added = _numbered(await connection.fetch(_INSERT, measure_id, admitted))
        if len(added) < len(admitted):
            # The overflow series is added out of turn, and an event may have its name for a value.
            added = await numbers(connection, measure_id, admitted)
        return known | added


async def add(connection: asyncpg.Connection, measure_id: int, dimensions: str) -> int:
    """The number of one combination, added whatever the limits: the overflow series is past them."""
    async with connection.transaction():
        await connection.execute(_INSERT, measure_id, [dimensions])
        return (await numbers(connection, measure_id, [dimensions]))[dimensions]


async def all_numbers(connection: asyncpg.Connection, measure_id: int) -> dict[str, int]:
    """The numbers of all combinations that a measure has met."""
    return _numbered(await connection.fetch(_ALL, measure_id))


async def numbers(
    connection: asyncpg.Connection, measure_id: int, dimensions: Sequence[str]
) -> dict[str, int]:
    """The numbers of those of *dimensions* that a measure has met."""
    return _numbered(await connection.fetch(_SELECT, measure_id, list(dimensions)))


def _numbered(rows: Sequence[asyncpg.Record]) -> dict[str, int]:
    return {row["dimensions"]: row["series_id"] for row in rows}
