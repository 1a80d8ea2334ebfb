"""Values over HTTP: one KPI at an instant, its series, and many current values at once."""

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from services.api.answers import answer, readings_etag
from services.api.dependencies import (
    ApiState,
    CurrentCatalogue,
    State,
    known_breakdown,
    known_kpi,
    known_window,
    known_windows,
    only,
)
from services.api.freshness import defined, fresh
from services.api.parameters import InvalidParameterError, dimensions, instant, readable, series_key
from services.api.readers import Combination
from services.api.routes.pages import Cursor, Limit, Place, page_after, position_of
from services.api.schemas import ValueBody, ValuesBody, value_body
from shared.domain.definitions import Catalogue, Kpi
from shared.storage.current import CurrentReading
from shared.storage.readings import Ask

router = APIRouter(prefix="/v1", tags=["values"])

_VALUE_PARAMETERS = ("window", "at", "breakdown", "limit", "cursor")
_VALUES_PARAMETERS = ("kpi", "window", "limit", "cursor")

DIMENSIONS: dict[str, Any] = {
    "parameters": [
        {
            "name": "dimensions",
            "in": "query",
            "required": False,
            "style": "form",
            "explode": True,
            "schema": {"type": "object", "additionalProperties": {"type": "string"}},
            "description": "Every other parameter is a dimension, such as carrier=AA; together they must be "
            "one of the KPI's breakdowns. An empty value stands for events without the dimension. One named "
            "like another parameter is written with data. before it, such as data.window=1.",
        }
    ]
}
"""How OpenAPI says that names of parameters are the caller's to choose."""

Window = Annotated[str | None, Query(description="One of the KPI's windows; its first one when left out")]


@dataclass(frozen=True, slots=True)
class Moment:
    """A KPI over a window at an instant, as asked for."""

    kpi: Kpi
    window: str
    at: datetime
    now: datetime

    def ask(self, combination: Combination) -> Ask:
        """The question about one series."""
        return Ask(self.kpi.slug, self.window, combination, self.at)


def _moment(
    slug: str,
    state: State,
    catalogue: CurrentCatalogue,
    window: Window = None,
    at: Annotated[str | None, Query(description="RFC 3339 with its offset; now when left out")] = None,
) -> Moment:
    kpi = known_kpi(catalogue, slug)
    now = state.clock()
    instant_at = now if at is None else readable("at", instant("at", at), now=now)
    return Moment(kpi, known_window(kpi, window), instant_at, now)


@router.get(
    "/kpis/{slug}/value", response_model=ValueBody | ValuesBody, openapi_extra=DIMENSIONS, name="show_value"
)
async def show_value(
    request: Request,
    *,
    state: State,
    catalogue: CurrentCatalogue,
    moment: Annotated[Moment, Depends(_moment)],
    breakdown: Annotated[
        str | None, Query(description="Names of dimensions, comma separated: every series of that breakdown")
    ] = None,
    limit: Limit = 500,
    cursor: Cursor = None,
) -> Response:
    """The value of a KPI over a window at an instant, or those of all series of a breakdown."""
    asked = dimensions(request.query_params, reserved=_VALUE_PARAMETERS)
    if breakdown is None:
        return await _one(request, state, catalogue, moment, asked)
    if asked:
        raise InvalidParameterError("breakdown", "asks for every series; leave the dimensions out")
    names = known_breakdown(moment.kpi, tuple(breakdown.split(",")))
    found = sorted(await state.readings.combinations(catalogue, moment.kpi.slug, names), key=_place)
    page, next_cursor = page_after(found, _place, cursor=cursor, limit=limit)
    asks = [moment.ask(combination) for combination in page]
    readings = await state.readings.evaluate(catalogue, asks, now=moment.now)
    body = ValuesBody(items=[value_body(moment.kpi, each) for each in readings], next_cursor=next_cursor)
    return answer(request, body, etag=readings_etag(readings))


async def _one(
    request: Request,
    state: ApiState,
    catalogue: Catalogue,
    moment: Moment,
    asked: Mapping[str, str | None],
) -> Response:
    known_breakdown(moment.kpi, tuple(asked))
    ask = moment.ask(tuple(sorted(asked.items())))
    readings = await state.readings.evaluate(catalogue, [ask], now=moment.now)
    return answer(request, value_body(moment.kpi, readings[0]), etag=readings_etag(readings))


def _place(combination: Combination) -> Place:
    return (series_key(dict(combination)),)


@router.get("/values", response_model=ValuesBody, dependencies=[Depends(only(*_VALUES_PARAMETERS))])
async def list_values(
    request: Request,
    *,
    state: State,
    catalogue: CurrentCatalogue,
    kpi: Annotated[list[str] | None, Query(description="Only these KPIs; may be given often")] = None,
    window: Annotated[list[str] | None, Query(description="Only these windows; may be given often")] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Response:
    """The current values of all series, by KPI, window and dimensions."""
    slugs = sorted({known_kpi(catalogue, slug).slug for slug in kpi or catalogue.kpis})
    left = slugs if cursor is None else slugs[bisect_left(slugs, position_of(cursor)[0]) :]
    windows = sorted(known_windows(catalogue, window or ())) or None
    rows = await state.readings.current(slugs=left, windows=windows)
    found = sorted(defined(catalogue, rows), key=_current_place)
    page, next_cursor = page_after(found, _current_place, cursor=cursor, limit=limit)
    readings = [row.reading for row in await fresh(state.readings, catalogue, page, now=state.clock())]
    items = [value_body(catalogue.kpis[each.slug], each) for each in readings]
    return answer(
        request, ValuesBody(items=items, next_cursor=next_cursor), etag=readings_etag(readings, next_cursor)
    )


def _current_place(row: CurrentReading) -> Place:
    return row.reading.slug, row.reading.window, series_key(row.reading.dimensions)
