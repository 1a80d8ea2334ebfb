"""What the API says one event would do, for bytes and for OpenAPI."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from pydantic import Field

from services.api.alerting.catalogue_books import rules_of
from services.api.dry_runs import DryRun, Outcome
from services.api.schemas.values import Number
from shared.contracts.events import CleanEvent
from shared.domain.alerts import AlertRule, Condition
from shared.domain.definitions import Catalogue
from shared.replay.dry_runs import Move


@dataclass(frozen=True, slots=True)
class JudgedEventBody:
    """An event as it would be stored."""

    id: str
    source: str
    type: str
    time: Annotated[str, Field(description="UTC with six digits; that of the request where it named none")]


@dataclass(frozen=True, slots=True)
class CrossingBody:
    """An alert rule whose condition would come to hold, or cease to; how long it has to hold is left out."""

    rule: str
    condition: Condition
    threshold: Number
    before: Annotated[bool, Field(description="Whether the value of now meets the condition")]
    after: bool


@dataclass(frozen=True, slots=True)
class MoveBody:
    """A value that would change."""

    kpi: str
    version: int
    window: str
    dimensions: Annotated[Mapping[str, str | None], Field(description="{} is the total")]
    before: Annotated[Number | None, Field(description="The value of now; null: no data")]
    after: Annotated[Number | None, Field(description="As it would be; null: no data, or see recounted")]
    n_before: int
    n_after: int
    window_start: datetime
    window_end: datetime
    revises: Annotated[bool, Field(description="The value is complete: the change would be a revision")]
    recounted: Annotated[
        bool,
        Field(description="What is left without the event is known only when the log has been counted again"),
    ]
    alerts: Annotated[list[CrossingBody], Field(description="Rules whose condition changes with it")]


@dataclass(frozen=True, slots=True)
class DryRunBody:
    """What would become of an event, and of the values of now."""

    outcome: Outcome
    reason: Annotated[str | None, Field(description="Why it would be rejected, as dead letters say it")]
    detail: Annotated[str | None, Field(description="The same for people; names the field")]
    flagged: Annotated[
        str | None, Field(description="What it breaks of the schema of its type, which lets it pass")
    ]
    event: JudgedEventBody | None
    undone: Annotated[JudgedEventBody | None, Field(description="Of a retraction: the event it takes back")]
    late: Annotated[bool, Field(description="Older than anything that is still expected")]
    moves: Annotated[list[MoveBody], Field(description="By KPI, breakdown and window")]
    left_out: Annotated[
        int, Field(description="Series that may move, too, because a formula sets them against a total")
    ]


def dry_run_body(catalogue: Catalogue, found: DryRun) -> DryRunBody:
    """*found* as the API tells it."""
    reason, detail = found.rejected or (None, None)
    told = found.moves
    rules = rules_of(catalogue)
    return DryRunBody(
        outcome=found.outcome,
        reason=reason,
        detail=detail,
        flagged=found.flagged,
        event=None if found.event is None else _event(found.event),
        undone=None if found.undone is None else _event(found.undone),
        late=told is not None and told.is_late,
        moves=[] if told is None else [_move(each, rules) for each in told.moves],
        left_out=0 if told is None else told.left_out,
    )


def _event(event: CleanEvent) -> JudgedEventBody:
    return JudgedEventBody(event.id, event.source, event.type, event.time)


def _move(move: Move, rules: Iterable[AlertRule]) -> MoveBody:
    before, after = move.before, move.after
    return MoveBody(
        kpi=before.slug,
        version=before.version,
        window=before.window,
        dimensions=before.dimensions,
        before=before.value,
        after=None if move.is_recounted else after.value,
        n_before=before.n,
        n_after=after.n,
        window_start=before.window_start.astimezone(UTC),
        window_end=before.window_end.astimezone(UTC),
        revises=before.complete,
        recounted=move.is_recounted,
        alerts=[] if move.is_recounted else list(_crossings(move, rules)),
    )


def _crossings(move: Move, rules: Iterable[AlertRule]) -> Iterator[CrossingBody]:
    value = move.before
    for rule in rules:
        is_meant = (rule.slug, rule.window) == (value.slug, value.window)
        if not is_meant or set(rule.breakdown) != set(value.dimensions):
            continue
        was, would = rule.breached_by(value.value), rule.breached_by(move.after.value)
        if was != would:
            yield CrossingBody(rule.name, rule.condition, rule.threshold, was, would)
