"""Adding squares and ends to panes, whose rows have columns for them; it never commits.

Such rows say nothing about extremes of values: *min* and *max* are those of no values.
"""

import asyncpg

from shared.domain.aggregates import NO_HIGH, NO_LOW
from shared.domain.column_partials import key_bytes
from shared.domain.columns import EndColumns, EventColumns, SquareColumns
from shared.storage.pane_rows import KindRows

_ADD_SQUARES = f"""
-- add_squares: additive upsert of sums and sums of squares.
INSERT INTO panes AS p (series_id, rung, start_us, shard, n, sum, min, max, squares)
SELECT series_id, rung, start_us, $2::smallint, n, total, {NO_LOW}, {NO_HIGH}, squares
FROM unnest($1::bigint[], $3::smallint[], $4::bigint[], $5::bigint[], $6::numeric[], $7::numeric[])
    AS a (series_id, rung, start_us, n, total, squares)
ON CONFLICT (series_id, rung, start_us, shard) DO UPDATE SET
    n = p.n + excluded.n,
    sum = p.sum + excluded.sum,
    squares = p.squares + excluded.squares
"""  # noqa: S608 - assembled from constants


async def add_squares(connection: asyncpg.Connection, rows: KindRows, *, shard: int) -> None:
    """Add *rows* of the kind squares under *shard*."""
    d, c = rows.deltas, rows.deltas.columns
    if not isinstance(c, SquareColumns):
        raise TypeError(f"{rows.kind} are no squares")
    lists = (column.tolist() for column in (d.rung, d.start_us, c.n, c.total, c.squares))
    await connection.execute(_ADD_SQUARES, rows.series_id.tolist(), shard, *lists)


def _end(name: str, order: str) -> str:
    """The columns of an end: of two events the one that comes first in *order*, absent ones last."""
    there = ", ".join(f"p.{name}_{part}" for part in ("us", "key", "value"))
    new = there.replace("p.", "excluded.")
    is_new = f"p.{name}_us IS NULL OR ({new}) {order} ({there})"
    return ",\n    ".join(
        f"{name}_{part} = CASE WHEN {is_new} THEN excluded.{name}_{part} ELSE p.{name}_{part} END"
        for part in ("us", "key", "value")
    )


_ADD_ENDS = f"""
-- add_ends: upsert of counts, first and last events.
INSERT INTO panes AS p (series_id, rung, start_us, shard, n, sum, min, max,
                        first_us, first_key, first_value, last_us, last_key, last_value)
SELECT series_id, rung, start_us, $2::smallint, n, 0, {NO_LOW}, {NO_HIGH},
       first_us, first_key, first_value, last_us, last_key, last_value
FROM unnest(
    $1::bigint[], $3::smallint[], $4::bigint[], $5::bigint[],
    $6::bigint[], $7::bytea[], $8::bigint[], $9::bigint[], $10::bytea[], $11::bigint[]
) AS a (series_id, rung, start_us, n, first_us, first_key, first_value, last_us, last_key, last_value)
ON CONFLICT (series_id, rung, start_us, shard) DO UPDATE SET
    n = p.n + excluded.n,
    {_end("first", "<")},
    {_end("last", ">")}
"""  # noqa: S608 - assembled from constants


async def add_ends(connection: asyncpg.Connection, rows: KindRows, *, shard: int) -> None:
    """Add *rows* of the kind ends under *shard*."""
    d, c = rows.deltas, rows.deltas.columns
    if not isinstance(c, EndColumns):
        raise TypeError(f"{rows.kind} are no ends")
    lists = (column.tolist() for column in (d.rung, d.start_us, c.n))
    ends = (*_columns(c.first, NO_LOW), *_columns(c.last, NO_HIGH))
    await connection.execute(_ADD_ENDS, rows.series_id.tolist(), shard, *lists, *ends)


def _columns(events: EventColumns, nowhere: int) -> tuple[list[int | bytes | None], ...]:
    """Times, keys and values; null where the time is *nowhere*."""
    there = (events.time_us != nowhere).tolist()
    keys = key_bytes(events.key_high, events.key_low)
    columns = (events.time_us.tolist(), keys, events.value.tolist())
    return tuple([x if is_there else None for x, is_there in zip(c, there, strict=True)] for c in columns)
