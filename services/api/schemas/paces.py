"""The body that tells how a period is going; for bytes and for OpenAPI."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from pydantic import Field

from services.api.schemas.values import Attainment, Number, TargetBody
from shared.domain.pace import ProjectionMethod, Reason
from shared.domain.targets import Direction, Status


@dataclass(frozen=True, slots=True)
class EarlierBody:
    """An earlier period that the projection goes by."""

    start: datetime
    end: datetime
    at: Annotated[datetime, Field(description="As far into it as the instant of the value, by the clock")]
    done: Annotated[Number | None, Field(description="Its value by then; null: none that can be compared")]
    total: Annotated[Number | None, Field(description="Its value at its end")]
    share: Annotated[
        Number | None,
        Field(description="done / total, to 34 digits; null where it is no part from 0 to 1: not gone by"),
    ]


@dataclass(frozen=True, slots=True)
class ProjectionBody:
    """What the period will come to, if nothing changes its course."""

    value: Annotated[Number | None, Field(description="null: nothing can be said, see reason")]
    method: Annotated[ProjectionMethod | None, Field(description="null: there is no projection")]
    reason: Annotated[Reason, Field(description="Why that method, or why none")]
    low: Annotated[
        Number | None, Field(description="If it goes as the earlier period that was furthest by this point")
    ]
    high: Annotated[
        Number | None, Field(description="If it goes as the one that was least far; null: that had nothing")
    ]
    status: Annotated[Status, Field(description="How the projection stands to the target of the period")]
    attainment: Attainment
    earlier: Annotated[list[EarlierBody], Field(description="The nearest first, 8 at most")]


@dataclass(frozen=True, slots=True)
class PaceBody:
    """How far a KPI has come in a period, how far it should be, and where it will end."""

    kpi: str
    version: int
    window: str
    dimensions: Mapping[str, str | None]
    unit: str | None
    direction: Annotated[Direction, Field(description="Which way is better")]
    at: Annotated[datetime, Field(description="The instant that was asked for")]
    value: Annotated[Number | None, Field(description="Of the period so far; null: no data")]
    n: Annotated[int, Field(description="How many events went into the value")]
    period_start: datetime
    period_end: Annotated[datetime, Field(description="The first instant after the period")]
    until: Annotated[datetime, Field(description="Up to where the period is taken to be over")]
    elapsed: Annotated[Number, Field(description="The part of its time that is over, 0 to 1")]
    as_of: Annotated[datetime, Field(description="What had reached the log before this is counted")]
    complete: Annotated[bool, Field(description="No event of the window is expected any more")]
    target: Annotated[
        TargetBody | None, Field(description="Of the whole period; null: none holds, or it is not known")
    ]
    expected: Annotated[Number | None, Field(description="What should be there by now; null: no target")]
    ahead: Annotated[Number | None, Field(description="value less expected; negative is behind")]
    status: Annotated[Status, Field(description="How the value stands to what is expected by now")]
    attainment: Attainment
    rate_per_day: Annotated[Number | None, Field(description="What came in 24 hours on average so far")]
    required_per_day: Annotated[
        Number | None,
        Field(description="What has to come, with the direction down what may come, in 24 hours of the rest"),
    ]
    projection: ProjectionBody
