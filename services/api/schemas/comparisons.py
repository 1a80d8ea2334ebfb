"""The bodies that tell how a value stands to others and where it is heading; for bytes and for OpenAPI."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from services.api.schemas.values import (
    Attainment,
    Judged,
    Number,
    PointBody,
    TargetBody,
    ValueBody,
    point_bodies,
    target_body,
    value_body,
)
from shared.domain.calendars import Calendar, instant_us
from shared.domain.comparisons import Against, Judgement, are_alike, change, excess_us, judgement
from shared.domain.definitions import Kpi
from shared.domain.readings import Reading
from shared.domain.targets import Direction, Status
from shared.domain.trends import Course, Point, share_events, trend
from shared.domain.windows import SECOND_US


class Gap(StrEnum):
    """Why there is no change to tell."""

    NOT_KEPT = "not_kept"
    """The instant lies further back than values are kept."""
    NO_DATA = "no_data"
    """One of both values is null."""
    TOO_COARSE = "too_coarse"
    """Only panes are left of then that make the window another one, such as a day for an hour."""


@dataclass(frozen=True, slots=True)
class BaseBody:
    """The value that another one is compared with."""

    value: Annotated[Number | None, Field(description="null: there is no data to make a value of")]
    n: Annotated[int, Field(description="How many events went into the value")]
    window_start: datetime
    window_end: datetime
    excess_s: Annotated[
        int, Field(description="By how many seconds the window is too long, for old panes are coarse")
    ]
    complete: Annotated[bool, Field(description="No event of the window is expected any more")]
    target: Annotated[TargetBody | None, Field(description="null: none held, or it is not known")]
    status: Annotated[Status, Field(description="How the value stood to the target of then")]
    attainment: Attainment


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
        Gap | None,
        Field(description="Why there is no change: more than 400 days back, a value is null, or the windows"
              " differ in length by more than a twentieth, for old panes are coarse"),
    ]  # fmt: skip


@dataclass(frozen=True, slots=True)
class ComparedBody(ValueBody):
    """A value beside what it is compared with; valid_until is that of the value alone."""

    at: Annotated[datetime, Field(description="The instant of the value")]
    direction: Annotated[Direction, Field(description="Which way is better")]
    items: Annotated[list[ComparisonBody], Field(description="In the order asked for")]


@dataclass(frozen=True, slots=True)
class Compared:
    """What a value is compared with.

    Attributes:
        base: None where it is no longer kept.
    """

    against: Against
    at: datetime
    base: Judged | None


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
    step_s: Annotated[
        int | None, Field(description="Seconds from one point to the next; null: one window, as prev has it")
    ]
    overlapping: Annotated[
        bool, Field(description="Windows of neighbours share events, so that p_value is too small")
    ]
    as_of: Annotated[datetime, Field(description="What had reached the log before this is counted")]
    n: Annotated[
        int,
        Field(
            description="How many points have a value and a window as long as the newest; others are left out"
        ),
    ]
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


def compared_body(kpi: Kpi, now: Judged, compared: Sequence[Compared]) -> ComparedBody:
    """*now* beside what it is compared with."""
    body = value_body(kpi, now.reading, now.judgement)
    values = {each.name: getattr(body, each.name) for each in fields(body)}
    items = [_comparison_body(kpi, now, each) for each in compared]
    return ComparedBody(**values, at=now.at.astimezone(UTC), direction=kpi.direction, items=items)


def _comparison_body(kpi: Kpi, now: Judged, compared: Compared) -> ComparisonBody:
    if compared.base is None:
        return _untold(compared, None, Gap.NOT_KEPT)
    reading, before = now.reading, compared.base.reading
    before_excess = _excess_us(kpi, before, compared.at)
    base = _base_body(compared.base, excess_s=round(before_excess / SECOND_US))
    found = change(reading.value, before.value)
    if found is None:
        return _untold(compared, base, Gap.NO_DATA)
    if not are_alike(_length_us(before), before_excess, _excess_us(kpi, reading, now.at)):
        return _untold(compared, base, Gap.TOO_COARSE)
    aim = now.judgement.target
    return ComparisonBody(
        against=compared.against,
        at=compared.at.astimezone(UTC),
        base=base,
        change=found.absolute,
        relative_change=found.relative,
        judgement=judgement(reading.value, before.value, direction=kpi.direction, target=aim),
        reason=None,
    )


def _untold(compared: Compared, base: BaseBody | None, reason: Gap) -> ComparisonBody:
    return ComparisonBody(
        against=compared.against,
        at=compared.at.astimezone(UTC),
        base=base,
        change=None,
        relative_change=None,
        judgement=None,
        reason=reason,
    )


def _excess_us(kpi: Kpi, reading: Reading, at: datetime) -> int:
    start_us, end_us = instant_us(reading.window_start), instant_us(reading.window_end)
    return excess_us(kpi.window_of(reading.window), instant_us(at), start_us, end_us, Calendar(kpi.zone))


def _length_us(reading: Reading) -> int:
    return instant_us(reading.window_end) - instant_us(reading.window_start)


def _base_body(base: Judged, *, excess_s: int) -> BaseBody:
    reading = base.reading
    return BaseBody(
        value=reading.value,
        n=reading.n,
        window_start=reading.window_start.astimezone(UTC),
        window_end=reading.window_end.astimezone(UTC),
        excess_s=excess_s,
        complete=reading.complete,
        target=target_body(base.judgement),
        status=base.judgement.status,
        attainment=base.judgement.attainment,
    )


def trend_body(kpi: Kpi, points: Sequence[Judged], *, step_s: int | None) -> TrendBody:
    """What the *points* of *kpi*, at least one, come to; a band is that of the newest."""
    newest = points[-1].reading
    instants, aim = [each.at for each in points], points[-1].judgement.target
    found = trend(instants, _comparable(kpi, points), direction=kpi.direction, target=aim)
    return TrendBody(
        kpi=newest.slug,
        version=newest.version,
        window=newest.window,
        dimensions=newest.dimensions,
        unit=kpi.unit,
        direction=kpi.direction,
        step_s=step_s,
        overlapping=share_events([(each.reading.window_start, each.reading.window_end) for each in points]),
        as_of=newest.as_of.astimezone(UTC),
        n=found.n,
        slope_per_day=found.slope_per_day,
        p_value=found.p_value,
        course=found.course,
        judgement=found.judgement,
        best=_extreme_body(found.best),
        worst=_extreme_body(found.worst),
        percentile=found.percentile,
        items=point_bodies(points),
    )


def _comparable(kpi: Kpi, points: Sequence[Judged]) -> list[Decimal | None]:
    """The values, but for those whose windows are not as long as the newest one."""
    excesses = [_excess_us(kpi, each.reading, each.at) for each in points]
    return [
        each.reading.value if are_alike(_length_us(each.reading), excess, excesses[-1]) else None
        for each, excess in zip(points, excesses, strict=True)
    ]


def _extreme_body(point: Point | None) -> ExtremeBody | None:
    return None if point is None else ExtremeBody(point.at, point.value)
