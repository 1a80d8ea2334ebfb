"""The bodies of histories, of one series or of several; for bytes and for OpenAPI."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from pydantic import Field

from services.api.schemas.annotations import AnnotationBody
from services.api.schemas.values import Judged, PointBody, point_bodies
from shared.domain.definitions import Kpi
from shared.domain.gaps import Fill
from shared.domain.reckonings import Period

_Window = Annotated[str | None, Field(description="null: each point is a whole period, as bucket says")]
_Bucket = Annotated[Period | None, Field(description="The period of the calendar that each point is of")]
_Step = Annotated[str | None, Field(description="From one point to the next; null: a whole period")]
_StepS = Annotated[int | None, Field(description="The step in seconds; null: it follows the calendar")]
_Zone = Annotated[str, Field(description="Whose calendar days, months and periods are of")]
_Fill = Annotated[Fill, Field(description="What stands where there is no data; such points are filled")]
_AsOf = Annotated[datetime, Field(description="What had reached the log before this is counted")]


@dataclass(frozen=True, slots=True)
class HistoryBody:
    """How a KPI has gone."""

    kpi: str
    version: int
    window: _Window
    bucket: _Bucket
    dimensions: Mapping[str, str | None]
    unit: str | None
    step: _Step
    step_s: _StepS
    zone: _Zone
    fill: _Fill
    as_of: _AsOf
    items: list[PointBody]
    annotations: Annotated[
        list[AnnotationBody] | None,
        Field(description="What was said about it, the newest first; null unless asked for"),
    ] = None


@dataclass(frozen=True, slots=True)
class SeriesBody:
    """How one series of a breakdown has gone."""

    dimensions: Mapping[str, str | None]
    items: list[PointBody]


@dataclass(frozen=True, slots=True)
class HistoriesBody:
    """How several series of a KPI have gone, all at the same instants."""

    kpi: str
    version: int
    window: _Window
    bucket: _Bucket
    breakdown: list[str]
    unit: str | None
    step: _Step
    step_s: _StepS
    zone: _Zone
    fill: _Fill
    as_of: Annotated[datetime | None, Field(description="As of one series; null: there are none")]
    series: Annotated[
        list[SeriesBody],
        Field(description="By dimensions; with top, the largest at the newest instant first"),
    ]


@dataclass(frozen=True, slots=True)
class Terms:
    """What a history is of, besides its series."""

    kpi: Kpi
    version: int
    window: str | None
    bucket: Period | None
    step: str | None
    step_s: int | None
    zone: str
    fill: Fill


def history_body(terms: Terms, points: Sequence[Judged]) -> HistoryBody:
    """The *points* of one series, at least one."""
    first = points[0].reading
    return HistoryBody(
        kpi=terms.kpi.slug,
        version=terms.version,
        window=terms.window,
        bucket=terms.bucket,
        dimensions=first.dimensions,
        unit=terms.kpi.unit,
        step=terms.step,
        step_s=terms.step_s,
        zone=terms.zone,
        fill=terms.fill,
        as_of=first.as_of.astimezone(UTC),
        items=point_bodies(points, terms.fill),
    )


def histories_body(terms: Terms, names: Sequence[str], series: Sequence[Sequence[Judged]]) -> HistoriesBody:
    """Several *series* by the dimensions *names*, each with at least one point."""
    return HistoriesBody(
        kpi=terms.kpi.slug,
        version=terms.version,
        window=terms.window,
        bucket=terms.bucket,
        breakdown=list(names),
        unit=terms.kpi.unit,
        step=terms.step,
        step_s=terms.step_s,
        zone=terms.zone,
        fill=terms.fill,
        as_of=series[0][0].reading.as_of.astimezone(UTC) if series else None,
        series=[SeriesBody(each[0].reading.dimensions, point_bodies(each, terms.fill)) for each in series],
    )
