"""What people are told about backfills: what each is for, and how far it has come; it changes nothing."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.storage.backfills import BackfillState, UnknownBackfillError

_REPORTS = text("""
-- reports: every backfill, or one, with the sums over its partitions.
SELECT b.backfill_id, b.wanted, b.state, b.rate_limit, b.error, b.created_at, b.finished_at,
       (SELECT count(*) FROM backfill_measures m WHERE m.backfill_id = b.backfill_id) AS measures,
       (SELECT count(*) FROM positions) AS partitions,
       count(c.partition) AS handed_over,
       coalesce(sum(c.next_offset - c.first_offset), 0)::bigint AS passed,
       coalesce(sum(c.until_offset - c.first_offset), 0)::bigint AS passing,
       coalesce(sum(c.counted), 0)::bigint AS counted,
       coalesce(sum(c.unfit), 0)::bigint AS unfit
FROM backfills b LEFT JOIN backfill_cursors c USING (backfill_id)
WHERE CAST(:backfill_id AS bigint) IS NULL OR b.backfill_id = :backfill_id
GROUP BY b.backfill_id ORDER BY b.backfill_id DESC LIMIT :most
""")

_HAS_WORK = text("""
-- has_work: a backfill that some of these partitions have to go on with, or that none is left of.
SELECT EXISTS (
    SELECT FROM backfills b WHERE b.state = 'running' AND (
        EXISTS (
            SELECT FROM unnest(CAST(:partitions AS int[])) AS mine (partition)
            LEFT JOIN backfill_cursors c ON c.partition = mine.partition AND c.backfill_id = b.backfill_id
            WHERE c.partition IS NULL OR c.next_offset < c.until_offset
        ) OR NOT EXISTS (
            SELECT FROM positions p
            LEFT JOIN backfill_cursors c ON c.partition = p.partition AND c.backfill_id = b.backfill_id
            WHERE c.partition IS NULL OR c.next_offset < c.until_offset
        )
    )
)
""")

MOST = 100
"""As many of the newest are listed."""


@dataclass(frozen=True, slots=True)
class BackfillReport:
    """A backfill as it stands.

    Attributes:
        slugs: the KPIs that it fills.
        applies: whether their definitions are put in force at the end.
        handed_over: of how many of the partitions live counting has begun, so that their stretch is known.
        passed: offsets behind it.
        passing: offsets in all, as far as known.
        counted: events counted.
        unfit: events left out of a measure because their value does not fit.
    """

    backfill_id: int
    slugs: tuple[str, ...]
    applies: bool
    state: BackfillState
    rate_limit: int | None
    error: str | None
    created_at: datetime
    finished_at: datetime | None
    measures: int
    partitions: int
    handed_over: int
    passed: int
    passing: int
    counted: int
    unfit: int

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen to it by itself."""
        return self.state is not BackfillState.RUNNING


async def backfill_report(conn: AsyncConnection, backfill_id: int) -> BackfillReport:
    """One backfill.

    Raises:
        UnknownBackfillError: there is none of that number.
    """
    row = (await conn.execute(_REPORTS, {"backfill_id": backfill_id, "most": 1})).one_or_none()
    if row is None:
        raise UnknownBackfillError(backfill_id)
    return _report(row)


async def backfill_reports(conn: AsyncConnection) -> list[BackfillReport]:
    """The newest backfills, the newest first."""
    rows = (await conn.execute(_REPORTS, {"backfill_id": None, "most": MOST})).all()
    return [_report(row) for row in rows]


async def has_work(conn: AsyncConnection, partitions: Collection[int]) -> bool:
    """Whether the owner of *partitions* has something to do for a backfill."""
    found: bool = (await conn.execute(_HAS_WORK, {"partitions": sorted(partitions)})).scalar_one()
    return found


def _report(row: Row[Any]) -> BackfillReport:
    found = dict(row._mapping)  # noqa: SLF001 - the public name of a row's columns
    wanted = found.pop("wanted")
    return BackfillReport(
        **found | {"state": BackfillState(row.state)},
        slugs=tuple(entry["slug"] for entry in wanted["kpis"]),
        applies=wanted["applies"],
    )
