"""How a KPI has gone: its value over one window at evenly spaced instants."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from services.api.answers import answer, readings_etag
from services.api.dependencies import (
    CurrentCatalogue,
    Scope,
    State,
    known_breakdown,
    known_kpi,
    known_window,
    needs,
)
from services.api.meanings import judged
from services.api.parameters import (
    InvalidParameterError,
    dimensions,
    instant_or_relative,
    instants,
    readable,
    step_of,
)
from services.api.routes.values import DIMENSIONS, KnownAt, Window, evaluated, seen_from
from services.api.sayings import said_within
from services.api.schemas import HistoryBody, Judged, history_body
from shared.storage.readings import Ask

router = APIRouter(prefix="/v1", tags=["values"], dependencies=[needs(Scope.READ)])

_PARAMETERS = ("window", "from", "to", "step", "known_at", "annotations")

MAX_KNOWN_POINTS = 500
"""How many points a history as known earlier may have: each is merged of all that lies between two points."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """The instants of a history, as seen from *now*; a past one if it is asked what was known then."""

    instants: list[datetime]
    step: timedelta
    now: datetime
    is_past: bool


async def _stretch(
    state: State,
    start: Annotated[
        str, Query(alias="from", description="RFC 3339 with its offset, or relative such as now-24h")
    ] = "now-24h",
    end: Annotated[str, Query(alias="to", description="Like from, and not before it")] = "now",
    step: Annotated[
        str | None, Query(description="Such as 30s, 5m or 1h; fits the interval when left out")
    ] = None,
    known_at: KnownAt = None,
) -> Stretch:
    now, is_past = seen_from(state, known_at), known_at is not None
    start_at = readable("from", instant_or_relative("from", start, now=now), now=now)
    end_at = readable("to", instant_or_relative("to", end, now=now), now=now)
    if end_at < start_at:
        raise InvalidParameterError("to", "lies before from")
    every = step_of(step, span=end_at - start_at)
    found = instants(start_at, end_at, every=every)
    if is_past and len(found) > MAX_KNOWN_POINTS:
        raise InvalidParameterError("step", f"makes more than {MAX_KNOWN_POINTS} points, with known_at")
    return Stretch(found, every, now, is_past)


@router.get("/kpis/{slug}/history", response_model=HistoryBody, openapi_extra=DIMENSIONS)
async def show_history(
    request: Request,
    slug: str,
    *,
    state: State,
    catalogue: CurrentCatalogue,
    stretch: Annotated[Stretch, Depends(_stretch)],
    window: Window = None,
    annotations: Annotated[
        bool, Query(description="Also what was said about the series meanwhile, the newest 500")
    ] = False,
) -> Response:
    """The value of a KPI over one window at each step of an interval, the edges included."""
    kpi = known_kpi(catalogue, slug)
    known = known_window(kpi, window)
    asked = dimensions(request.query_params, reserved=_PARAMETERS)
    known_breakdown(kpi, tuple(asked))
    combination = tuple(sorted(asked.items()))
    asks = [Ask(kpi.slug, known, combination, at) for at in stretch.instants]
    readings = await evaluated(state, catalogue, asks, now=stretch.now, is_past=stretch.is_past)
    step_s = round(stretch.step.total_seconds())
    judgements = await judged(state, catalogue, readings, known_at=stretch.now if stretch.is_past else None)
    points = list(map(Judged, stretch.instants, readings, judgements))
    body = history_body(kpi, points, step_s=step_s)
    if annotations:
        edges = stretch.instants[0], stretch.instants[-1]
        said = await said_within(state, catalogue, (kpi.slug, known, asked), edges)
        body = replace(body, annotations=said)
    return answer(
        request, body, etag=readings_etag(readings, judgements, stretch.instants[0], step_s, body.annotations)
    )
