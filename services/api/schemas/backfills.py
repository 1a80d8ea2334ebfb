"""Backfills as the API and the command line tell them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from pydantic import Field

from services.api.schemas.values import Number
from shared.storage.backfill_reports import BackfillReport
from shared.storage.backfills import BackfillState


@dataclass(frozen=True, slots=True)
class BackfillBody:
    """History that is counted from the event log, and how far that has come."""

    backfill: Annotated[int, Field(description="Its number")]
    kpis: Annotated[list[str], Field(description="Whose history it is")]
    applies: Annotated[
        bool,
        Field(description="At the end the definitions come into force; false: what is in force is replaced"),
    ]
    state: BackfillState
    rate_limit: Annotated[int | None, Field(description="Events a second at most; null: as fast as it goes")]
    error: Annotated[str | None, Field(description="Why it failed; tidemark backfill resume lets it go on")]
    created_at: Annotated[datetime, Field(description="Since when it is ordered")]
    finished_at: Annotated[datetime | None, Field(description="null: it is not over")]
    measures: Annotated[int, Field(description="How many measures it fills: one for each breakdown")]
    partitions: Annotated[int, Field(description="Of the log")]
    handed_over: Annotated[
        int, Field(description="In how many of them it is known up to where it has to count")
    ]
    passed: Annotated[int, Field(description="Records of the log behind it, over all partitions")]
    passing: Annotated[int, Field(description="Records of the log in all, as far as known")]
    counted: Annotated[int, Field(description="Events counted")]
    unfit: Annotated[int, Field(description="Events left out because their value does not fit a measure")]
    share: Annotated[
        Number | None, Field(description="passed of passing, 1 at the end; null: it waits for compute")
    ]


@dataclass(frozen=True, slots=True)
class BackfillsBody:
    """A page of backfills."""

    items: Annotated[list[BackfillBody], Field(description="The newest first")]
    next_cursor: Annotated[str | None, Field(description="For the next page; null: this was the last")]


def backfill_body(report: BackfillReport) -> BackfillBody:
    """A backfill as it stands."""
    return BackfillBody(
        backfill=report.backfill_id,
        kpis=list(report.slugs),
        applies=report.applies,
        state=report.state,
        rate_limit=report.rate_limit,
        error=report.error,
        created_at=report.created_at,
        finished_at=report.finished_at,
        measures=report.measures,
        partitions=report.partitions,
        handed_over=report.handed_over,
        passed=report.passed,
        passing=report.passing,
        counted=report.counted,
        unfit=report.unfit,
        share=report.share,
    )


def backfills_body(reports: Sequence[BackfillReport], next_cursor: str | None) -> BackfillsBody:
    """A page of them."""
    return BackfillsBody([backfill_body(each) for each in reports], next_cursor)
