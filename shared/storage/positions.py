"""Positions of partitions: taking them over, moving them by compare-and-set, and the ledger beside them.

Functions take the driver's connection and never commit.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from shared.domain.errors import FencedError, ForeignLogError


@dataclass(frozen=True, slots=True)
class Position:
    """How far a partition has been counted, and by whom.

    Attributes:
        next_offset: the first offset that is not counted yet.
        epoch: the number of the present owner; every take-over raises it.
    """

    partition: int
    next_offset: int
    epoch: int


@dataclass(frozen=True, slots=True)
class Move:
    """One partition's step within a flush: from where, to where, and what became of the records between.

    Attributes:
        current_to: everything appended before this instant is counted after the move.
        watermark: no event older than this is expected; None leaves it where it was.
        revision: of the catalogue the records were counted by; an older one than before is refused, because
            it would leave a hole in the measures that came with the newer.
    """

    partition: int
    epoch: int
    from_offset: int
    to_offset: int
    consumed: int
    applied: int
    duplicate: int
    dead_lettered: int
    current_to: datetime
    watermark: datetime | None
    revision: int


_REGISTER = """
-- register: every partition has a row before any is counted, so that none is overlooked.
INSERT INTO positions (partition, next_offset, epoch, owner, log_id, current_to, updated_at)
SELECT partition, -1, 0, '', $2, to_timestamp(0), now() FROM unnest($1::int[]) AS partition ORDER BY 1
ON CONFLICT (partition) DO NOTHING
"""

_TAKE_OVER = """
-- take_over: raise the epoch, which fences the owner before, and say where to go on; not for another log.
UPDATE positions SET
    epoch = epoch + 1, owner = $3, updated_at = now(),
    next_offset = CASE WHEN next_offset < 0 THEN $2 ELSE next_offset END
WHERE partition = $1 AND log_id = $4
RETURNING partition, next_offset, epoch
"""

_MOVE = """
-- move: the compare-and-set that makes counting exactly once; rows that moved in the meantime stay away.
WITH asked AS (
    SELECT * FROM unnest(
        $1::int[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[],
        $8::bigint[], $9::timestamptz[], $10::timestamptz[], $11::bigint[]
    ) AS a (partition, epoch, from_offset, to_offset, consumed, applied, duplicate, dead_lettered,
            current_to, watermark, revision)
), locked AS (
    SELECT p.partition FROM positions p JOIN asked a USING (partition)
    WHERE p.epoch = a.epoch AND p.next_offset = a.from_offset AND p.revision <= a.revision
    ORDER BY p.partition FOR UPDATE OF p
)
UPDATE positions p SET
    next_offset = a.to_offset,
    consumed = p.consumed + a.consumed,
    applied = p.applied + a.applied,
    duplicate = p.duplicate + a.duplicate,
    dead_lettered = p.dead_lettered + a.dead_lettered,
    current_to = greatest(p.current_to, a.current_to),
    watermark = greatest(p.watermark, a.watermark),
    revision = a.revision,
    updated_at = now()
FROM asked a JOIN locked USING (partition)
WHERE p.partition = a.partition AND p.epoch = a.epoch AND p.next_offset = a.from_offset
  AND p.revision <= a.revision
RETURNING p.partition
"""

_HOLD = """
-- hold: no flush of a partition while its owner takes back what an earlier one has counted.
SELECT next_offset FROM positions WHERE partition = $1 AND epoch = $2 FOR UPDATE
"""

_LOCK = """
-- lock_positions: no partition is registered meanwhile; rows that are not there yet cannot be held.
LOCK TABLE positions IN SHARE MODE
"""

_HOLD_ALL = """
-- hold_all: no flush at all while rows of every shard are replaced.
SELECT partition, greatest(next_offset, 0) AS next_offset FROM positions ORDER BY partition FOR UPDATE
"""

_MOVED = (
    "partition", "epoch", "from_offset", "to_offset", "consumed", "applied", "duplicate", "dead_lettered",
    "current_to", "watermark", "revision",
)  # fmt: skip
"""The parameters of `move`, in order."""


async def register(connection: asyncpg.Connection, partitions: int, *, log_id: str) -> None:
    """Make sure that each of the clean topic's *partitions* has a row."""
    await connection.execute(_REGISTER, list(range(partitions)), log_id)


async def take_over(
    connection: asyncpg.Connection, partition: int, *, owner: str, first_offset: int, log_id: str
) -> Position:
    """Become the owner of *partition*; whoever owned it before can no longer move it.

    Args:
        connection: of the driver.
        partition: of the clean topic.
        owner: how operators recognise this process.
        first_offset: where to begin when nobody has counted the partition yet.
        log_id: what identifies the topic's log; kept from its registration on.

    Raises:
        ForeignLogError: the partition is not registered for that log; nothing is changed.
    """
    row = await connection.fetchrow(_TAKE_OVER, partition, first_offset, owner, log_id)
    if row is None:
        raise ForeignLogError(
            f"the position of partition {partition} belongs to another cluster than {log_id}"
        )
    return Position(**row)


async def hold(connection: asyncpg.Connection, partition: int, *, epoch: int) -> None:
    """Keep *partition* where it is until the transaction ends: nobody else writes under its shard.

    Raises:
        FencedError: it has another owner.
    """
    if await connection.fetchval(_HOLD, partition, epoch) is None:
        raise FencedError(frozenset([partition]))


async def hold_all(connection: asyncpg.Connection) -> dict[int, int]:
    """Keep every partition where it is until the transaction ends, and let none come; where each is."""
    await connection.execute(_LOCK)
    return {row["partition"]: row["next_offset"] for row in await connection.fetch(_HOLD_ALL)}


async def move(connection: asyncpg.Connection, moves: Sequence[Move]) -> None:
    """Move every partition of *moves*; the first statement of a flush.

    Raises:
        FencedError: some had another owner or offset; roll back and let go of them.
    """
    columns = ([getattr(m, name) for m in moves] for name in _MOVED)
    moved = {row["partition"] for row in await connection.fetch(_MOVE, *columns)}
    lost = frozenset(m.partition for m in moves) - moved
    if lost:
        raise FencedError(lost)
