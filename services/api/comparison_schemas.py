"""The bodies that tell how a value stands to others and where it is heading; for bytes and for OpenAPI."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from services.api.schemas import Number, PointBody, TargetBody, ValueBody, history_body, status_of, value_body
from shared.domain.comparisons import Against, Judgement, change, judgement
from shared.domain.definitions import Kpi
from shared.domain.readings import Reading
from shared.domain.targets import Direction, Status
from shared.domain.trends import Course, Point, trend


class Gap(StrEnum):
    """Why there is no change to tell."""

    NOT_KEPT = "not_kept"
    """The instant lies further back than values are kept."""
    NO_DATA = "no_data"
    """One of both values is null."""


@dataclass(frozen=True, slots=True)
class BaseBody:
    """The value that another one is compared with."""

    value: Annotated[Number | None, Field(description="null: there is no data to make a value of")]
    n: Annotated[int, Field(description="How many events went into the value")]
    window_start: datetime
    window_end: datetime
    complete: Annotated[bool, Field(description="No event of the window is expected any more")]
    status: Annotated[Status | None, Field(description="null: no value or no target to compare")]


@dataclass(frozen=True, slots=True)
class ComparisonBody:
    """How a value stands to an earlier one of the same window."""

    against: Annotated[Against, Field(description="What it is compared with, one of those of the parameter")]
    at: Annotated[datetime, Field(description="The instant that it is compared with")]
    base: Annotated[BaseBody | None, Field(description="The value of then; null: it is no longer kept")]
    change: Annotated[
        Number | None, Field(description="The value less that of then, exactly; null: see reason")
    ]
    relative_change: Annotated[
        Number | None,
        Field(description="The change divided by the size of the value of then, to 34 digits; null: it is 0"),
    ]
    judgement: Annotated[
        Judgement | None,
        Field(description="By the direction; in a band, what is nearer to the target is better"),
    ]
    reason: Annotated[
        Gap | None, Field(description="Why there is no change: more than 400 days back, or a value is null")
    ]


@dataclass(frozen=True, slots=True)
class ComparedBody(ValueBody):
    """A value beside what it is compared with; valid_until is that of the value alone."""

    at: Annotated[datetime, Field(description="The instant of the value")]
    direction: Annotated[Direction, Field(description="Which way is better")]
    items: Annotated[list[ComparisonBody], Field(description="In the order asked for")]


@dataclass(frozen=True, slots=True)
class Compared:
    """What a value is compared with: its reading, or None where it is no longer kept."""

    against: Against
    at: datetime
    reading: Reading | None


@dataclass(frozen=True, slots=True)
class ExtremeBody:
    """The best or the worst point; of equal ones, the latest."""

    at: datetime
    value: Number


@dataclass(frozen=True, slots=True)
class TrendBody:
    """Where a KPI over one window is heading, and the points that this is told by."""

    kpi: str
    version: int
    window: str
    dimensions: Mapping[str, str | None]
    unit: str | None
    direction: Annotated[Direction, Field(description="Which way is better")]
    target: TargetBody | None
    step_s: Annotated[
        int | None, Field(description="Seconds from one point to the next; null: one window, as prev has it")
    ]
    overlapping: Annotated[
        bool, Field(description="Windows of neighbours share events, so that p_value is too small")
    ]
    as_of: Annotated[datetime, Field(description="What had reached the log before this is counted")]
    n: Annotated[int, Field(description="How many points have a value; the others are left out")]
    slope_per_day: Annotated[
        float | None, Field(description="Theil and Sen: the median change per 24 hours; null: too few points")
    ]
    p_value: Annotated[
        float | None,
        Field(description="Mann and Kendall, two-sided, with ties: how often chance alone looks as clear;"
              " null with fewer than 8 values"),
    ]  # fmt: skip
    course: Annotated[Course, Field(description="rising or falling where p_value is below 0.05")]
    judgement: Annotated[
        Judgement | None, Field(description="What the course means; in a band, towards the target is better")
    ]
    best: ExtremeBody | None
    worst: ExtremeBody | None
    percentile: Annotated[
        Number | None,
        Field(description="The share of earlier values at or below the newest one; null: one is missing"),
    ]
    items: list[PointBody]


def compared_body(kpi: Kpi, reading: Reading, at: datetime, compared: Sequence[Compared]) -> ComparedBody:
    """*reading*, of the instant *at*, beside what it is compared with."""
    body = value_body(kpi, reading)
    values = {each.name: getattr(body, each.name) for each in fields(body)}
    items = [_comparison_body(kpi, reading.value, each) for each in compared]
    return ComparedBody(**values, at=at.astimezone(UTC), direction=kpi.direction, items=items)


def _comparison_body(kpi: Kpi, value: Decimal | None, compared: Compared) -> ComparisonBody:
    reading = compared.reading
    base = None if reading is None else reading.value
    found = change(value, base)
    return ComparisonBody(
        against=compared.against,
        at=compared.at.astimezone(UTC),
        base=None if reading is None else _base_body(kpi, reading),
        change=None if found is None else found.absolute,
        relative_change=None if found is None else found.relative,
        judgement=judgement(value, base, direction=kpi.direction, target=_aim(kpi)),
        reason=_gap(reading, is_told=found is not None),
    )


def _gap(reading: Reading | None, *, is_told: bool) -> Gap | None:
    if reading is None:
        return Gap.NOT_KEPT
    return None if is_told else Gap.NO_DATA


def _base_body(kpi: Kpi, reading: Reading) -> BaseBody:
    return BaseBody(
        value=reading.value,
        n=reading.n,
        window_start=reading.window_start.astimezone(UTC),
        window_end=reading.window_end.astimezone(UTC),
        complete=reading.complete,
        status=status_of(kpi, reading.value),
    )


def _aim(kpi: Kpi) -> Decimal | None:
    return None if kpi.target is None else kpi.target.value


def trend_body(
    kpi: Kpi,
    readings: Sequence[Reading],
    *,
    instants: Sequence[datetime],
    step_s: int | None,
    overlapping: bool,
) -> TrendBody:
    """What the *readings* of *kpi* at *instants*, at least one, come to."""
    # The points and what is said of all of them are those of a history; its step is not read.
    history = history_body(kpi, readings, instants=instants, step_s=step_s or 0)
    values = [reading.value for reading in readings]
    found = trend(instants, values, direction=kpi.direction, target=_aim(kpi))
    return TrendBody(
        kpi=history.kpi,
        version=history.version,
        window=history.window,
        dimensions=history.dimensions,
        unit=history.unit,
        direction=kpi.direction,
        target=history.target,
        step_s=step_s,
        overlapping=overlapping,
        as_of=history.as_of,
        n=found.n,
        slope_per_day=found.slope_per_day,
        p_value=found.p_value,
        course=found.course,
        judgement=found.judgement,
        best=_extreme_body(found.best),
        worst=_extreme_body(found.worst),
        percentile=found.percentile,
        items=history.items,
    )


def _extreme_body(point: Point | None) -> ExtremeBody | None:
    return None if point is None else ExtremeBody(point.at, point.value)
