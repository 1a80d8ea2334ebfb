"""How far a backfill has come in each partition: opened at the hand-over, moved by compare-and-set.

Functions take the driver's connection and never commit.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from shared.domain.errors import FencedError


@dataclass(frozen=True, slots=True)
class Cursor:
    """A stretch of one partition that is being filled, and who is at it.

    Attributes:
        next_offset: counted up to here.
        until_offset: live counting began here.
        epoch: moves with every take-over and fences the worker before.
        rate_limit: events a second at most of the whole backfill; None is without limit.
        partitions: how many partitions share the rate.
    """

    backfill_id: int
    partition: int
    next_offset: int
    until_offset: int
    epoch: int
    rate_limit: int | None
    partitions: int


@dataclass(frozen=True, slots=True)
class Step:
    """What one batch comes to.

    Attributes:
        counted: records that count.
        unfit: events left out of a measure because their value does not fit.
        first_at: when its first record was sent; None when there was none.
    """

    to_offset: int
    counted: int
    unfit: int
    first_at: datetime | None


class BackfillOverError(Exception):
    """The backfill was called off or ended while a batch of it was counted; the batch is dropped."""


_OPEN = """
-- open_cursors: where live counting of all measures of a backfill has begun, the stretch before it is filled.
INSERT INTO backfill_cursors (backfill_id, partition, first_offset, next_offset, until_offset, updated_at)
SELECT o.backfill_id, o.partition, o.first_offset, o.first_offset, o.until_offset, now() FROM (
    SELECT b.backfill_id, l.partition, min(a.from_offset) AS until_offset,
           least(l.begin_offset, min(a.from_offset)) AS first_offset
    FROM backfills b
    JOIN backfill_measures m USING (backfill_id)
    CROSS JOIN unnest($1::int[], $2::bigint[]) AS l (partition, begin_offset)
    LEFT JOIN activations a ON a.measure_id = m.measure_id AND a.partition = l.partition
    WHERE b.state = 'running'
    GROUP BY b.backfill_id, l.partition, l.begin_offset
    HAVING count(*) = count(a.from_offset)
) AS o
ON CONFLICT (backfill_id, partition) DO NOTHING
"""

_HOLD_ALL = """
-- hold_all_cursors: no batch of any backfill meanwhile, and none begins.
LOCK TABLE backfill_cursors IN SHARE MODE
"""

_TAKE_OVER = """
-- take_over_cursors: raise the epoch of what is left to fill in some partitions, the oldest backfill first.
UPDATE backfill_cursors c SET epoch = c.epoch + 1, updated_at = now()
FROM (
    SELECT c.backfill_id, c.partition, b.rate_limit
    FROM backfill_cursors c JOIN backfills b USING (backfill_id)
    WHERE b.state = 'running' AND c.partition = ANY($1::int[]) AND c.next_offset < c.until_offset
    ORDER BY c.backfill_id, c.partition FOR UPDATE OF c
) AS o
WHERE c.backfill_id = o.backfill_id AND c.partition = o.partition
RETURNING c.backfill_id, c.partition, c.next_offset, c.until_offset, c.epoch, o.rate_limit,
          (SELECT count(*) FROM positions)::int AS partitions
"""

_RUNNING = """
-- running: a backfill that runs is not ended or called off before the transaction that asks has ended.
SELECT 1 FROM backfills WHERE backfill_id = $1 AND state = 'running' FOR SHARE
"""

_ADVANCE = """
-- advance: the compare-and-set that makes filling exactly once.
UPDATE backfill_cursors SET
    next_offset = $5, counted = counted + $6, unfit = unfit + $7, first_at = coalesce(first_at, $8),
    updated_at = now()
WHERE backfill_id = $1 AND partition = $2 AND epoch = $3 AND next_offset = $4
RETURNING partition
"""

_COUNTED_IN = """
-- counted_in: the spans of flushes over a stretch of a partition, which lie end to end, and the offsets in
-- them that count nothing.
SELECT first_offset, next_offset, skipped FROM flushes
WHERE partition = $1 AND next_offset > $2 AND next_offset <= coalesce((
    SELECT min(next_offset) FROM flushes WHERE partition = $1 AND next_offset >= $3
), 9223372036854775807) AND first_offset < $3
ORDER BY next_offset
"""

_UNDONE_IN = """
-- undone_in: the events of a stretch that were retracted after they had been counted.
SELECT undone_offset FROM retractions
WHERE partition = $1 AND state = 'undone' AND undone_offset >= $2 AND undone_offset < $3
ORDER BY undone_offset
"""

_COUNTED_OUT = """
-- counted_out: backfills whose every partition has reached the offset of the hand-over.
SELECT b.backfill_id FROM backfills b
WHERE b.state = 'running' AND EXISTS (SELECT FROM positions) AND NOT EXISTS (
    SELECT FROM positions p
    LEFT JOIN backfill_cursors c ON c.partition = p.partition AND c.backfill_id = b.backfill_id
    WHERE c.partition IS NULL OR c.next_offset < c.until_offset
)
ORDER BY b.backfill_id
"""


def shard_of(partition: int) -> int:
    """The shard of the rows that a backfill writes for *partition*; those of live counting are from 0 up."""
    return -1 - partition


async def open_cursors(connection: asyncpg.Connection, begins: Mapping[int, int]) -> None:
    """Open the stretches that have their hand-over; *begins* says where each partition's log begins."""
    await connection.execute(_OPEN, list(begins), list(begins.values()))


async def hold_all(connection: asyncpg.Connection) -> None:
    """Keep every backfill where it is until the transaction ends."""
    await connection.execute(_HOLD_ALL)


async def take_over(connection: asyncpg.Connection, partitions: Collection[int]) -> list[Cursor]:
    """What is left to fill in *partitions*, the oldest backfill first; who was at it before is fenced."""
    rows = await connection.fetch(_TAKE_OVER, sorted(partitions))
    return sorted((Cursor(**row) for row in rows), key=lambda one: (one.backfill_id, one.partition))


async def advance(connection: asyncpg.Connection, cursor: Cursor, step: Step) -> None:
    """Move *cursor* by *step*; before the panes are written, in their transaction.

    Raises:
        BackfillOverError: the backfill does not run any more; roll back.
        FencedError: somebody else fills the partition; roll back.
    """
    if await connection.fetchval(_RUNNING, cursor.backfill_id) is None:
        raise BackfillOverError
    moved = await connection.fetchval(
        _ADVANCE, cursor.backfill_id, cursor.partition, cursor.epoch, cursor.next_offset,
        step.to_offset, step.counted, step.unfit, step.first_at,
    )  # fmt: skip
    if moved is None:
        raise FencedError(frozenset([cursor.partition]))


@dataclass(frozen=True, slots=True)
class Span:
    """Offsets [first_offset, next_offset) that live counting has gone through.

    Attributes:
        skipped: those among them that count nothing.
    """

    first_offset: int
    next_offset: int
    skipped: tuple[int, ...]


async def counted_in(
    connection: asyncpg.Connection, partition: int, first_offset: int, until_offset: int
) -> list[Span]:
    """The spans over [*first_offset*, *until_offset*), in order; they may reach beyond it."""
    rows = await connection.fetch(_COUNTED_IN, partition, first_offset, until_offset)
    return [Span(row["first_offset"], row["next_offset"], tuple(row["skipped"] or ())) for row in rows]


async def undone_in(
    connection: asyncpg.Connection, partition: int, first_offset: int, until_offset: int
) -> list[int]:
    """The offsets of the events in [*first_offset*, *until_offset*) that were undone, in order."""
    rows = await connection.fetch(_UNDONE_IN, partition, first_offset, until_offset)
    return [row["undone_offset"] for row in rows]


async def counted_out(connection: asyncpg.Connection) -> list[int]:
    """The backfills that run and have nothing left to count."""
    return [row["backfill_id"] for row in await connection.fetch(_COUNTED_OUT)]
