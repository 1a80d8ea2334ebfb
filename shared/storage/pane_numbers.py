"""Adding the numbers of panes, which is most of what a flush writes; it never commits."""

import asyncpg
import numpy as np
import numpy.typing as npt

from shared.domain.columns import NumberColumns
from shared.storage.pane_rows import KindRows

COPY_FROM_ROWS = 1500
"""From this many rows on, COPY and one INSERT from a temporary table beat arrays as parameters."""


_MERGE = """
ON CONFLICT (series_id, rung, start_us, shard) DO UPDATE SET
    n = p.n + excluded.n,
    sum = p.sum + excluded.sum,
    min = least(p.min, excluded.min),
    max = greatest(p.max, excluded.max)
"""

_ADD_ARRAYS = f"""
-- add_arrays: additive upsert of a small flush.
INSERT INTO panes AS p (series_id, rung, start_us, shard, n, sum, min, max)
SELECT series_id, rung, start_us, $2::smallint, n, total, low, high
FROM unnest(
    $1::bigint[], $3::smallint[], $4::bigint[], $5::bigint[], $6::numeric[], $7::bigint[], $8::bigint[]
) AS a (series_id, rung, start_us, n, total, low, high)
{_MERGE}
"""  # noqa: S608 - assembled from constants

_STAGE = """
-- stage: where COPY puts a large flush; it lives as long as the connection and is emptied by each commit.
CREATE TEMPORARY TABLE IF NOT EXISTS staged_panes (
    series_id bigint, rung smallint, start_us bigint, n bigint, total bigint, low bigint, high bigint
) ON COMMIT DELETE ROWS
"""

_ADD_STAGED = f"""
-- add_staged: additive upsert of a large flush, in the order in which it was copied.
INSERT INTO panes AS p (series_id, rung, start_us, shard, n, sum, min, max)
SELECT series_id, rung, start_us, $1::smallint, n, total, low, high FROM staged_panes
{_MERGE}
"""  # noqa: S608 - assembled from constants


async def prepare(connection: asyncpg.Connection) -> None:
    """Make *connection* ready for `stage`; once after it is opened, outside a transaction."""
    await connection.execute(_STAGE)


def is_large(rows: KindRows) -> bool:
    """Whether `copy` serves *rows* better than `add`."""
    return len(rows) >= COPY_FROM_ROWS and columns_of(rows).total.dtype != object


async def copy(connection: asyncpg.Connection, rows: KindRows) -> None:
    """Bring *rows* to the server, for `add_copied`."""
    await connection.copy_to_table("staged_panes", source=_Once(binary_copy(rows)), format="binary")


async def add_copied(connection: asyncpg.Connection, *, shard: int) -> None:
    """Add what was copied in this transaction under *shard*."""
    await connection.execute(_ADD_STAGED, shard)


async def add(connection: asyncpg.Connection, rows: KindRows, *, shard: int) -> None:
    """Add *rows* under *shard*."""
    d, c = rows.deltas, columns_of(rows)
    lists = (column.tolist() for column in (d.rung, d.start_us, c.n, c.total, c.low, c.high))
    await connection.execute(_ADD_ARRAYS, rows.series_id.tolist(), shard, *lists)


def columns_of(rows: KindRows) -> NumberColumns:
    """The columns of *rows*, which are of the kind numbers."""
    if not isinstance(rows.deltas.columns, NumberColumns):
        raise TypeError(f"{rows.kind} are no numbers")
    return rows.deltas.columns


class _Once:
    """An asynchronous source of one chunk, as the driver's COPY wants it."""

    def __init__(self, chunk: bytes) -> None:
        self._chunks = [chunk]

    def __aiter__(self) -> "_Once":
        return self

    async def __anext__(self) -> bytes:
        if not self._chunks:
            raise StopAsyncIteration
        return self._chunks.pop()


_COPY_HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
_COPY_TRAILER = b"\xff\xff"
_COPY_FIELDS = (
    ("series_id", 8),
    ("rung", 2),
    ("start_us", 8),
    ("n", 8),
    ("total", 8),
    ("low", 8),
    ("high", 8),
)
_COPY_ROW = np.dtype(
    [("fields", ">i2")]
    + [part for name, size in _COPY_FIELDS for part in ((f"{name}_size", ">i4"), (name, f">i{size}"))]
)


def binary_copy(rows: KindRows) -> bytes:
    """*rows* in PostgreSQL's binary COPY format (its manual, COPY, File Formats), made by one array."""
    d, c = rows.deltas, columns_of(rows)
    columns: dict[str, npt.NDArray[np.int64]] = {
        "series_id": rows.series_id, "rung": d.rung, "start_us": d.start_us, "n": c.n,
        "total": c.total.astype(np.int64), "low": c.low, "high": c.high,
    }  # fmt: skip
    table = np.empty(len(rows), dtype=_COPY_ROW)
    table["fields"] = len(_COPY_FIELDS)
    for name, size in _COPY_FIELDS:
        table[f"{name}_size"] = size
        table[name] = columns[name]
    return _COPY_HEADER + table.tobytes() + _COPY_TRAILER
