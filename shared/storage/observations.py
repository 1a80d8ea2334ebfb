"""What was seen of event types, read; who puts it there is no concern here.

Functions take the connection and never commit.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.contracts.observations import fields_of, violations_in
from shared.contracts.topics import OBSERVATIONS
from shared.domain.observations.rates import STRETCHES, Arrived, Rates
from shared.domain.observations.types import Observed


@dataclass(frozen=True, slots=True)
class SeenType:
    """What was seen of one type, and when.

    Attributes:
        first_seen_at: when the first event arrived, by the clock of ingest.
        last_seen_at: when the last one did.
    """

    event_type: str
    observed: Observed
    first_seen_at: datetime
    last_seen_at: datetime


_POSITION = text("""
-- position: which summary comes next.
SELECT next_offset FROM observed_up_to WHERE topic = :topic
""")

_OTHER_EVENTS = text("""
-- other_events: of types for which there was no room.
SELECT other_events FROM observed_up_to WHERE topic = :topic
""")

_SEEN = text("""
-- seen: everything of some types; without types, of all. The texts are JSON with every digit.
SELECT event_type, events, sampled, flagged, rejected, has_more_fields, first_seen_at, last_seen_at,
       CAST(fields AS text) AS fields, CAST(violations AS text) AS violations
FROM observed_types WHERE CAST(:types AS text[]) IS NULL OR event_type = ANY(CAST(:types AS text[]))
ORDER BY event_type
""")

_SKETCHES = text("""
-- sketches: which values were met, by type and path.
SELECT event_type, path, sketch FROM observed_values WHERE event_type = ANY(CAST(:types AS text[]))
""")

_RATES = text("""
-- rates: the sum of the buckets of one stretch, by type.
SELECT event_type, CAST(sum(events) AS bigint) AS events FROM observed_rates
WHERE length_s = :length_s AND start_at >= :since GROUP BY event_type
""")


async def position(conn: AsyncConnection) -> int:
    """The offset of the first summary that is not in yet."""
    found: int = (await conn.execute(_POSITION, {"topic": OBSERVATIONS})).scalar_one()
    return found


async def other_events(conn: AsyncConnection) -> int:
    """How many events had types for which there was no room."""
    found: int = (await conn.execute(_OTHER_EVENTS, {"topic": OBSERVATIONS})).scalar_one()
    return found


async def seen(conn: AsyncConnection, types: Sequence[str] | None = None) -> list[SeenType]:
    """What was seen of *types*, or of all there are, by type; of all, without sketches."""
    rows = (await conn.execute(_SEEN, {"types": None if types is None else list(types)})).all()
    sketches = {} if types is None else await _sketches(conn, types)
    return [
        SeenType(
            event_type=row.event_type,
            observed=Observed(
                events=row.events,
                sampled=row.sampled,
                flagged=row.flagged,
                rejected=row.rejected,
                fields=fields_of(row.fields, sketches.get(row.event_type, {})),
                has_more_fields=row.has_more_fields,
                violations=violations_in(row.violations),
            ),
            first_seen_at=row.first_seen_at,
            last_seen_at=row.last_seen_at,
        )
        for row in rows
    ]


async def _sketches(conn: AsyncConnection, types: Iterable[str]) -> dict[str, dict[str, bytes]]:
    found: dict[str, dict[str, bytes]] = {}
    for row in await conn.execute(_SKETCHES, {"types": list(types)}):
        found.setdefault(row.event_type, {})[row.path] = row.sketch
    return found


async def rates(conn: AsyncConnection, *, now: datetime) -> dict[str, Rates]:
    """How many events of each type arrived lately; types without any within a day are left out."""
    found: dict[str, dict[str, Arrived]] = {}
    for stretch in STRETCHES:
        since = stretch.since(now)
        length_s = round(stretch.bucket.total_seconds())
        for row in await conn.execute(_RATES, {"length_s": length_s, "since": since}):
            found.setdefault(row.event_type, {})[stretch.name] = Arrived(row.events, since)
    return {event_type: no_rates(now) | each for event_type, each in found.items()}


def no_rates(now: datetime) -> dict[str, Arrived]:
    """The rates of a type of which nothing arrived."""
    return {stretch.name: Arrived(0, stretch.since(now)) for stretch in STRETCHES}
