"""The bodies that tell the events behind a value, and why others do not count."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from pydantic import Field

from services.api.schemas.values import Number
from shared.contracts.series import series_values
from shared.domain.calendars import as_datetime
from shared.replay.candidates import Taken, Target
from shared.replay.explaining import Told
from shared.replay.listing import shown_values
from shared.storage.undoings import LogPlace, Undoing


@dataclass(frozen=True, slots=True)
class EventBody:
    """An event that counts into the value."""

    source: Annotated[str, Field(description="Where it comes from")]
    id: Annotated[str, Field(description="Names it among the events of its source")]
    time: Annotated[datetime, Field(description="When it happened")]
    value: Annotated[
        Number | str | bool | None,
        Field(description="What was taken from it, rounded as it is added up; null: only that it happened"),
    ]
    dimensions: Annotated[
        Mapping[str, str | None], Field(description="Its values of the dimensions asked for; null: none")
    ]
    partition: Annotated[int, Field(description="Of tidemark.events")]
    offset: Annotated[int, Field(description="Its place in the partition")]
    arrived_at: Annotated[datetime, Field(description="When it reached the log")]
    late: Annotated[bool, Field(description="It came when the window was over and complete")]


@dataclass(frozen=True, slots=True)
class RetractedEventBody(EventBody):
    """An event that was counted until it was retracted."""

    retraction_offset: Annotated[int, Field(description="Where the retraction lies, in the same partition")]
    retracted_at: Annotated[datetime, Field(description="When the retraction reached the log")]
    undone_at: Annotated[datetime, Field(description="Since when the event does not count")]


@dataclass(frozen=True, slots=True)
class BesideBody:
    """Events of the type and the time that do not count into the value, by the first reason that applies.

    Together with those that count they are all events of the type that the log has counted in the interval.
    """

    before_start: Annotated[int, Field(description="They came before the KPI began to be counted")]
    filtered: Annotated[int, Field(description="They are not what the filter asks for")]
    out_of_range: Annotated[int, Field(description="Their value has more digits than are kept")]
    without_value: Annotated[int, Field(description="There is nothing in them to be taken")]
    outside_hours: Annotated[int, Field(description="They happened outside business hours")]
    other_series: Annotated[int, Field(description="They have other dimension values")]


@dataclass(frozen=True, slots=True)
class SetAsideBody:
    """Records that would be part of the value, but count nothing."""

    retracted: Annotated[int, Field(description="Counted and undone since; exactly")]
    cancelled: Annotated[
        int, Field(description="Retracted before they could count; those in the flushes read")
    ]
    copies: Annotated[int, Field(description="Further records of an event; those in the flushes read")]
    dead_lettered: Annotated[
        int, Field(description="Their value was out of range, of whichever series; those in the flushes read")
    ]
    retractions: Annotated[list[RetractedEventBody], Field(description="The newest that were retracted")]


@dataclass(frozen=True, slots=True)
class PartitionBody:
    """How far a partition was looked at."""

    partition: int
    until_offset: Annotated[int, Field(description="The first record that is not counted yet")]


@dataclass(frozen=True, slots=True)
class EventsFoundBody:
    """What the log says of the events behind the value."""

    n: Annotated[int, Field(description="How many there are; those of all pages together")]
    late: Annotated[int, Field(description="How many came when the window was over and complete")]
    items: Annotated[list[EventBody], Field(description="The newest of them")]
    next_cursor: Annotated[
        str | None, Field(description="For /explain/events, which tells the others; null: these are all")
    ]
    deciding: Annotated[
        EventBody | None, Field(description="Of a minimum, maximum, first or last value: the event it is of")
    ]
    not_counted: BesideBody
    set_aside: SetAsideBody
    records_read: Annotated[int, Field(description="How many records of the log were looked at")]
    until: Annotated[list[PartitionBody], Field(description="How far; empty of what was known at a time")]


@dataclass(frozen=True, slots=True)
class EventsPageBody:
    """A page of the events behind a value, newest first."""

    kpi: str
    version: int
    window: str
    dimensions: Mapping[str, str | None]
    part: Annotated[str, Field(description="What is told of: the KPI, or what its formula reads of another")]
    at: Annotated[datetime, Field(description="The instant that was asked for")]
    n: Annotated[int, Field(description="How many events there are on all pages together")]
    items: list[EventBody]
    next_cursor: Annotated[str | None, Field(description="For the next page; null: this was the last")]


def event_bodies(target: Target, events: Sequence[Taken]) -> list[EventBody]:
    """*events*, which *target* was about."""
    measure = target.wanted.measure
    pairs = zip(events, shown_values(measure, events), strict=True)
    return [
        EventBody(
            source=one.event.source,
            id=one.event.id,
            time=as_datetime(one.time_us),
            value=value,  # type: ignore[arg-type]  # floats are written as the number they spell
            dimensions=dict(zip(measure.breakdown, series_values(one.series), strict=True)),
            partition=one.partition,
            offset=one.offset,
            arrived_at=as_datetime(one.arrived_ms * 1000),
            late=one.arrived_ms >= target.late_ms,
        )
        for one, value in pairs
    ]


def found_body(told: Told, next_cursor: str | None) -> EventsFoundBody | None:
    """What was found in the log of *told*; None where nothing was looked for."""
    sift, search = told.sift, told.scene.search
    if sift is None or search is None:
        return None
    deciding = [] if sift.deciding is None else [sift.deciding]
    return EventsFoundBody(
        n=sift.partial.n,
        late=sift.late,
        items=event_bodies(sift.target, sift.listed),
        next_cursor=next_cursor,
        deciding=next(iter(event_bodies(sift.target, deciding)), None),
        not_counted=BesideBody(
            before_start=sift.beside.before_start,
            filtered=sift.beside.filtered,
            out_of_range=sift.beside.out_of_range,
            without_value=sift.beside.without_value,
            outside_hours=sift.beside.outside_hours,
            other_series=sift.beside.other_series,
        ),
        set_aside=_set_aside(told, search.undone),
        records_read=sift.records,
        until=[PartitionBody(partition, offset) for partition, offset in sorted(search.offsets.items())],
    )


def _set_aside(told: Told, undone: Mapping[LogPlace, Undoing]) -> SetAsideBody:
    sift = told.sift
    if sift is None:
        raise AssertionError("nothing was looked for")
    bodies = event_bodies(sift.target, sift.retracted)
    return SetAsideBody(
        retracted=sift.undone_n,
        cancelled=len(told.cancelled),
        copies=told.copies,
        dead_lettered=sift.dead,
        retractions=[_retracted(each, undone[each.partition, each.offset]) for each in bodies],
    )


def _retracted(event: EventBody, undoing: Undoing) -> RetractedEventBody:
    return RetractedEventBody(
        source=event.source,
        id=event.id,
        time=event.time,
        value=event.value,
        dimensions=event.dimensions,
        partition=event.partition,
        offset=event.offset,
        arrived_at=event.arrived_at,
        late=event.late,
        retraction_offset=undoing.offset,
        retracted_at=undoing.retracted_at.astimezone(UTC),
        undone_at=undoing.undone_at.astimezone(UTC),
    )
