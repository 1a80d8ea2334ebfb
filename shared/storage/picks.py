"""Picking a series and a time at random for a check, among those that something was counted for."""

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.contracts.series import OVERFLOW
from shared.domain.windows import Rung

_SERIES = text("""
-- pick_series: the series of a measure at a place between 0 and 1, unless it is about to be repaired. Of a
-- measure with an overflow only the total: nobody knows any more which event came before the limit.
WITH all_of_it AS (
    SELECT series_id, dimensions, row_number() OVER (ORDER BY series_id) AS place, count(*) OVER () AS many
    FROM series s
    WHERE measure_id = :measure_id AND (dimensions = '[]' OR NOT EXISTS (
        SELECT FROM series WHERE measure_id = :measure_id AND dimensions LIKE :overflow
    ))
)
SELECT series_id, dimensions FROM all_of_it
WHERE place = 1 + least(floor(CAST(:at AS float8) * many), many - 1)
  AND NOT EXISTS (SELECT FROM pane_repairs r WHERE r.series_id = all_of_it.series_id)
""")

_DAY = text("""
-- pick_day: the start of the day at a place between 0 and 1 of those that a series has counted anything on.
WITH days AS (
    SELECT start_us, row_number() OVER (ORDER BY start_us) AS place, count(*) OVER () AS many FROM (
        SELECT start_us FROM panes WHERE series_id = :series_id AND rung = :day AND start_us >= :since_us
        UNION
        SELECT start_us FROM pane_sketches
        WHERE series_id = :series_id AND rung = :day AND start_us >= :since_us
    ) AS d
)
SELECT start_us FROM days WHERE place = 1 + least(floor(CAST(:at AS float8) * many), many - 1)
""")


@dataclass(frozen=True, slots=True)
class PickedSeries:
    """A series of a measure."""

    series_id: int
    dimensions: str


async def pick_series(connection: AsyncConnection, measure_id: int, *, at: float) -> PickedSeries | None:
    """The series at the place *at*, 0 to 1, among those of a measure that can be checked; None of none."""
    asked = {"measure_id": measure_id, "at": at, "overflow": f'["{OVERFLOW}"%'}
    row = (await connection.execute(_SERIES, asked)).one_or_none()
    return None if row is None else PickedSeries(row.series_id, row.dimensions)


async def pick_day(connection: AsyncConnection, series_id: int, *, since_us: int, at: float) -> int | None:
    """The start of the day at the place *at*, 0 to 1, among those with panes from *since_us* on."""
    asked = {"series_id": series_id, "day": int(Rung.D1), "since_us": since_us, "at": at}
    return (await connection.execute(_DAY, asked)).scalar_one_or_none()
