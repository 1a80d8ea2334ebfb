"""Watching a backfill to its end: a bar on a terminal, nothing elsewhere; watching changes nothing."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from sqlalchemy.ext.asyncio import AsyncEngine

from services.backfill_answers import share_of
from services.catalogue_doors import opened_database
from shared.storage.backfill_reports import BackfillReport, backfill_report
from shared.storage.engine import reading

LOOK_S = 0.5
"""How often the bar moves."""


async def followed(backfill_id: int) -> BackfillReport:
    """A backfill when it is over, however long that takes.

    Raises:
        UnknownBackfillError: there is none.
        StoreUnavailableError: Postgres does not answer; the backfill goes on without anybody watching.
    """
    async with opened_database() as engine:
        with _bar(backfill_id) as show:
            while not (report := await _report(engine, backfill_id)).is_over:
                show(report)
                await asyncio.sleep(LOOK_S)
            show(report)
    return report


async def _report(engine: AsyncEngine, backfill_id: int) -> BackfillReport:
    async with reading(engine) as connection:
        return await backfill_report(connection, backfill_id)


@contextlib.contextmanager
def _bar(backfill_id: int) -> Iterator[Callable[[BackfillReport], None]]:
    screen = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=screen, transient=True, disable=not screen.is_terminal) as bars:
        bar = bars.add_task(f"backfill {backfill_id}", total=None)

        def show(report: BackfillReport) -> None:
            begun = report.handed_over == report.partitions > 0
            what = f"{report.counted:,} events" if begun else share_of(report)
            total = max(report.passing, 1) if begun else None
            done = report.passed if report.passing else int(report.is_over)
            bars.update(bar, description=f"backfill {backfill_id}: {what}", total=total, completed=done)

        yield show
