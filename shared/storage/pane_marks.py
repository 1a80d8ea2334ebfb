"""Making coarser panes of finer ones and noting up to when that is done; it never commits.

What is done and why it is right stands in `shared.domain.windows.marks`. A writer of panes holds a row that
`derive` keeps from it: the position of its partition or the cursor of its backfill. So marks rest while it
does.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence

import asyncpg

from shared.domain.aggregates import PLAIN_KINDS
from shared.domain.errors import TryAgainError
from shared.domain.windows import DERIVED, LENGTH_US, PARTS, Marks, Rung, are_stale, marks_at
from shared.storage import backfill_cursors, positions

LAG_US = 20_000_000
"""For so long after a pane is over, events that come a little late enter only the finest rung."""

AT_ONCE = 8000
"""Series that are done in one step: counting waits meanwhile, 15 us for each that has anything new."""

_LOAD = """
-- load_marks: by part and rung.
SELECT part, until_us FROM pane_marks ORDER BY part, rung
"""

_DERIVE = f"""
-- derive: the panes of a rung within a stretch, from those of the rung below; none of them is there yet.
INSERT INTO panes (series_id, rung, start_us, shard, n, sum, min, max, squares)
SELECT s.series_id, $2::smallint, x.start_us, $7::smallint, x.n, x.total, x.low, x.high, x.squares
FROM series s JOIN measures m USING (measure_id)
CROSS JOIN LATERAL (
    SELECT p.start_us - mod(p.start_us, $6::bigint) AS start_us, sum(p.n) AS n, sum(p.sum) AS total,
           min(p.min) AS low, max(p.max) AS high, sum(p.squares) AS squares
    FROM panes p
    WHERE p.series_id = s.series_id AND p.rung = $3::smallint AND p.start_us >= $4 AND p.start_us < $5
    GROUP BY 1 HAVING sum(p.n) <> 0
) AS x
WHERE mod(s.series_id, {PARTS}) = ANY($1::bigint[]) AND m.finest < $2 AND m.kind = ANY($8::text[])
ORDER BY s.series_id, x.start_us
"""  # noqa: S608 - of a constant

_MARK_REPAIRS = f"""
-- mark_derived: a pane made of one that has to be made anew has to be made anew itself.
INSERT INTO pane_repairs AS r (series_id, rung, start_us, since)
SELECT f.series_id, $2::smallint, f.start_us - mod(f.start_us, $6::bigint) AS start_us, min(f.since)
FROM pane_repairs f JOIN series s USING (series_id) JOIN measures m USING (measure_id)
WHERE f.rung = $3::smallint AND f.start_us >= $4 AND f.start_us < $5
  AND mod(f.series_id, {PARTS}) = ANY($1::bigint[]) AND m.finest < $2 AND m.kind = ANY($7::text[])
GROUP BY 1, 3
ORDER BY 1, 3
ON CONFLICT (series_id, rung, start_us) DO UPDATE SET since = least(r.since, excluded.since)
"""  # noqa: S608 - of a constant

_MOVE = """
-- move_marks: a rung is done up to here.
UPDATE pane_marks SET until_us = $3 WHERE part = ANY($1::smallint[]) AND rung = $2::smallint
"""

_COUNT = """
-- count_all_series: how many there are.
SELECT count(*) FROM series
"""


class StaleMarksError(TryAgainError):
    """Coarser panes have not been made of finer ones for too long; nothing may be written until they are."""


class MarksMovedError(TryAgainError):
    """Marks have moved on since rows were chosen by them; nothing was written, choose again."""


async def load(connection: asyncpg.Connection) -> Marks:
    """The marks as they are."""
    by_part: dict[int, list[int]] = defaultdict(list)
    for row in await connection.fetch(_LOAD):
        by_part[row["part"]].append(row["until_us"])
    return Marks(tuple(tuple(found) for found in by_part.values()))


async def check(connection: asyncpg.Connection, marks: Marks) -> None:
    """Go on only if the marks, which rest from now on, are still *marks*.

    Raises:
        MarksMovedError: they have moved on.
    """
    if await load(connection) != marks:
        raise MarksMovedError("coarser panes were made of finer ones meanwhile")


async def load_fresh(connection: asyncpg.Connection, *, now_us: int) -> Marks:
    """The marks, to write by at *now_us*.

    Raises:
        StaleMarksError: they are too far behind.
    """
    marks = await load(connection)
    if are_stale(marks, now_us):
        raise StaleMarksError("coarser panes have not been made of finer ones for too long")
    return marks


async def due(connection: asyncpg.Connection, *, now_us: int) -> list[list[int]]:
    """The parts that something is due of at *now_us*, as many at a time as have about `AT_ONCE` series."""
    aims, marks = marks_at(now_us, lag_us=LAG_US), await load(connection)
    behind = [
        part
        for part, found in enumerate(marks.until_us)
        if any(until_us < aim for until_us, aim in zip(found, aims, strict=True))
    ]
    size = max(AT_ONCE * PARTS // max(await connection.fetchval(_COUNT), 1), 1)
    return [behind[start : start + size] for start in range(0, len(behind), size)]


async def derive(connection: asyncpg.Connection, parts: Collection[int], *, now_us: int) -> None:
    """Make what is due at *now_us* of the series of some *parts*, and move their marks.

    Nobody else writes panes until the transaction ends.
    """
    # A batch of a backfill may take seconds: it is waited for before live counting is held up.
    await backfill_cursors.hold_all(connection)
    shard = min(await positions.hold_all(connection), default=0)
    marks = await load(connection)
    for index, (rung, until_us) in enumerate(zip(DERIVED, marks_at(now_us, lag_us=LAG_US), strict=True)):
        behind: dict[int, list[int]] = defaultdict(list)
        for part in parts:
            if marks.until_us[part][index] < until_us:
                behind[marks.until_us[part][index]].append(part)
        for from_us, found in behind.items():
            await _derive(connection, found, rung, from_us, until_us, shard=shard)


async def _derive(
    connection: asyncpg.Connection,
    parts: Sequence[int],
    rung: Rung,
    from_us: int,
    until_us: int,
    *,
    shard: int,
) -> None:
    asked = (parts, int(rung), int(rung) - 1, from_us, until_us, LENGTH_US[rung])
    await connection.execute(_DERIVE, *asked, shard, sorted(PLAIN_KINDS))
    await connection.execute(_MARK_REPAIRS, *asked, sorted(PLAIN_KINDS))
    await connection.execute(_MOVE, parts, int(rung), until_us)
