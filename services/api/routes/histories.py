"""How a KPI has gone: its value over one window at evenly spaced instants."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from services.api.answers import answer, readings_etag
from services.api.dependencies import CurrentCatalogue, State, known_breakdown, known_kpi, known_window
from services.api.parameters import (
    InvalidParameterError,
    dimensions,
    instant_or_relative,
    instants,
    readable,
    step_of,
)
from services.api.routes.values import DIMENSIONS, Window
from services.api.schemas import HistoryBody, history_body
from shared.storage.readings import Ask

router = APIRouter(prefix="/v1", tags=["values"])

_PARAMETERS = ("window", "from", "to", "step")


@dataclass(frozen=True, slots=True)
class Stretch:
    """The instants of a history, as seen at *now*."""

    instants: list[datetime]
    step: timedelta
    now: datetime


def _stretch(
    state: State,
    start: Annotated[
        str, Query(alias="from", description="RFC 3339 with its offset, or relative such as now-24h")
    ] = "now-24h",
    end: Annotated[str, Query(alias="to", description="Like from, and not before it")] = "now",
    step: Annotated[
        str | None, Query(description="Such as 30s, 5m or 1h; fits the interval when left out")
    ] = None,
) -> Stretch:
    now = state.clock()
    start_at = readable("from", instant_or_relative("from", start, now=now), now=now)
    end_at = readable("to", instant_or_relative("to", end, now=now), now=now)
    if end_at < start_at:
        raise InvalidParameterError("to", "lies before from")
    every = step_of(step, span=end_at - start_at)
    return Stretch(instants(start_at, end_at, every=every), every, now)


@router.get("/kpis/{slug}/history", response_model=HistoryBody, openapi_extra=DIMENSIONS)
async def show_history(
    request: Request,
    slug: str,
    *,
    state: State,
    catalogue: CurrentCatalogue,
    stretch: Annotated[Stretch, Depends(_stretch)],
    window: Window = None,
) -> Response:
    """The value of a KPI over one window at each step of an interval, the edges included."""
    kpi = known_kpi(catalogue, slug)
    known = known_window(kpi, window)
    asked = dimensions(request.query_params, reserved=_PARAMETERS)
    known_breakdown(kpi, tuple(asked))
    combination = tuple(sorted(asked.items()))
    asks = [Ask(kpi.slug, known, combination, at) for at in stretch.instants]
    readings = await state.readings.evaluate(catalogue, asks, now=stretch.now)
    step_s = round(stretch.step.total_seconds())
    body = history_body(kpi, readings, instants=stretch.instants, step_s=step_s)
    return answer(request, body, etag=readings_etag(readings, stretch.instants[0], step_s))
