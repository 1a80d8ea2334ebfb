"""What people are told about backfills: what each is for, and how far it has come; it changes nothing."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_DOWN, Decimal
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.domain.access import EVERYTHING, Limits
from shared.storage.backfills import BackfillState, Ordered, UnknownBackfillError
from shared.storage.versions import UnreadableDefinitionError

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
WHERE (CAST(:backfill_id AS bigint) IS NULL OR b.backfill_id = :backfill_id)
  AND (CAST(:before AS bigint) IS NULL OR b.backfill_id < :before)
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
"""As many of the newest are listed unless more are asked for."""


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

    @property
    def share(self) -> Decimal | None:
        """Which part of the log is behind it, rounded down to 6 digits; None while it waits for compute."""
        if self.handed_over < self.partitions or not self.partitions:
            return None
        if not self.passing:
            return Decimal(1)
        return (Decimal(self.passed) / self.passing).quantize(Decimal("0.000001"), ROUND_DOWN)


async def backfill_report(
    conn: AsyncConnection, backfill_id: int, limits: Limits = EVERYTHING
) -> BackfillReport:
    """One backfill.

    Raises:
        UnknownBackfillError: there is none of that number that one with these *limits* may see.
    """
    asked = {"backfill_id": backfill_id, "before": None, "most": 1}
    row = (await conn.execute(_REPORTS, asked)).one_or_none()
    if row is None or not _is_shown(row, limits):
        raise UnknownBackfillError(backfill_id)
    return _report(row)


async def backfill_reports(
    conn: AsyncConnection, limits: Limits = EVERYTHING, *, before: int | None = None, most: int = MOST
) -> list[BackfillReport]:
    """The newest backfills, the newest first: at most *most* of numbers below *before*.

    Args:
        conn: reads one snapshot, or pages may have gaps.
        limits: of whom they are told to; one that is about something else as well is left out.
        before: None is the newest.
        most: how many.
    """
    found: list[BackfillReport] = []
    while len(found) < most:
        asked = {"backfill_id": None, "before": before, "most": most}
        rows = (await conn.execute(_REPORTS, asked)).all()
        found += [_report(row) for row in rows if _is_shown(row, limits)]
        if len(rows) < most:
            break
        before = rows[-1].backfill_id
    return found[:most]


def _is_shown(row: Row[Any], limits: Limits) -> bool:
    if limits.is_everything:
        return True
    try:
        ordered = Ordered.of(row.wanted)
    except UnreadableDefinitionError:
        # Another release ordered it, and nobody can tell whose it is.
        return False
    return all(map(limits.allows, (*ordered.kpis.values(), *ordered.others.values())))


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
