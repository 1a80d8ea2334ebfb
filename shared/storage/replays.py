"""Which records of the log counted, as known at some time: from the flushes, retractions and activations.

It reads no log. Functions take a connection whose transaction has one snapshot.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.domain.calendars import as_datetime

Snapshot = AsyncConnection
"""A connection whose transaction has one snapshot: panes, positions and flushes of it belong together."""


@dataclass(frozen=True, slots=True)
class KnownAt:
    """What had been counted at an instant of the database's clock."""

    at: datetime


@dataclass(frozen=True, slots=True)
class KnownUpTo:
    """What has been counted below an offset of each partition, those left out not at all."""

    offsets: Mapping[int, int]


Known = KnownAt | KnownUpTo


@dataclass(frozen=True, slots=True)
class Stretch:
    """Offsets [first_offset, until_offset) of a partition, of which those in *silent* count nothing."""

    partition: int
    first_offset: int
    until_offset: int
    silent: frozenset[int]

    def __len__(self) -> int:
        return self.until_offset - self.first_offset


_BRIDGED = 2000
"""A gap of so many records is read too: that costs less than to ask for what follows it."""

_ALL = 2**63 - 1

_STRETCHES = text("""
-- stretches: the flushes known that may hold events of some intervals, those close together as one.
WITH found AS (
    SELECT f.partition, f.first_offset, least(f.next_offset, coalesce(c.until, :otherwise)) AS until
    FROM flushes f
    LEFT JOIN unnest(CAST(:partitions AS int[]), CAST(:untils AS bigint[])) AS c (partition, until)
        USING (partition)
    WHERE f.first_time IS NOT NULL
      AND tstzrange(f.first_time, f.last_time, '[]') && CAST(CAST(:times AS text) AS tstzmultirange)
      AND f.flushed_at <= :known_at AND f.first_offset < coalesce(c.until, :otherwise)
), apart AS (
    SELECT *, first_offset - lag(until, 1, first_offset)
        OVER (PARTITION BY partition ORDER BY first_offset) > :bridged AS begins FROM found
), numbered AS (
    SELECT *, count(*) FILTER (WHERE begins) OVER (PARTITION BY partition ORDER BY first_offset) AS number
    FROM apart
)
SELECT partition, min(first_offset) AS first_offset, max(until) AS until FROM numbered
GROUP BY partition, number ORDER BY 1, 2
""")

_SILENT = text("""
-- silent: the offsets within stretches that count nothing, or no longer did at a time.
WITH s AS (
    SELECT * FROM unnest(CAST(:partitions AS int[]), CAST(:firsts AS bigint[]), CAST(:untils AS bigint[]))
        AS s (partition, first_offset, until)
)
SELECT s.partition, s.first_offset, o.skipped AS silent
FROM s JOIN flushes f
    ON f.partition = s.partition AND f.next_offset > s.first_offset AND f.first_offset < s.until
CROSS JOIN LATERAL unnest(f.skipped) AS o (skipped)
WHERE o.skipped >= s.first_offset AND o.skipped < s.until
UNION ALL
SELECT s.partition, s.first_offset, r.undone_offset
FROM s JOIN retractions r
    ON r.partition = s.partition AND r.undone_offset >= s.first_offset AND r.undone_offset < s.until
WHERE r.state = 'undone' AND r.settled_at <= :known_at
""")

_BEGINNINGS = text("""
-- beginnings: the first offset of each partition that measures count.
SELECT measure_id, partition, from_offset FROM activations
WHERE measure_id = ANY(CAST(:measure_ids AS bigint[]))
""")

_REACHED = text("""
-- reached: how far each partition had been counted at a time, and how far it is now.
SELECT p.partition, p.next_offset, coalesce(f.next_offset, 0) AS reached
FROM positions p LEFT JOIN LATERAL (
    SELECT next_offset FROM flushes
    WHERE partition = p.partition AND flushed_at <= :known_at
    ORDER BY flushed_at DESC, next_offset DESC LIMIT 1
) AS f ON true
""")

_SOUGHT = text("""
-- sought_then: the arrival of the oldest retraction that had not been settled at a time.
SELECT min(retracted_at) FROM retractions
WHERE retracted_at <= :known_at AND (settled_at IS NULL OR settled_at > :known_at)
""")

_POSITIONS = text("""
-- counted_offsets: how far each partition is counted.
SELECT partition, greatest(next_offset, 0) AS next_offset FROM positions ORDER BY partition
""")

_SERIES = text("""
-- series_known: every combination of dimension values that measures keep a series of.
SELECT measure_id, dimensions FROM series WHERE measure_id = ANY(CAST(:measure_ids AS bigint[]))
""")

_FOR_EVER = as_datetime(2**53)
"""Later than any clock that matters says."""


async def stretches(
    connection: AsyncConnection, intervals: Collection[tuple[datetime, datetime]], known: Known
) -> list[Stretch]:
    """Where the log may hold events of any of *intervals* [start, end) that count, by partition and offset.

    Events of other times lie there as well; no offset lies in two stretches.
    """
    times = ",".join(f"[{start.isoformat()},{end.isoformat()})" for start, end in intervals)
    limits = _limits(known)
    parameters = {"times": f"{{{times}}}", "bridged": _BRIDGED, **limits}
    rows = (await connection.execute(_STRETCHES, parameters)).all()
    bounds = [(row.partition, row.first_offset, row.until) for row in rows]
    return await _with_silent(connection, bounds, limits["known_at"])


async def stretch(
    connection: AsyncConnection, partition: int, first_offset: int, until_offset: int, known: Known
) -> Stretch:
    """The offsets [*first_offset*, *until_offset*) with those that count nothing."""
    bounds = [(partition, first_offset, until_offset)]
    return (await _with_silent(connection, bounds, _limits(known)["known_at"]))[0]


def _limits(known: Known) -> dict[str, object]:
    if isinstance(known, KnownAt):
        return {"known_at": known.at, "partitions": [], "untils": [], "otherwise": _ALL}
    return {
        "known_at": _FOR_EVER,
        "partitions": list(known.offsets),
        "untils": list(known.offsets.values()),
        "otherwise": 0,
    }


async def _with_silent(
    connection: AsyncConnection, bounds: Sequence[tuple[int, int, int]], known_at: object
) -> list[Stretch]:
    if not bounds:
        return []
    partitions, firsts, untils = map(list, zip(*bounds, strict=True))
    parameters = {"partitions": partitions, "firsts": firsts, "untils": untils, "known_at": known_at}
    silent: dict[tuple[int, int], set[int]] = defaultdict(set)
    for row in await connection.execute(_SILENT, parameters):
        silent[row.partition, row.first_offset].add(row.silent)
    return [
        Stretch(partition, first, until, frozenset(silent[partition, first]))
        for partition, first, until in bounds
    ]


async def beginnings(connection: AsyncConnection, measure_ids: Collection[int]) -> dict[int, dict[int, int]]:
    """The first offset of each partition that each of *measure_ids* counts; none where it counts nothing."""
    found: dict[int, dict[int, int]] = {measure_id: {} for measure_id in measure_ids}
    for row in await connection.execute(_BEGINNINGS, {"measure_ids": list(measure_ids)}):
        found[row.measure_id][row.partition] = row.from_offset
    return found


async def known_series(
    connection: AsyncConnection, measure_ids: Collection[int]
) -> dict[int, frozenset[str]]:
    """The series of each of *measure_ids*; everything else that they count is in their overflow."""
    found: dict[int, set[str]] = {measure_id: set() for measure_id in measure_ids}
    for row in await connection.execute(_SERIES, {"measure_ids": list(measure_ids)}):
        found[row.measure_id].add(row.dimensions)
    return {measure_id: frozenset(texts) for measure_id, texts in found.items()}


async def counted_offsets(connection: AsyncConnection) -> dict[int, int]:
    """The first offset of each partition that is not counted yet."""
    return {row.partition: row.next_offset for row in await connection.execute(_POSITIONS)}


@dataclass(frozen=True, slots=True)
class Uncounted:
    """What was missing at a time.

    Attributes:
        offsets: of partitions with records that have been counted only since, the first of them and the
            present position.
        sought_since: the arrival of the oldest retraction that had no effect yet; None without one.
    """

    offsets: Mapping[int, tuple[int, int]]
    sought_since: datetime | None


async def uncounted_at(connection: AsyncConnection, known: KnownAt) -> Uncounted:
    """What had arrived and was not counted, by what is known of it now."""
    rows = (await connection.execute(_REACHED, {"known_at": known.at})).all()
    offsets = {row.partition: (row.reached, row.next_offset) for row in rows if row.reached < row.next_offset}
    sought = (await connection.execute(_SOUGHT, {"known_at": known.at})).scalar_one()
    return Uncounted(offsets, sought)
