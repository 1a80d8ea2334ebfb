"""Adding deltas to panes and dropping panes past their retention; it never commits."""

from dataclasses import dataclass

import asyncpg
import numpy as np
import numpy.typing as npt

from shared.domain.fold import Deltas, Int64s
from shared.domain.windows import WRITTEN_US, Rung

COPY_FROM_ROWS = 1500
"""From this many rows on, COPY and one INSERT from a temporary table beat arrays as parameters."""


@dataclass(frozen=True, slots=True)
class PaneRows:
    """Deltas with their series known, sorted by the key of `panes`."""

    series_id: Int64s
    deltas: Deltas

    def __len__(self) -> int:
        return len(self.series_id)

    def merged(self) -> "PaneRows":
        """The same additions with one row a key, for series that several groups came to."""
        if not len(self):
            return self
        d = self.deltas
        key = np.stack((self.series_id, d.rung, d.start_us))
        first = np.flatnonzero(np.concatenate(([True], (key[:, 1:] != key[:, :-1]).any(axis=0))))
        one = d.taken(first)
        sums = np.add.reduceat(d.n, first), np.add.reduceat(d.total, first)
        ends = np.minimum.reduceat(d.low, first), np.maximum.reduceat(d.high, first)
        return PaneRows(self.series_id[first], Deltas(one.group, one.rung, one.start_us, *sums, *ends))


def pane_rows(series_id: Int64s, deltas: Deltas) -> PaneRows:
    """*deltas* sorted by key, so that two writers can never wait for each other in a circle.

    Args:
        series_id: one element a delta, in the order of *deltas*.
        deltas: in any order.
    """
    order = np.lexsort((deltas.start_us, deltas.rung, series_id))
    return PaneRows(series_id[order], deltas.taken(order))


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


@dataclass(frozen=True, slots=True)
class StagedRows:
    """Rows on their way into panes.

    Attributes:
        is_copied: they lie on the server already.
    """

    rows: PaneRows
    is_copied: bool


async def stage(connection: asyncpg.Connection, rows: PaneRows) -> StagedRows:
    """Bring a large flush to the server: in the transaction of `add`, before anything that takes a lock.

    In the middle of a COPY the server waits for the rest without any limit (measured: neither the statement's
    nor the transaction's timeout ends it), so a client that is frozen there would keep its locks for ever.
    """
    is_copied = len(rows) >= COPY_FROM_ROWS and rows.deltas.total.dtype != object
    if is_copied:
        await connection.copy_to_table("staged_panes", source=_Once(binary_copy(rows)), format="binary")
    return StagedRows(rows, is_copied)


async def add(connection: asyncpg.Connection, staged: StagedRows, *, shard: int) -> None:
    """Add *staged* to their panes under *shard*, a partition whose position this transaction has moved."""
    if staged.is_copied:
        await connection.execute(_ADD_STAGED, shard)
    elif len(staged.rows):
        d = staged.rows.deltas
        lists = (column.tolist() for column in (d.rung, d.start_us, d.n, d.total, d.low, d.high))
        await connection.execute(_ADD_ARRAYS, staged.rows.series_id.tolist(), shard, *lists)


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


def binary_copy(rows: PaneRows) -> bytes:
    """*rows* in PostgreSQL's binary COPY format (its manual, COPY, File Formats), made by one array."""
    d = rows.deltas
    columns: dict[str, npt.NDArray[np.int64]] = {
        "series_id": rows.series_id, "rung": d.rung, "start_us": d.start_us, "n": d.n,
        "total": d.total.astype(np.int64), "low": d.low, "high": d.high,
    }  # fmt: skip
    table = np.empty(len(rows), dtype=_COPY_ROW)
    table["fields"] = len(_COPY_FIELDS)
    for name, size in _COPY_FIELDS:
        table[f"{name}_size"] = size
        table[name] = columns[name]
    return _COPY_HEADER + table.tobytes() + _COPY_TRAILER


_EXPIRE = """
-- expire: panes of one rung and shard that no reader looks at any more.
DELETE FROM panes WHERE rung = $1::smallint AND start_us < $2 AND shard = $3::smallint
"""


async def expire(connection: asyncpg.Connection, *, shard: int, now_us: int) -> int:
    """Delete what *shard* has past the time it is written; the number of rows."""
    deleted = 0
    for rung in Rung:
        status = await connection.execute(_EXPIRE, int(rung), now_us - 2 * WRITTEN_US[rung], shard)
        deleted += int(status.rpartition(" ")[2])
    return deleted
