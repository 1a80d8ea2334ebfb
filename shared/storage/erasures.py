"""What Postgres knows about events to be erased: which are taken back already, and where a name stands.

Functions take the connection and never commit.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.domain.definitions import Catalogue

_RETRACTED = text("""
-- already_retracted: of these keys those whose event was taken back, or is about to be.
SELECT key FROM retractions WHERE key = ANY(CAST(:keys AS bytea[]))
""")

_NAMED = text("""
-- named: measures with series that are told apart by this very text.
SELECT DISTINCT measure_id FROM series
WHERE measure_id = ANY(CAST(:measure_ids AS bigint[])) AND CAST(dimensions AS jsonb) ? CAST(:name AS text)
ORDER BY 1
""")


@dataclass(frozen=True, slots=True)
class Breakdown:
    """A breakdown of a KPI."""

    slug: str
    names: tuple[str, ...]


async def already_retracted(conn: AsyncConnection, keys: Collection[bytes]) -> frozenset[bytes]:
    """Those of *keys*, of events, that a retraction has reached Postgres for."""
    rows = await conn.execute(_RETRACTED, {"keys": list(keys)})
    return frozenset(rows.scalars())


async def named_series(conn: AsyncConnection, catalogue: Catalogue, name: str) -> Sequence[Breakdown]:
    """The breakdowns of KPIs in force that have a series in which *name* is a dimension's value."""
    of_measure: dict[int, list[Breakdown]] = {}
    for slug, kpi in catalogue.kpis.items():
        for measure in kpi.measures():
            if measure.breakdown:
                breakdown = Breakdown(slug, measure.breakdown)
                of_measure.setdefault(catalogue.measure_ids[measure.fingerprint], []).append(breakdown)
    rows = await conn.execute(_NAMED, {"measure_ids": list(of_measure), "name": name})
    return [breakdown for measure_id in rows.scalars() for breakdown in of_measure[measure_id]]
