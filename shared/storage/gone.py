"""Series that have left the table of current values: told to who follows it, for a week at least."""

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.domain.readings import Dimensions


@dataclass(frozen=True, slots=True)
class Gone:
    """A series that is no longer among the current values.

    Attributes:
        revision: later than that of its last value, earlier than of a new one.
    """

    slug: str
    window: str
    dimensions: Dimensions
    revision: int


_GONE_SINCE = text("""
-- gone_since: what transactions from :cursor on have removed, and is not back.
SELECT g.slug, g."window", g.dimensions, g.revision FROM kpi_gone g
WHERE g.changed_in >= :cursor AND NOT EXISTS (
    SELECT FROM kpi_current c
    WHERE (c.slug, c."window", c.dimensions) = (g.slug, g."window", g.dimensions)
)
ORDER BY g.revision
""")

_FORGET = text("""
-- forget: what went a week ago and is published, where values are; the place of the last of it is kept.
WITH forgotten AS (
    DELETE FROM kpi_gone USING value_publication AS p
    WHERE gone_at < now() - interval '7 days' AND (changed_in < p.position OR p.position = 0)
    RETURNING changed_in
)
UPDATE kpi_gone_forgotten SET changed_in = greatest(changed_in, (SELECT max(changed_in) FROM forgotten))
WHERE EXISTS (SELECT FROM forgotten)
""")

_FORGOTTEN_UNTIL = text("SELECT changed_in FROM kpi_gone_forgotten")


async def gone_since(connection: AsyncConnection, cursor: int) -> list[Gone]:
    """What has gone in transactions from *cursor* on and is not back, oldest first."""
    rows = await connection.execute(_GONE_SINCE, {"cursor": cursor})
    return [Gone(*row) for row in rows]


async def forget(connection: AsyncConnection) -> None:
    """Drop what went more than a week ago and need not be published; who asks from before it begins anew."""
    await connection.execute(_FORGET)


async def forgotten_until(connection: AsyncConnection) -> int:
    """The position up to which not everything that went is known any more."""
    found: int = (await connection.execute(_FORGOTTEN_UNTIL)).scalar_one()
    return found
