"""Turns that processes take at work outside of the database, so that no two do it at a time."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

TELL_EVENT_TYPES = 7403891
"""Telling ingest what is declared of event types: a slow writer would put old ones over new ones."""

_WAIT = text("""
-- wait: until whoever has this turn ends the transaction, or loses the connection.
SELECT pg_advisory_xact_lock(:turn)
""")


async def take_turn(connection: AsyncConnection, turn: int) -> None:
    """Wait for *turn* and keep it until the transaction ends.

    Raises:
        StoreUnavailableError: somebody has had it for longer than the engine waits for locks.
    """
    await connection.execute(_WAIT, {"turn": turn})
