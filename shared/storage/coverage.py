"""Which records of a partition were counted into which measures, live or by a backfill; it never commits."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import asyncpg

_REVISION = """
-- hold_catalogue: definitions do not change, nor do backfills end, before this transaction does.
SELECT revision FROM catalogue FOR SHARE
"""

_LIVE = """
-- live_from: where live counting of a partition into measures began.
SELECT measure_id, from_offset FROM activations WHERE partition = $1 AND measure_id = ANY($2::bigint[])
"""

_FILLED = """
-- filled_to: how far backfills have counted a partition; none of them goes on before this transaction ends.
SELECT m.measure_id, c.first_offset, c.next_offset
FROM backfill_cursors c JOIN backfill_measures m USING (backfill_id)
WHERE c.partition = $1 AND m.measure_id = ANY($2::bigint[])
ORDER BY c.backfill_id FOR SHARE OF c
"""

_END = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Coverage:
    """The stretches [first, until) of one partition that are counted into each measure."""

    stretches: Mapping[int, Collection[tuple[int, int]]]

    def counts(self, measure_id: int, offset: int) -> bool:
        """Whether the record at *offset*, which has been passed, is counted into the measure if it counts."""
        return any(first <= offset < until for first, until in self.stretches.get(measure_id, ()))


async def hold_catalogue(connection: asyncpg.Connection) -> int:
    """The revision of the catalogue, which stays in force until the transaction ends."""
    revision: int = await connection.fetchval(_REVISION)
    return revision


async def hold_coverage(
    connection: asyncpg.Connection, partition: int, measure_ids: Collection[int]
) -> Coverage:
    """What *partition* has added to *measure_ids*; it stays so until the transaction ends.

    The partition's position must be locked: with it live counting stands still, as backfills do from here on.
    """
    found: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for row in await connection.fetch(_LIVE, partition, list(measure_ids)):
        found[row["measure_id"]].append((row["from_offset"], _END))
    for row in await connection.fetch(_FILLED, partition, list(measure_ids)):
        found[row["measure_id"]].append((row["first_offset"], row["next_offset"]))
    return Coverage(found)
