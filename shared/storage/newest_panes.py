"""When the last event of each measure was, as finely as the panes that are kept tell.

Functions take the connection and never commit.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.domain.definitions import Catalogue
from shared.domain.freshness import LastEvent, last_event
from shared.domain.windows import Rung
from shared.storage.completeness import Completeness, completeness

_NEWEST = text("""
-- newest_panes: of the total of each measure the pane that begins last; the finest of those that do.
SELECT s.measure_id, newest.rung, newest.start_us
FROM series s CROSS JOIN LATERAL (
    SELECT found.rung, found.start_us
    FROM unnest(CAST(:rungs AS smallint[])) AS r (rung) CROSS JOIN LATERAL (
        (SELECT p.rung, p.start_us FROM panes p
         WHERE p.series_id = s.series_id AND p.rung = r.rung AND p.n > 0 ORDER BY p.start_us DESC LIMIT 1)
        UNION ALL
        (SELECT p.rung, p.start_us FROM pane_sketches p
         WHERE p.series_id = s.series_id AND p.rung = r.rung AND p.n > 0 ORDER BY p.start_us DESC LIMIT 1)
    ) AS found
    ORDER BY found.start_us DESC, found.rung LIMIT 1
) AS newest
WHERE s.measure_id = ANY(CAST(:measure_ids AS bigint[])) AND s.dimensions = '[]'
""")


@dataclass(frozen=True, slots=True)
class Counted:
    """What has been counted.

    Attributes:
        last: by KPI of events; None where no event has counted yet.
    """

    completeness: Completeness
    last: Mapping[str, LastEvent | None]


async def counted(conn: AsyncConnection, catalogue: Catalogue, slugs: Collection[str]) -> Counted:
    """How far the KPIs of events *slugs* are counted, and when their last events were."""
    totals = {slug: catalogue.measure_ids[catalogue.kpis[slug].measures()[0].fingerprint] for slug in slugs}
    asked = {"measure_ids": list(totals.values()), "rungs": [int(rung) for rung in Rung]}
    found = {row.measure_id: row for row in await conn.execute(_NEWEST, asked)}
    last: dict[str, LastEvent | None] = dict.fromkeys(slugs)
    for slug, measure_id in totals.items():
        if row := found.get(measure_id):
            last[slug] = last_event(Rung(row.rung), row.start_us, catalogue.kpis[slug].zone)
    return Counted(await completeness(conn, list(totals.values())), last)
