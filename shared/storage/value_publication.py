"""Whose turn it is to publish current values, and up to where they are out; judged by the database's clock.

Functions take the connection and never commit.
"""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection


@dataclass(frozen=True, slots=True)
class Turn:
    """The right to publish what transactions from *position* on have changed, for as long as the lease lasts.

    Attributes:
        epoch: moves with every take-over.
    """

    epoch: int
    position: int


_TAKE = text("""
-- take: the lease, if it is this publisher's already or nobody's any more.
UPDATE value_publication SET holder = :holder, expires_at = now() + :lasting,
    epoch = CASE WHEN holder = :holder THEN epoch ELSE epoch + 1 END
WHERE holder = :holder OR expires_at <= now()
RETURNING epoch, position
""")

_ADVANCE = text("""
-- advance: only where the turn is still the same and nobody has asked for an earlier position.
UPDATE value_publication SET position = :next
WHERE holder = :holder AND epoch = :epoch AND position = :position
RETURNING position
""")

_REWIND = text("""
-- rewind: whoever publishes goes on from there, or from where it is if that is earlier.
UPDATE value_publication SET position = least(position, :position)
""")

_RELEASE = text("""
-- release: another publisher may take over at once.
UPDATE value_publication SET holder = '', expires_at = now() WHERE holder = :holder
""")


async def take(conn: AsyncConnection, holder: str, *, lasting: timedelta) -> Turn | None:
    """The turn of *holder* for *lasting* from now; None while it is another's."""
    row = (await conn.execute(_TAKE, {"holder": holder, "lasting": lasting})).first()
    return None if row is None else Turn(*row)


async def advance(conn: AsyncConnection, holder: str, turn: Turn, *, position: int) -> bool:
    """Note that everything before *position* is out; false if *turn* is over or was rewound."""
    parameters = {"holder": holder, "epoch": turn.epoch, "position": turn.position, "next": position}
    return (await conn.execute(_ADVANCE, parameters)).first() is not None


async def rewind(conn: AsyncConnection, *, position: int) -> None:
    """Have everything from *position* on published again, by whoever's turn it is."""
    await conn.execute(_REWIND, {"position": position})


async def release(conn: AsyncConnection, holder: str) -> None:
    """Let go of the turn, if *holder* has it."""
    await conn.execute(_RELEASE, {"holder": holder})
