"""The body that tells what each series did to a change; for bytes and for OpenAPI."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from services.api.schemas.comparisons import Gap
from services.api.schemas.values import Number
from shared.domain.comparisons import Against
from shared.domain.contributions import Explanation, Part
from shared.domain.definitions import Kpi
from shared.domain.quotients import Linear, Shape
from shared.domain.readings import Reading
from shared.storage.contributions import Change


class ContributionMethod(StrEnum):
    """How a change is told by parts."""

    DIFFERENCE = "difference"
    """The KPI adds up over its series, so each contributes what it changed by."""
    MIX_AND_RATE = "mix_and_rate"
    """The KPI is a quotient: a part contributes by its weight (mix) and by its own quotient (rate)."""


@dataclass(frozen=True, slots=True)
class MomentBody:
    """The total at one of both instants."""

    at: Annotated[datetime, Field(description="The instant")]
    value: Annotated[Number | None, Field(description="null: there is no data to make a value of")]
    n: Annotated[int, Field(description="How many events went into the value")]
    window_start: datetime
    window_end: datetime


@dataclass(frozen=True, slots=True)
class ContributionBody:
    """A series at both instants, and what it did to the change of the total."""

    dimensions: Annotated[
        Mapping[str, str | None],
        Field(description="__other__ is everything that is not an item of its own; a null stands for events"
              " without the dimension"),
    ]  # fmt: skip
    value: Annotated[Number | None, Field(description="null: there is no data to make a value of")]
    n: Annotated[int, Field(description="How many events went into the value")]
    base: Annotated[Number | None, Field(description="The value of then")]
    base_n: Annotated[int, Field(description="How many events went into the value of then")]
    change: Annotated[
        Number | None,
        Field(description="The value less that of then, exactly; null: one of both is, or see reason"),
    ]
    contribution: Annotated[
        Number | None,
        Field(description="Of all items together exactly the change of the total; null: there is none"),
    ]
    mix_effect: Annotated[
        Number | None,
        Field(description="Of a quotient: what the part's weight did, with which rate_effect makes up the"
              " contribution"),
    ]  # fmt: skip
    rate_effect: Annotated[Number | None, Field(description="Of a quotient: what the part's own value did")]


@dataclass(frozen=True, slots=True)
class ContributionsBody:
    """The change of a KPI over a window between two instants, told by the series of a breakdown."""

    kpi: str
    version: int
    window: str
    breakdown: Annotated[list[str], Field(description="The dimensions whose values explain the change")]
    unit: str | None
    against: Annotated[Against, Field(description="What it is compared with, one of those of the parameter")]
    method: Annotated[ContributionMethod, Field(description="How the change is told by the items")]
    now: Annotated[MomentBody, Field(description="The total at the instant asked for")]
    base: Annotated[MomentBody, Field(description="The total at the instant that it is compared with")]
    change: Annotated[
        Number | None, Field(description="The value less that of then, exactly; null: see reason")
    ]
    reason: Annotated[
        Gap | None,
        Field(description="Why there is no change: a value is null, or the windows differ in length by more"
              " than a twentieth, for old panes are coarse"),
    ]  # fmt: skip
    as_of: Annotated[datetime, Field(description="What had reached the log before this is counted")]
    complete: Annotated[bool, Field(description="No event of either window is expected any more")]
    items: Annotated[
        list[ContributionBody],
        Field(
            description="The largest contribution, whatever its sign, comes first; what is left comes last"
        ),
    ]


def contributions_body(
    kpi: Kpi, found: Explanation, shape: Shape, change: Change, *, against: Against, gap: Gap | None
) -> ContributionsBody:
    """What *found* says of *change*, a change of *kpi*; only the values if there is a *gap*."""
    whole = found.whole
    readings = readings_in(found)
    return ContributionsBody(
        kpi=kpi.slug,
        version=whole.now.version,
        window=change.window,
        breakdown=list(change.breakdown),
        unit=kpi.unit,
        against=against,
        method=ContributionMethod.DIFFERENCE
        if isinstance(shape, Linear)
        else ContributionMethod.MIX_AND_RATE,
        now=_moment(whole.now, change.now),
        base=_moment(whole.then, change.then),
        change=whole.change if gap is None else None,
        reason=gap,
        as_of=min(reading.as_of for reading in readings).astimezone(UTC),
        complete=all(reading.complete for reading in readings),
        items=[_contribution(part, is_told=gap is None) for part in found.parts],
    )


def readings_in(found: Explanation) -> list[Reading]:
    """Every reading of *found*, at both instants."""
    compared = (found.whole, *(part.compared for part in found.parts))
    return [reading for each in compared for reading in (each.then, each.now)]


def _moment(reading: Reading, at: datetime) -> MomentBody:
    return MomentBody(
        at=at.astimezone(UTC),
        value=reading.value,
        n=reading.n,
        window_start=reading.window_start.astimezone(UTC),
        window_end=reading.window_end.astimezone(UTC),
    )


def _contribution(part: Part, *, is_told: bool) -> ContributionBody:
    compared, found = part.compared, part.contribution if is_told else None
    return ContributionBody(
        dimensions=compared.now.dimensions,
        value=compared.now.value,
        n=compared.now.n,
        base=compared.then.value,
        base_n=compared.then.n,
        change=compared.change if is_told else None,
        contribution=None if found is None else found.amount,
        mix_effect=None if found is None else found.mix,
        rate_effect=None if found is None else found.rate,
    )
