"""Panes that only the log can tell: marked when an event is taken away, replaced whole; it never commits."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from shared.domain.aggregates import End, Ends, Numbers
from shared.storage.pane_sketches import PaneKey

_MARK = """
-- mark: panes to be made anew, with the arrival of the oldest retraction that waits for it.
INSERT INTO pane_repairs AS r (series_id, rung, start_us, since)
SELECT series_id, rung, start_us, $4
FROM unnest($1::bigint[], $2::smallint[], $3::bigint[]) AS a (series_id, rung, start_us)
ORDER BY series_id, rung, start_us
ON CONFLICT (series_id, rung, start_us) DO UPDATE SET since = least(r.since, excluded.since)
"""

_OPEN = """
-- open_repairs: the share of some owners of all panes to be made anew; finer ones come first.
-- Panes of series that are gone have the measure 0, which there is not.
SELECT r.series_id, r.rung, r.start_us, coalesce(s.measure_id, 0) AS measure_id,
       coalesce(s.dimensions, '') AS dimensions
FROM pane_repairs r LEFT JOIN series s USING (series_id)
WHERE mod(r.series_id, (SELECT count(*) FROM positions)) = ANY($1::bigint[])
ORDER BY r.rung, r.start_us, r.series_id LIMIT $2
"""

_CLEAR = """
-- clear: one statement a table, so that a pane is never without its rows but in this transaction.
DELETE FROM {table} p
USING unnest($1::bigint[], $2::smallint[], $3::bigint[]) AS a (series_id, rung, start_us)
WHERE p.series_id = a.series_id AND p.rung = a.rung AND p.start_us = a.start_us
"""

_NUMBERS = """
-- numbers_of: all rows of each pane together.
SELECT series_id, rung, start_us, sum(p.n)::bigint AS n, sum(p.sum) AS total, min(p.min) AS low,
       max(p.max) AS high
FROM unnest($1::bigint[], $2::smallint[], $3::bigint[]) AS a (series_id, rung, start_us)
JOIN panes p USING (series_id, rung, start_us) GROUP BY series_id, rung, start_us
"""

_ENDS = """
-- ends_of: all rows of each pane, one by one.
SELECT series_id, rung, start_us, n, first_us, first_key, first_value, last_us, last_key, last_value
FROM unnest($1::bigint[], $2::smallint[], $3::bigint[]) AS a (series_id, rung, start_us)
JOIN panes p USING (series_id, rung, start_us)
"""

_COUNT = """
-- count_repairs: how many panes are to be made anew.
SELECT count(*) FROM pane_repairs
"""

_TABLES = ("pane_repairs", "panes", "pane_sketches")


@dataclass(frozen=True, slots=True)
class Repair:
    """A pane to be made anew.

    Attributes:
        dimensions: the combination of values of its series.
    """

    series_id: int
    rung: int
    start_us: int
    measure_id: int
    dimensions: str

    @property
    def key(self) -> PaneKey:
        """Series, rung and start."""
        return self.series_id, self.rung, self.start_us


async def mark(connection: asyncpg.Connection, panes: Collection[PaneKey], *, since: datetime) -> None:
    """Note that *panes* have to be made anew because of a retraction that arrived at *since*."""
    if panes:
        await connection.execute(_MARK, *_columns(panes), since)


async def open_repairs(connection: asyncpg.Connection, owned: Collection[int], *, most: int) -> list[Repair]:
    """The repairs that fall to the owner of the partitions *owned*, finer panes first."""
    return [Repair(**row) for row in await connection.fetch(_OPEN, sorted(owned), most)]


async def count(connection: asyncpg.Connection) -> int:
    """How many panes are to be made anew."""
    found: int = await connection.fetchval(_COUNT)
    return found


async def forget(connection: asyncpg.Connection, panes: Collection[PaneKey]) -> None:
    """Delete the marks of *panes* and leave these as they are: nobody asks for them again."""
    if panes:
        await connection.execute(_CLEAR.format(table="pane_repairs"), *_columns(panes))


async def clear(connection: asyncpg.Connection, panes: Collection[PaneKey]) -> None:
    """Delete *panes* and their marks: what they are is about to be written.

    All positions must be locked, because rows of every shard go.
    """
    for table in _TABLES:
        await connection.execute(_CLEAR.format(table=table), *_columns(panes))


async def numbers_of(connection: asyncpg.Connection, panes: Collection[PaneKey]) -> dict[PaneKey, Numbers]:
    """What *panes* of the kind numbers are, all shards together; those without rows are left out."""
    rows = await connection.fetch(_NUMBERS, *_columns(panes))
    return {_key(row): Numbers(row["n"], int(row["total"]), row["low"], row["high"]) for row in rows}


async def ends_of(connection: asyncpg.Connection, panes: Collection[PaneKey]) -> dict[PaneKey, Ends]:
    """What *panes* of the kind ends are, all shards together; those without rows are left out."""
    found: dict[PaneKey, Ends] = {}
    for row in await connection.fetch(_ENDS, *_columns(panes)):
        ends = Ends(row["n"], _end(row, "first"), _end(row, "last"))
        found[_key(row)] = found.get(_key(row), Ends()).merged(ends)
    return found


def _end(row: Mapping[str, int | bytes | None], name: str) -> End | None:
    time_us, key, value = (row[f"{name}_{part}"] for part in ("us", "key", "value"))
    if not isinstance(time_us, int) or not isinstance(key, bytes) or not isinstance(value, int):
        return None
    return End(time_us, key, value)


def _key(row: Mapping[str, int]) -> PaneKey:
    return row["series_id"], row["rung"], row["start_us"]


def _columns(panes: Collection[PaneKey]) -> Sequence[list[int]]:
    """Series, rungs and starts, in the order of the keys, in which every writer goes through them."""
    return [list(column) for column in zip(*sorted(panes), strict=True)] or [[], [], []]
