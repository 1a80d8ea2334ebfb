"""The bodies of the API and how readings become them; one set of classes for bytes and for OpenAPI."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field, WithJsonSchema

from shared.domain.definitions import Kpi
from shared.domain.gaps import Fill, filled
from shared.domain.readings import Reading
from shared.domain.targets import Judgement, Kind, Status
from shared.storage.current import CurrentReading

Number = Annotated[Decimal, WithJsonSchema({"type": "number"})]
"""An exact decimal, written as a JSON number with every digit it has."""

Attainment = Annotated[
    Number | None,
    Field(
        description="The part of the target that is reached, 1 and more being on track; null without a value"
        " or a target, and of a target that is 0"
    ),
]


@dataclass(frozen=True, slots=True)
class TargetBody:
    """What a KPI is measured against."""

    value: Annotated[
        Number,
        Field(description="From here on, in the better direction, it is on track; of a band, its middle"),
    ]
    warning: Annotated[
        Number | None, Field(description="From here to the target it is at risk; null: no such zone")
    ]
    tolerance: Annotated[
        Number | None, Field(description="Of a band: the distance from the value that is still on track")
    ]
    kind: Annotated[Kind, Field(description="What the target follows")]
    source: Annotated[str | None, Field(description="The KPI or the benchmark that it follows, if it does")]


@dataclass(frozen=True, slots=True)
class ValueBody:
    """A KPI over a window at an instant."""

    kpi: Annotated[str, Field(description="The KPI's slug")]
    version: Annotated[int, Field(description="The version of the definition that the value follows")]
    window: Annotated[str, Field(description="The window's name, such as 24h or today")]
    dimensions: Annotated[
        Mapping[str, str | None],
        Field(description="{} is the total; a null stands for events without the dimension"),
    ]
    value: Annotated[Number | None, Field(description="null: there is no data to make a value of")]
    unit: Annotated[str | None, Field(description="What the value counts or measures")]
    n: Annotated[int, Field(description="How many events went into the value")]
    window_start: Annotated[datetime, Field(description="The first instant of the window")]
    window_end: Annotated[datetime, Field(description="The instant the window ends before")]
    as_of: Annotated[datetime, Field(description="What had reached the log before this is counted")]
    complete: Annotated[bool, Field(description="No event of the window is expected any more")]
    valid_until: Annotated[
        datetime | None, Field(description="When it may change although no event comes; null: never")
    ]
    target: Annotated[TargetBody | None, Field(description="null: none holds, or it is not known")]
    status: Annotated[Status, Field(description="How the value stands to the target")]
    attainment: Attainment


@dataclass(frozen=True, slots=True)
class ChangeBody(ValueBody):
    """A value as the stream tells it."""

    revision: Annotated[int, Field(description="Moves with every change of this value, and never back")]


@dataclass(frozen=True, slots=True)
class GoneBody:
    """A series that is no more: its KPI was retired, or has a new version that tells it anew."""

    kpi: Annotated[str, Field(description="The KPI's slug")]
    window: str
    dimensions: Mapping[str, str | None]
    revision: Annotated[int, Field(description="After that of its last value, before that of a new one")]


@dataclass(frozen=True, slots=True)
class FarewellBody:
    """Why a stream ends (`bye`), or begins anew (`reset`)."""

    reason: Annotated[
        Literal["lifetime", "shutdown", "too_many_changes", "too_old"],
        Field(
            description="lifetime, shutdown: come again; too_many_changes: the client was too slow;"
            " too_old: where the client was is not remembered, and everything follows"
        ),
    ]


@dataclass(frozen=True, slots=True)
class ValuesBody:
    """A page of values."""

    items: list[ValueBody]
    next_cursor: Annotated[str | None, Field(description="For the next page; null: this was the last")]


@dataclass(frozen=True, slots=True)
class PointBody:
    """A KPI over its window at one instant of a history."""

    at: Annotated[datetime, Field(description="The instant that was asked for")]
    value: Annotated[Number | None, Field(description="null: there is no data to make a value of")]
    n: Annotated[int, Field(description="How many events went into the value")]
    window_start: datetime
    window_end: datetime
    complete: Annotated[bool, Field(description="No event of the window is expected any more")]
    target: Annotated[TargetBody | None, Field(description="null: none holds, or it is not known")]
    status: Annotated[Status, Field(description="How the value stands to the target")]
    attainment: Attainment
    filled: Annotated[
        bool, Field(description="There is no data: the value is what the rule for gaps puts in its place")
    ] = False


def target_body(judgement: Judgement) -> TargetBody | None:
    """What the value of *judgement* was measured against."""
    if judgement.target is None or judgement.kind is None:
        return None
    return TargetBody(
        judgement.target, judgement.warning, judgement.tolerance, judgement.kind, judgement.source
    )


def value_body(kpi: Kpi, reading: Reading, judgement: Judgement) -> ValueBody:
    """*reading* with what it means for *kpi*."""
    return ValueBody(
        kpi=reading.slug,
        version=reading.version,
        window=reading.window,
        dimensions=reading.dimensions,
        value=reading.value,
        unit=kpi.unit,
        n=reading.n,
        window_start=_utc(reading.window_start),
        window_end=_utc(reading.window_end),
        as_of=_utc(reading.as_of),
        complete=reading.complete,
        valid_until=None if reading.valid_until is None else _utc(reading.valid_until),
        target=target_body(judgement),
        status=judgement.status,
        attainment=judgement.attainment,
    )


def change_body(kpi: Kpi, row: CurrentReading, judgement: Judgement) -> ChangeBody:
    """*row* of kpi_current with what it means for *kpi*."""
    body = value_body(kpi, row.reading, judgement)
    values = {each.name: getattr(body, each.name) for each in fields(body)}
    return ChangeBody(**values, revision=row.revision)


@dataclass(frozen=True, slots=True)
class Judged:
    """A reading at the instant asked for, and how it stands to its target."""

    at: datetime
    reading: Reading
    judgement: Judgement


def point_bodies(points: Sequence[Judged], fill: Fill = Fill.NULL) -> list[PointBody]:
    """The *points* of one series, oldest first, gaps closed by *fill*; n and status are those of no data."""
    values = filled([point.reading.value for point in points], fill)
    return [_point(point, value) for point, value in zip(points, values, strict=True)]


def _point(point: Judged, value: Decimal | None) -> PointBody:
    reading = point.reading
    return PointBody(
        at=point.at,
        value=value,
        n=reading.n,
        window_start=_utc(reading.window_start),
        window_end=_utc(reading.window_end),
        complete=reading.complete,
        target=target_body(point.judgement),
        status=point.judgement.status,
        attainment=point.judgement.attainment,
        filled=reading.value is None and value is not None,
    )


def _utc(at: datetime) -> datetime:
    """*at* in UTC, which is what makes it end in Z."""
    return at.astimezone(UTC)
