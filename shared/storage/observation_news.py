"""News of event types, put in by type; every summary of the topic is put in once.

Functions take the connection and never commit.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.contracts.observations import fields_text, sketch_body, violations_text
from shared.contracts.topics import OBSERVATIONS
from shared.domain.errors import TryAgainError
from shared.domain.observations.rates import STRETCHES, floored
from shared.domain.observations.types import MAX_TYPES, Observed
from shared.storage.observations import SeenType, seen


class MovedOnError(TryAgainError):
    """Another process has put these summaries in already; go on from where it is."""


@dataclass(frozen=True, slots=True)
class News:
    """What is to be added of one type, told at one instant."""

    event_type: str
    observed: Observed
    at: datetime


_MOVE = text("""
-- move: only from where the summaries were read; whoever comes second finds nothing to move.
UPDATE observed_up_to SET next_offset = :until, other_events = other_events + :others
WHERE topic = :topic AND next_offset = :since
RETURNING next_offset
""")

_KNOWN = text("""
-- known: the types there are.
SELECT event_type FROM observed_types ORDER BY event_type
""")

_KEEP = text("""
-- keep: what is known of a type now.
INSERT INTO observed_types (event_type, events, sampled, flagged, rejected, fields, has_more_fields,
                            violations, first_seen_at, last_seen_at)
VALUES (:event_type, :events, :sampled, :flagged, :rejected, CAST(:fields AS jsonb), :has_more_fields,
        CAST(:violations AS jsonb), :first_seen_at, :last_seen_at)
ON CONFLICT (event_type) DO UPDATE SET
    events = excluded.events, sampled = excluded.sampled, flagged = excluded.flagged,
    rejected = excluded.rejected, fields = excluded.fields, has_more_fields = excluded.has_more_fields,
    violations = excluded.violations, first_seen_at = excluded.first_seen_at,
    last_seen_at = excluded.last_seen_at
""")

_KEEP_SKETCH = text("""
-- keep_sketch: of one field.
INSERT INTO observed_values (event_type, path, sketch) VALUES (:event_type, :path, :sketch)
ON CONFLICT (event_type, path) DO UPDATE SET sketch = excluded.sketch
""")

_FORGET_SKETCHES = text("""
-- forget_sketches: of fields that turned out to be personal.
DELETE FROM observed_values WHERE event_type = :event_type AND path = ANY(CAST(:paths AS text[]))
""")

_ADD_RATE = text("""
-- add_rate: events that arrived within one bucket.
INSERT INTO observed_rates (event_type, length_s, start_at, events)
VALUES (:event_type, :length_s, :start_at, :events)
ON CONFLICT (event_type, length_s, start_at) DO UPDATE SET events = observed_rates.events + excluded.events
""")

_FORGET_RATES = text("""
-- forget_rates: buckets that no stretch reaches any more.
DELETE FROM observed_rates WHERE length_s = :length_s AND start_at < :before
AND event_type = ANY(CAST(:types AS text[]))
""")


async def add(
    conn: AsyncConnection,
    news: Sequence[News],
    *,
    since: int,
    until: int,
    others: int,
    personal: Mapping[str, Sequence[str]],
) -> None:
    """Add *news*, which the summaries of offsets [*since*, *until*) tell.

    Args:
        conn: in a transaction of the caller's, who commits.
        news: what came, in order of time.
        since: the position they were read from.
        until: the position behind them.
        others: events of types that ingest itself had no room for.
        personal: fields that are declared personal, by type; what was kept of them is scrubbed.

    Raises:
        MovedOnError: the position is not *since* any more; nothing has been added.
    """
    moved = {"topic": OBSERVATIONS, "since": since, "until": until}
    kept, left_out = _with_room(news, set((await conn.execute(_KNOWN)).scalars()))
    if (await conn.execute(_MOVE, moved | {"others": others + left_out})).first() is None:
        raise MovedOnError(f"the observations before offset {since} have been put in by another process")
    types = sorted({each.event_type for each in kept})
    if not types:
        return
    before = {each.event_type: each for each in await seen(conn, types)}
    for event_type in types:
        own = [each for each in kept if each.event_type == event_type]
        await _keep(conn, before.get(event_type), own, personal.get(event_type, ()))
    await _add_rates(conn, kept, types)


def _with_room(news: Sequence[News], known: set[str]) -> tuple[list[News], int]:
    """Those of *news* whose types are, or can be, kept, and how many events the others tell of."""
    room = MAX_TYPES - len(known)
    strange = list(dict.fromkeys(each.event_type for each in news if each.event_type not in known))
    allowed = known | set(strange[: max(0, room)])
    left_out = sum(each.observed.events for each in news if each.event_type not in allowed)
    return [each for each in news if each.event_type in allowed], left_out


async def _keep(
    conn: AsyncConnection, before: SeenType | None, news: Sequence[News], personal: Sequence[str]
) -> None:
    event_type = news[0].event_type
    old = before.observed if before else Observed()
    now = old
    for each in news:
        now = now.merged(each.observed)
    now = now.scrubbed(personal)
    instants = [each.at for each in news] + ([before.first_seen_at, before.last_seen_at] if before else [])
    await conn.execute(
        _KEEP,
        {
            "event_type": event_type,
            "events": now.events,
            "sampled": now.sampled,
            "flagged": now.flagged,
            "rejected": now.rejected,
            "fields": fields_text(now.fields),
            "has_more_fields": now.has_more_fields,
            "violations": violations_text(now.violations),
            "first_seen_at": min(instants),
            "last_seen_at": max(instants),
        },
    )
    await _keep_sketches(conn, event_type, old, now)


async def _keep_sketches(conn: AsyncConnection, event_type: str, old: Observed, now: Observed) -> None:
    """Write those that have changed, for they are large; delete those of fields that were found personal."""
    bodies = {path: sketch_body(each.distinct) for path, each in now.fields.items()}
    known = {path: sketch_body(each.distinct) for path, each in old.fields.items()}
    rows = [
        {"event_type": event_type, "path": path, "sketch": body}
        for path, body in sorted(bodies.items())
        if body and body != known.get(path)
    ]
    if rows:
        await conn.execute(_KEEP_SKETCH, rows)
    gone = [path for path, body in known.items() if body and not bodies[path]]
    if gone:
        await conn.execute(_FORGET_SKETCHES, {"event_type": event_type, "paths": gone})


async def _add_rates(conn: AsyncConnection, news: Sequence[News], types: Sequence[str]) -> None:
    sums: dict[tuple[str, int, datetime], int] = {}
    for each in news:
        for stretch in STRETCHES:
            place = (each.event_type, round(stretch.bucket.total_seconds()), floored(each.at, stretch.bucket))
            sums[place] = sums.get(place, 0) + each.observed.events
    rows = [
        {"event_type": event_type, "length_s": length_s, "start_at": start_at, "events": events}
        for (event_type, length_s, start_at), events in sorted(sums.items())
        if events
    ]
    if rows:
        await conn.execute(_ADD_RATE, rows)
    newest = max(each.at for each in news)
    for stretch in STRETCHES:
        before = stretch.since(newest) - stretch.length
        length_s = round(stretch.bucket.total_seconds())
        await conn.execute(_FORGET_RATES, {"length_s": length_s, "before": before, "types": list(types)})
