"""From which offset on each partition counts into a measure; written with the flush that begins it."""

from collections.abc import Mapping, Sequence

import asyncpg

_ACTIVATE = """
-- activate: the first flush that knows a measure says where its counting began.
INSERT INTO activations (measure_id, partition, from_offset, activated_at)
SELECT m.measure_id, p.partition, p.from_offset, now()
FROM unnest($1::bigint[]) AS m (measure_id), unnest($2::int[], $3::bigint[]) AS p (partition, from_offset)
ON CONFLICT (measure_id, partition) DO NOTHING
"""


async def activate(
    connection: asyncpg.Connection, measure_ids: Sequence[int], from_offsets: Mapping[int, int]
) -> None:
    """Note that *measure_ids* are counted from these offsets on, where it was not noted before."""
    if measure_ids:
        await connection.execute(
            _ACTIVATE, list(measure_ids), list(from_offsets), list(from_offsets.values())
        )
