"""How fresh KPIs are, as the API tells it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from pydantic import Field

from shared.domain.definitions import Catalogue
from shared.domain.freshness import LastEvent, State, newest, patience, state_of
from shared.storage.newest_panes import Counted

_REASONS: Mapping[State, str] = {
    State.CURRENT: "events come, and are counted",
    State.SILENT: "counting is up to date, and no event has come for longer than the shortest window",
    State.EMPTY: "counting is up to date, and no event has counted yet",
    State.BEHIND: "events wait to be counted: numbers are those of as_of",
}


@dataclass(frozen=True, slots=True)
class LastEventBody:
    """When the last event that counts was, by its own time, as finely as is kept."""

    after: Annotated[datetime, Field(description="At this instant or later")]
    before: Annotated[datetime, Field(description="And before this one")]


@dataclass(frozen=True, slots=True)
class SourceBody:
    """A KPI of events that the KPI is made of."""

    kpi: str
    event_type: Annotated[str | None, Field(description="The type of its events")]
    last_event: LastEventBody | None


@dataclass(frozen=True, slots=True)
class FreshnessBody:
    """How fresh a KPI is."""

    kpi: str
    version: int
    state: Annotated[
        State, Field(description="behind is our doing; silent and empty are what the sources sent, or not")
    ]
    reason: Annotated[str, Field(description="The state in words")]
    as_of: Annotated[datetime | None, Field(description="Everything that had come before it is counted")]
    lag_s: Annotated[float | None, Field(description="How long ago that is; null: nothing is counted yet")]
    watermark: Annotated[datetime | None, Field(description="No event older than this is expected")]
    last_event: LastEventBody | None
    silent_s: Annotated[float | None, Field(description="How long ago the last event was, at least")]
    sources: Annotated[list[SourceBody], Field(description="The KPIs of events that it is made of")]
    hidden: Annotated[int, Field(description="How many more of these there are that the key may not see")]


@dataclass(frozen=True, slots=True)
class FreshnessPageBody:
    """A page of KPIs with their freshness, by slug."""

    items: list[FreshnessBody]
    next_cursor: Annotated[str | None, Field(description="For the next page; null: this was the last")]


def freshness_body(
    catalogue: Catalogue, visible: Mapping[str, object], slug: str, found: Counted, *, now: datetime
) -> FreshnessBody:
    """How fresh the KPI *slug* is at *now*; of what it is made of only what is *visible* is named."""
    leaves = catalogue.leaves(slug)
    last = newest(found.last[leaf] for leaf in leaves)
    as_of, watermark = found.completeness.as_of, found.completeness.watermark
    waits = patience(catalogue.kpis[slug].windows_parsed)
    state = state_of(last, as_of=as_of, now=now, patience=waits)
    is_begun = as_of.year > 1970
    return FreshnessBody(
        kpi=slug,
        version=catalogue.versions[slug],
        state=state,
        reason=_REASONS[state],
        as_of=as_of.astimezone(UTC) if is_begun else None,
        lag_s=_since(as_of, now) if is_begun else None,
        watermark=None if watermark is None else watermark.astimezone(UTC),
        last_event=_last_body(last),
        silent_s=None if last is None else _since(last.before, now),
        sources=[
            SourceBody(leaf, catalogue.kpis[leaf].event_type, _last_body(found.last[leaf]))
            for leaf in leaves
            if leaf in visible
        ],
        hidden=sum(leaf not in visible for leaf in leaves),
    )


def _last_body(last: LastEvent | None) -> LastEventBody | None:
    return None if last is None else LastEventBody(last.after.astimezone(UTC), last.before.astimezone(UTC))


def _since(at: datetime, now: datetime) -> float:
    return round(max(0.0, (now - at).total_seconds()), 3)
