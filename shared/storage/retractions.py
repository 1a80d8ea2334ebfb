"""Retractions from their arrival until nothing of their event is counted; it never commits.

Of the retractions of one event there is one row, whatever process registers it again: its state is changed
once, by whoever finds it still sought.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import asyncpg


@dataclass(frozen=True, slots=True)
class Retraction:
    """One that is new.

    Attributes:
        key: of the event that is retracted; 16 bytes.
        offset: of the retraction itself.
        retracted_at: when it reached the clean topic.
        is_settled: its event lies in the same flush and was never counted.
        lies_from: the event lies at or after this offset, in the same flush; None where nobody remembers it.
    """

    partition: int
    key: bytes
    offset: int
    retracted_at: datetime
    is_settled: bool
    lies_from: int | None


@dataclass(frozen=True, slots=True)
class Sought:
    """One whose event is to be found and undone."""

    partition: int
    key: bytes
    offset: int
    retracted_at: datetime
    lies_from: int | None


_REGISTER = """
-- register: retractions met for the first time; a row that is there keeps its state.
INSERT INTO retractions (partition, key, "offset", retracted_at, state, lies_from, settled_at)
SELECT partition, key, "offset", retracted_at, CASE WHEN is_settled THEN 'ahead' ELSE 'sought' END, lies_from,
       CASE WHEN is_settled THEN now() END
FROM unnest(
    $1::int[], $2::bytea[], $3::bigint[], $4::timestamptz[], $5::bool[], $6::bigint[]
) AS r (partition, key, "offset", retracted_at, is_settled, lies_from)
ORDER BY partition, key
ON CONFLICT (partition, key) DO NOTHING
"""

_RETRACTED = """
-- retracted: the keys of the newest retractions of a partition, oldest first, as one value.
SELECT coalesce(string_agg(key, '' ORDER BY "offset"), '') FROM (
    SELECT key, "offset" FROM retractions WHERE partition = $1 ORDER BY "offset" DESC LIMIT $2
) AS r
"""

_SOUGHT = """
-- sought: retractions whose event is still counted, as far as anybody knows; oldest first.
SELECT partition, key, "offset", retracted_at, lies_from FROM retractions
WHERE state = 'sought' AND partition = ANY($1::int[]) AND (lies_from IS NOT NULL) = $2
ORDER BY partition, "offset" LIMIT $3
"""

_SETTLE = """
-- settle: the state is changed by the one who finds it sought; the others change nothing.
WITH found AS (
    SELECT r.partition, r.key, f.undone_offset FROM retractions r
    JOIN unnest($2::bytea[], $3::bigint[]) AS f (key, undone_offset) USING (key)
    WHERE r.partition = $1 AND r.state = 'sought' ORDER BY r.key FOR UPDATE OF r
)
UPDATE retractions r SET
    state = CASE WHEN found.undone_offset IS NULL THEN 'ahead' ELSE 'undone' END,
    undone_offset = found.undone_offset, settled_at = now()
FROM found WHERE r.partition = found.partition AND r.key = found.key
RETURNING r.key
"""

_LOSE = """
-- lose: whoever remembered where the event lies was wrong; the whole log is to be looked through.
UPDATE retractions SET lies_from = NULL WHERE partition = $1 AND key = ANY($2::bytea[]) AND state = 'sought'
"""

_COUNT = """
-- count_sought: how many events are still to be undone, of all partitions.
SELECT count(*) FROM retractions WHERE state = 'sought'
"""

_FORGET = """
-- forget: settled retractions whose events no pane holds any more.
DELETE FROM retractions WHERE partition = $1 AND settled_at < now() - $2::interval
"""


async def register(connection: asyncpg.Connection, retractions: Sequence[Retraction]) -> None:
    """Note *retractions*; part of the transaction that moves the positions past them."""
    columns = zip(
        *((r.partition, r.key, r.offset, r.retracted_at, r.is_settled, r.lies_from) for r in retractions),
        strict=True,
    )
    await connection.execute(_REGISTER, *columns)


async def retracted(connection: asyncpg.Connection, partition: int, *, most: int) -> bytes:
    """The keys of the newest *most* retractions of *partition*, oldest first, one after the other."""
    keys: bytes = await connection.fetchval(_RETRACTED, partition, most)
    return keys


async def sought(
    connection: asyncpg.Connection, partitions: Collection[int], *, is_placed: bool, most: int
) -> list[Sought]:
    """At most *most* retractions of *partitions* whose event is to be undone, oldest first in each.

    Args:
        connection: of the driver.
        partitions: whose retractions are asked for.
        is_placed: those of which somebody remembers where their event lies, or the others.
        most: a bound.
    """
    return [Sought(**row) for row in await connection.fetch(_SOUGHT, sorted(partitions), is_placed, most)]


async def lose(connection: asyncpg.Connection, partition: int, keys: Collection[bytes]) -> None:
    """Note that the events of *keys* do not lie where they were remembered."""
    await connection.execute(_LOSE, partition, list(keys))


async def count_sought(connection: asyncpg.Connection) -> int:
    """How many events are still to be undone."""
    found: int = await connection.fetchval(_COUNT)
    return found


async def settle(
    connection: asyncpg.Connection, partition: int, undone: Mapping[bytes, int | None]
) -> set[bytes]:
    """Note which event was undone for each key, None being none; the keys that were still sought.

    The partition's position must be locked: its owner alone settles. A key that is not returned has been
    settled before, so nothing of it may be undone again: roll back.
    """
    rows = await connection.fetch(_SETTLE, partition, list(undone), list(undone.values()))
    return {row["key"] for row in rows}


async def forget(connection: asyncpg.Connection, partition: int, *, retention: timedelta) -> None:
    """Drop the settled retractions of *partition* that are older than *retention*."""
    await connection.execute(_FORGET, partition, retention)
