"""What the API says of a definition that is not in force yet: values, cost, events, warnings."""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from pydantic import Field

from services.api.schemas.values import Number
from shared.domain.definitions import Catalogue
from shared.domain.previews import MeasureCost, Notice, WarningCode
from shared.domain.readings import Reading
from shared.replay.preview_events import Study
from shared.replay.previews import Preview


@dataclass(frozen=True, slots=True)
class PreviewPointBody:
    """The draft over its window at one instant."""

    at: Annotated[datetime, Field(description="The instant that was asked for")]
    value: Annotated[Number | None, Field(description="null: there is no data to make a value of")]
    n: Annotated[int, Field(description="How many events went into the value")]
    window_start: datetime
    window_end: datetime
    complete: Annotated[
        bool, Field(description="The whole window was read, and no event of it is expected any more")
    ]


@dataclass(frozen=True, slots=True)
class PreviewSeriesBody:
    """How the draft has gone, in all or for one combination of dimension values."""

    dimensions: Annotated[Mapping[str, str | None], Field(description="{} is the total")]
    items: list[PreviewPointBody]


@dataclass(frozen=True, slots=True)
class PreviewReadBody:
    """Which part of the event log was read: all that counts of the event times [start, end)."""

    start: datetime
    end: datetime
    records: Annotated[int, Field(description="Records that were read and count, whatever their time")]
    complete: Annotated[bool, Field(description="It is all that the windows asked for reach")]
    cut_off: Annotated[
        bool, Field(description="It begins later than was asked for, because limit_records may be read")
    ]


@dataclass(frozen=True, slots=True)
class RungBody:
    """The panes of one length that a breakdown would write."""

    length: Annotated[str, Field(description="1s, 10s, 1m, 15m, 1h or 1d")]
    panes_per_day: Annotated[int, Field(description="At the rate at which events came in what was read")]
    panes_kept: Annotated[int, Field(description="When a day of that rate has become the rule")]


@dataclass(frozen=True, slots=True)
class BreakdownCostBody:
    """What one breakdown would cost to keep."""

    breakdown: Annotated[list[str], Field(description="[] is the total")]
    series: Annotated[int, Field(description="Combinations of dimension values in what was read")]
    shared_with: Annotated[
        list[str], Field(description="KPIs in force that count the same already: it costs nothing then")
    ]
    rungs: Annotated[list[RungBody], Field(description="The finest first; [] where it costs nothing")]
    rows_per_day: Annotated[int, Field(description="Rows of panes, by one compute process")]
    rows_kept: int
    bytes_kept: Annotated[int, Field(description="An estimate by the size of a row")]


@dataclass(frozen=True, slots=True)
class CostBody:
    """What the draft would cost beside what is in force."""

    rows_per_day: int
    rows_kept: int
    bytes_kept: int
    breakdowns: Annotated[list[BreakdownCostBody], Field(description="[] of a formula, which keeps nothing")]


@dataclass(frozen=True, slots=True)
class PreviewFieldBody:
    """A field that is read of the events."""

    field: Annotated[str, Field(description="As an expression writes it")]
    used_as: Annotated[list[str], Field(description="filter, value, dimension")]
    found: Annotated[int, Field(description="Events that have it, null being none")]


@dataclass(frozen=True, slots=True)
class PreviewEventsBody:
    """What became of the events that were read, for a KPI that would count them; the parts add up."""

    kpi: Annotated[str, Field(description="The draft, or a KPI that its formula comes down to")]
    event_type: str
    events: Annotated[int, Field(description="Of this type, in what was read")]
    filtered: Annotated[int, Field(description="The filter says no")]
    filter_failed: Annotated[
        int, Field(description="The filter has no answer: a field is missing or another")
    ]
    outside_hours: Annotated[int, Field(description="At a time that is not one of business")]
    value_missing: Annotated[int, Field(description="A field of the value is missing or null")]
    value_not_a_number: Annotated[int, Field(description="The value cannot be worked out or measured")]
    value_out_of_range: Annotated[int, Field(description="More digits than fit: it would be a dead letter")]
    counted: int
    fields: list[PreviewFieldBody]


@dataclass(frozen=True, slots=True)
class WarningBody:
    """What may be wrong with a draft that keeps every rule."""

    code: WarningCode
    kpi: str
    field: Annotated[str | None, Field(description="Of the definition; null: no single one is meant")]
    message: Annotated[str, Field(description="For people")]


@dataclass(frozen=True, slots=True)
class PreviewBody:
    """A definition that is not in force, over the recent event log."""

    kpi: str
    version: Annotated[int, Field(description="That it would have")]
    window: str
    unit: str | None
    step_s: Annotated[int, Field(description="Seconds from one point to the next")]
    read: PreviewReadBody
    series: Annotated[list[PreviewSeriesBody], Field(description="The total, then the top of the breakdown")]
    series_met: Annotated[int | None, Field(description="Of the breakdown asked for; null without one")]
    cost: CostBody
    events: list[PreviewEventsBody]
    warnings: list[WarningBody]


_LENGTHS = ("1s", "10s", "1m", "15m", "1h", "1d")


def read_body(preview: Preview) -> PreviewReadBody:
    """Which part of the log *preview* is made of."""
    part = preview.look.part
    return PreviewReadBody(_utc(part.start), _utc(part.end), preview.read, part.is_whole, part.is_cut)


def series_body(
    dimensions: Mapping[str, str | None], readings: Iterable[Reading], instants: Iterable[datetime]
) -> PreviewSeriesBody:
    """The *readings* at *instants* of one series."""
    items = [
        PreviewPointBody(
            _utc(at), each.value, each.n, _utc(each.window_start), _utc(each.window_end), each.complete
        )
        for each, at in zip(readings, instants, strict=True)
    ]
    return PreviewSeriesBody(dimensions, items)


def cost_body(costs: Sequence[MeasureCost], *, visible: Mapping[str, object]) -> CostBody:
    """The *costs* of all breakdowns; of the KPIs they are shared with only those that are *visible*."""
    return CostBody(
        rows_per_day=sum(cost.rows_per_day for cost in costs),
        rows_kept=sum(cost.rows_kept for cost in costs),
        bytes_kept=sum(cost.bytes_kept for cost in costs),
        breakdowns=[_breakdown(cost, visible) for cost in costs],
    )


def _breakdown(cost: MeasureCost, visible: Mapping[str, object]) -> BreakdownCostBody:
    return BreakdownCostBody(
        breakdown=list(cost.breakdown),
        series=cost.series,
        shared_with=[slug for slug in cost.shared_with if slug in visible],
        rungs=[RungBody(_LENGTHS[rate.rung], rate.per_day, rate.kept) for rate in cost.panes],
        rows_per_day=cost.rows_per_day,
        rows_kept=cost.rows_kept,
        bytes_kept=cost.bytes_kept,
    )


def events_bodies(
    study: Study, catalogue: Catalogue, slug: str, *, visible: Container[str]
) -> list[PreviewEventsBody]:
    """What became of the events, by the KPI that would count them, of those that are *visible*."""
    return [
        _events(study, leaf, catalogue.kpis[leaf].event_type or "")
        for leaf in sorted(catalogue.leaves(slug))
        if leaf in visible
    ]


def _events(study: Study, leaf: str, event_type: str) -> PreviewEventsBody:
    tally = study.tally(leaf)
    return PreviewEventsBody(
        kpi=leaf,
        event_type=event_type,
        events=tally.events,
        filtered=tally.filtered,
        filter_failed=tally.filter_failed,
        outside_hours=tally.outside_hours,
        value_missing=tally.value_missing,
        value_not_a_number=tally.value_not_a_number,
        value_out_of_range=tally.value_out_of_range,
        counted=tally.counted,
        fields=[PreviewFieldBody(each.field, list(each.roles), each.found) for each in study.fields(leaf)],
    )


def warning_bodies(found: Iterable[Notice], *, visible: Container[str]) -> list[WarningBody]:
    """The warnings as the API tells them, of KPIs that are *visible*."""
    return [
        WarningBody(each.code, each.slug, each.field, each.message) for each in found if each.slug in visible
    ]


def _utc(at: datetime) -> datetime:
    return at.astimezone(UTC)
