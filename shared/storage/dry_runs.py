"""What is known of an event before it is sent: copies, retractions, room for series; it writes nothing."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import text

from shared.contracts.series import overflow_text
from shared.storage.replays import Snapshot
from shared.storage.series import SeriesLimits

_PARTITIONS = text("""
-- partition_count: how many partitions the clean topic has, as far as they are counted.
SELECT coalesce(max(partition) + 1, 0) FROM positions
""")

_SEEN = text("""
-- seen_in: the newest flush within the horizon that saw an id; ids lie 16 bytes apart.
SELECT first_offset, next_offset FROM flushes
WHERE partition = :partition AND flushed_at > now() - CAST(:horizon AS interval) AND ids <> ''
  AND position(CAST(:key AS bytea) IN ids) % 16 = 1
ORDER BY next_offset DESC LIMIT 1
""")

_RETRACTED = text("""
-- retraction_of: whether the event with that key was retracted.
SELECT state FROM retractions WHERE partition = :partition AND key = :key
""")

_ROOM = text("""
-- series_room: how many series some measures have, and how many there are in all of those that are served.
SELECT measure_id, series_count,
       (SELECT sum(series_count) FROM measures
        WHERE strpos(fingerprint, '#') = 0 AND strpos(fingerprint, '~') = 0) AS in_all
FROM measures WHERE measure_id = ANY(CAST(:measure_ids AS bigint[]))
""")

_KNOWN = text("""
-- known_of: which of some combinations of dimension values have a series.
SELECT s.measure_id, s.dimensions FROM series s
JOIN unnest(CAST(:measure_ids AS bigint[]), CAST(:dimensions AS text[])) AS a (measure_id, dimensions)
USING (measure_id, dimensions)
""")


@dataclass(frozen=True, slots=True)
class Fate:
    """What is known of the event with a key.

    Attributes:
        seen_in: the offsets [first, until) of the flush that counted it; None where nobody remembers it.
        retraction: sought, undone or ahead; None where none has come.
    """

    partition: int
    seen_in: tuple[int, int] | None
    retraction: str | None


async def partition_count(connection: Snapshot) -> int:
    """How many partitions are counted; 0 before the first."""
    return int((await connection.execute(_PARTITIONS)).scalar_one())


async def fate_of(connection: Snapshot, partition: int, key: bytes, *, horizon: timedelta) -> Fate:
    """What is known of the event with the 16 bytes *key*, copies being remembered for the *horizon*."""
    given = {"partition": partition, "key": key}
    seen = (await connection.execute(_SEEN, {**given, "horizon": horizon})).first()
    state = (await connection.execute(_RETRACTED, given)).scalar_one_or_none()
    return Fate(partition, None if seen is None else (seen.first_offset, seen.next_offset), state)


async def admitted(
    connection: Snapshot, wanted: Collection[tuple[int, str]], *, limits: SeriesLimits
) -> Mapping[tuple[int, str], str]:
    """The series that each of *wanted*, a measure and a combination of values, would be counted under.

    It is the combination itself, or the overflow series where that is new and there is no room.
    """
    pairs = list(wanted)
    numbers, texts = [number for number, _ in pairs], [found for _, found in pairs]
    known = {
        (row.measure_id, row.dimensions)
        for row in await connection.execute(_KNOWN, {"measure_ids": numbers, "dimensions": texts})
    }
    rows = await connection.execute(_ROOM, {"measure_ids": numbers})
    room = {
        row.measure_id: min(limits.of_measure - row.series_count, limits.in_all - row.in_all) for row in rows
    }
    found, taken = dict[tuple[int, str], str](), 0
    for pair in pairs:
        is_admitted = pair in known or room.get(pair[0], 1) > taken
        taken += pair not in known and is_admitted
        found[pair] = pair[1] if is_admitted else overflow_text(pair[1])
    return found
