"""Notices on their way out: queued with the change they tell of, claimed, and ticked off; it sends nothing.

Functions take the connection and never commit. Time is the database's.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import insert, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.contracts.alerts import encode_notice
from shared.domain.alert_changes import Change
from shared.storage.tables import NOW, outbox

ERROR_LENGTH = 500
"""How much of a receiver's excuse is kept for the operator."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A notice that is this deliverer's to send until its claim runs out.

    Attributes:
        payload: JSON; every attempt sends the same bytes.
        claim: the number that says whether the notice is still this deliverer's.
        attempts: how many have begun, this one included.
    """

    notice_id: str
    channel: str
    alert_id: str
    payload: str
    claim: int
    attempts: int


_CLAIM = text("""
-- claim: due notices whose alert has no earlier one open on the channel; due_at moves ahead meanwhile.
WITH due AS (
    SELECT o.notice_id FROM outbox o
    WHERE o.channel = :channel AND o.due_at <= now()
      AND o.delivered_at IS NULL AND o.abandoned_at IS NULL
      AND NOT EXISTS (
          SELECT FROM outbox e
          WHERE e.channel = o.channel AND e.alert_id = o.alert_id AND e.transition < o.transition
            AND e.delivered_at IS NULL AND e.abandoned_at IS NULL
      )
    ORDER BY o.due_at, o.notice_id LIMIT :at_most FOR UPDATE OF o SKIP LOCKED
)
UPDATE outbox o SET claim = o.claim + 1, attempts = o.attempts + 1, due_at = now() + :lasting
FROM due WHERE o.notice_id = due.notice_id AND o.channel = :channel
RETURNING o.notice_id, o.channel, o.alert_id, o.payload, o.claim, o.attempts
""")

_AGE = text("""
-- outbox_age: how long the oldest notice has been waiting.
SELECT coalesce(extract(epoch FROM now() - min(created_at)), 0)::float FROM outbox
WHERE delivered_at IS NULL AND abandoned_at IS NULL
""")


async def queue_notices(conn: AsyncConnection, changes: Iterable[Change], *, channels: Sequence[str]) -> None:
    """Queue a notice on each of *channels* for every change that people are told of."""
    rows = [
        {
            "notice_id": change.notice_id,
            "channel": channel,
            "alert_id": change.after.alert_id,
            "transition": change.after.transition,
            "payload": encode_notice(change),
        }
        for change in changes
        if change.is_notable
        for channel in channels
    ]
    if rows:
        await conn.execute(insert(outbox).values(created_at=NOW, due_at=NOW), rows)


async def claim_due(
    conn: AsyncConnection, channel: str, *, at_most: int, lasting: timedelta
) -> list[Claimed]:
    """Up to *at_most* due notices of *channel*, claimed for *lasting*; at most one of each alert."""
    rows = await conn.execute(_CLAIM, {"channel": channel, "at_most": at_most, "lasting": lasting})
    return [Claimed(*row) for row in rows]


async def mark_delivered(conn: AsyncConnection, claimed: Claimed) -> bool:
    """Tick *claimed* off; false when its claim had run out and somebody else has it."""
    return await _finish(conn, claimed, delivered_at=NOW, last_error=None)


async def postpone(conn: AsyncConnection, claimed: Claimed, *, wait: timedelta, error: str) -> bool:
    """Have *claimed* tried again after *wait*; false when somebody else has it."""
    return await _finish(conn, claimed, due_at=NOW + wait, last_error=error[:ERROR_LENGTH])


async def abandon(conn: AsyncConnection, claimed: Claimed, *, error: str) -> bool:
    """Give *claimed* up; false when somebody else has it."""
    return await _finish(conn, claimed, abandoned_at=NOW, last_error=error[:ERROR_LENGTH])


async def outbox_age_s(conn: AsyncConnection) -> float:
    """Seconds since the oldest open notice was queued; 0 without one."""
    age: float = (await conn.execute(_AGE)).scalar_one()
    return age


async def _finish(conn: AsyncConnection, claimed: Claimed, **values: object) -> bool:
    """Write the outcome, which only the deliverer with the last claim may."""
    mine = (
        (outbox.c.notice_id == claimed.notice_id)
        & (outbox.c.channel == claimed.channel)
        & (outbox.c.claim == claimed.claim)
    )
    written = await conn.execute(update(outbox).where(mine).values(values).returning(outbox.c.claim))
    return written.first() is not None
