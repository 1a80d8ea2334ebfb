"""How a KPI stands to what it was, and where it is heading."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from services.api.dependencies import (
    CurrentCatalogue,
    Scope,
    State,
    known_breakdown,
    known_kpi,
    known_window,
    needs,
)
from services.api.exports.answers import exported
from services.api.exports.formats import TABLES, AsFormat
from services.api.exports.tables import comparison_table
from services.api.http.answers import answer, readings_etag
from services.api.http.parameters import (
    KEPT,
    InvalidParameterError,
    dimensions,
    instant_or_relative,
    readable,
    step_of,
)
from services.api.meanings import judged
from services.api.readers import Combination
from services.api.routes.values import DIMENSIONS, KnownAt, Moment, Window, evaluated, moment_of, seen_from
from services.api.schemas.comparisons import Compared, ComparedBody, TrendBody, compared_body, trend_body
from services.api.schemas.values import Judged
from shared.domain.calendars import Calendar, as_datetime, instant_us
from shared.domain.comparisons import Against, Alignment, compared_at
from shared.domain.definitions import Kpi
from shared.domain.trends import apart
from shared.storage.readings import Ask

router = APIRouter(prefix="/v1", tags=["values"], dependencies=[needs(Scope.READ)])

_COMPARE_PARAMETERS = ("window", "at", "known_at", "with", "align", "format")
_TREND_PARAMETERS = ("window", "from", "to", "step", "known_at")

USUAL_POINTS = 30
"""How many points a trend is told by unless another begin is asked for: enough to be sure of a clear one."""

MAX_TREND_POINTS = 500
"""How many points a trend may have: every two of them are compared."""


def _series(request: Request, kpi: Kpi, *, reserved: Sequence[str]) -> Combination:
    asked = dimensions(request.query_params, reserved=reserved)
    known_breakdown(kpi, tuple(asked))
    return tuple(sorted(asked.items()))


@router.get("/kpis/{slug}/compare", response_model=ComparedBody, responses=TABLES, openapi_extra=DIMENSIONS)
async def show_comparison(
    request: Request,
    *,
    state: State,
    catalogue: CurrentCatalogue,
    moment: Annotated[Moment, Depends(moment_of)],
    against: Annotated[
        list[Against] | None,
        Query(
            alias="with",
            description="The window a period earlier, as prev has it, or at the same local time a week, a"
            " month or a year earlier; may be given often; previous when left out",
        ),
    ] = None,
    align: Annotated[
        Alignment,
        Query(description="weekday: a month is 28 days and a year 364, so that the days of the week meet"),
    ] = Alignment.DATE,
    as_format: AsFormat = None,
) -> Response:
    """The value of a KPI over a window at an instant beside earlier ones, of one snapshot."""
    combination = _series(request, moment.kpi, reserved=_COMPARE_PARAMETERS)
    instants = {each: instant_before(moment, each, align) for each in against or [Against.PREVIOUS]}
    kept = [each for each, at in instants.items() if at >= moment.now - KEPT]
    asks = [moment.ask(combination), *(replace(moment, at=instants[each]).ask(combination) for each in kept)]
    readings = await evaluated(state, catalogue, asks, now=moment.now, is_past=moment.is_past)
    judgements = await judged(state, catalogue, readings, known_at=moment.known_at)
    points = list(map(Judged, [each.at for each in asks], readings, judgements))
    found = dict(zip(kept, points[1:], strict=True))
    compared = [Compared(each, at, found.get(each)) for each, at in instants.items()]
    body = compared_body(moment.kpi, points[0], compared)
    # Of the readings alone, not of the instants: these move with every second in which nothing else does.
    return await exported(
        request,
        body,
        lambda: comparison_table(body, names=[name for name, _ in combination]),
        etag=readings_etag(readings, judgements),
        wanted=as_format,
        name=f"{moment.kpi.slug}-compare",
    )


def instant_before(moment: Moment, against: Against, align: Alignment) -> datetime:
    """What *moment* is compared with."""
    kpi = moment.kpi
    window, calendar = kpi.window_of(moment.window), Calendar(kpi.zone)
    before_us = compared_at(
        against, window, instant_us(moment.at), calendar,
        align=align, reckoning=kpi.reckoning, holidays=kpi.holidays,
    )  # fmt: skip
    return as_datetime(before_us)


@dataclass(frozen=True, slots=True)
class Stretch:
    """The instants of a trend, as seen from *now*; a past one if it is asked what was known then.

    Attributes:
        step: how far apart they are; None where each is one window before the next.
    """

    kpi: Kpi
    window: str
    instants: list[datetime]
    step: timedelta | None
    now: datetime
    is_past: bool

    @property
    def step_s(self) -> int | None:
        """The step in seconds."""
        return None if self.step is None else round(self.step.total_seconds())


async def _stretch(
    slug: str,
    state: State,
    catalogue: CurrentCatalogue,
    *,
    window: Window = None,
    start: Annotated[
        str | None,
        Query(
            alias="from",
            description="RFC 3339 with its offset, or relative such as now-24h: no point lies before it;"
            f" {USUAL_POINTS} points, as far as they are kept, when left out",
        ),
    ] = None,
    end: Annotated[
        str, Query(alias="to", description="Like from, and not before it: the instant of the newest point")
    ] = "now",
    step: Annotated[
        str | None,
        Query(description="Such as 30s, 5m or 1h; one window, so that they share no events, when left out"),
    ] = None,
    known_at: KnownAt = None,
) -> Stretch:
    kpi = known_kpi(catalogue, slug)
    name, now = known_window(kpi, window), seen_from(state, known_at)
    end_at = readable("to", instant_or_relative("to", end, now=now), now=now)
    start_at = (
        None if start is None else readable("from", instant_or_relative("from", start, now=now), now=now)
    )
    if start_at is not None and end_at < start_at:
        raise InvalidParameterError("to", "lies before from")
    since, most = (now - KEPT, USUAL_POINTS) if start_at is None else (start_at, MAX_TREND_POINTS + 1)
    every = None if step is None else step_of(step, span=timedelta(0))
    found = _apart(kpi, name, end_at, every, since=since, most=most)
    if len(found) > MAX_TREND_POINTS:
        raise InvalidParameterError("step", f"makes more than {MAX_TREND_POINTS} points of this interval")
    return Stretch(kpi, name, found, every, now, is_past=known_at is not None)


def _apart(
    kpi: Kpi, window: str, end: datetime, step: timedelta | None, *, since: datetime, most: int
) -> list[datetime]:
    """The instants up to *end*, oldest first."""
    if step is not None:
        numbers = range(min((end - since) // step + 1, most))
        return [end - step * number for number in reversed(numbers)]
    instants_us = apart(
        kpi.window_of(window), instant_us(end), Calendar(kpi.zone), since_us=instant_us(since), most=most
    )
    return [as_datetime(at_us) for at_us in instants_us]


@router.get("/kpis/{slug}/trend", response_model=TrendBody, openapi_extra=DIMENSIONS)
async def show_trend(
    request: Request,
    *,
    state: State,
    catalogue: CurrentCatalogue,
    stretch: Annotated[Stretch, Depends(_stretch)],
) -> Response:
    """Where a KPI over one window is heading, how sure that is, and where its newest value stands in it."""
    combination = _series(request, stretch.kpi, reserved=_TREND_PARAMETERS)
    asks = [Ask(stretch.kpi.slug, stretch.window, combination, at) for at in stretch.instants]
    readings = await evaluated(state, catalogue, asks, now=stretch.now, is_past=stretch.is_past)
    judgements = await judged(state, catalogue, readings, known_at=stretch.now if stretch.is_past else None)
    body = trend_body(
        stretch.kpi,
        list(map(Judged, stretch.instants, readings, judgements)),
        step_s=stretch.step_s,
    )
    etag = readings_etag(readings, judgements, stretch.instants[0], stretch.step_s)
    return answer(request, body, etag=etag)
