"""Forgetting alerts of long ago: transitions and what was told of them; states and open notices stay.

Functions take the connection and never commit.
"""

from datetime import timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

_FORGET = {
    "notices": text("""
-- forget_notices: delivered or given up long ago.
DELETE FROM outbox WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM outbox WHERE coalesce(delivered_at, abandoned_at) < now() - CAST(:kept AS interval)
    LIMIT CAST(:at_most AS bigint)
))
"""),
    "transitions": text("""
-- forget_transitions: all but the last of each alert, of which its state is made.
DELETE FROM alert_transitions WHERE ctid = ANY (ARRAY(
    SELECT t.ctid FROM alert_transitions t JOIN alerts a USING (alert_id)
    WHERE t.at < now() - CAST(:kept AS interval) AND t.transition < a.transition
    LIMIT CAST(:at_most AS bigint)
))
"""),
}

TIERS = tuple(_FORGET)
"""What is forgotten, by name."""


async def forget(conn: AsyncConnection, tier: str, *, kept: timedelta, at_most: int) -> int:
    """Delete at most *at_most* rows of *tier* that are older than *kept*, and say how many it were."""
    found = await conn.execute(_FORGET[tier], {"kept": kept, "at_most": at_most})
    return found.rowcount
