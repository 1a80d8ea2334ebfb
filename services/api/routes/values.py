"""Values over HTTP: one KPI at an instant, its series, and many current values at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from services.api.dependencies import (
    ApiState,
    CurrentCatalogue,
    Scope,
    State,
    known_breakdown,
    known_kpi,
    known_window,
    needs,
)
from services.api.exports.answers import exported
from services.api.exports.formats import TABLES, AsFormat, Format
from services.api.exports.tables import value_table
from services.api.exports.value_answers import File, told_values, values_answer
from services.api.http.answers import readings_etag
from services.api.http.parameters import (
    InvalidParameterError,
    dimensions,
    instant,
    known,
    readable,
    series_key,
)
from services.api.meanings import judged
from services.api.readers import Combination, Picked
from services.api.routes.pages import Cursor, Limit, Place, page_after
from services.api.schemas.values import ValueBody, ValuesBody, value_body
from shared.domain.definitions import Catalogue, Kpi
from shared.domain.readings import Reading
from shared.storage.readings import Ask

router = APIRouter(prefix="/v1", tags=["values"], dependencies=[needs(Scope.READ)])

_VALUE_PARAMETERS = ("window", "at", "known_at", "breakdown", "top", "limit", "cursor", "format")

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

Top = Annotated[
    int | None,
    Query(
        ge=1,
        le=500,
        description="Of a breakdown only so many series with the largest values, then one whose"
        " dimensions are __other__, with the value of all other events together",
    ),
]

KnownAt = Annotated[
    str | None,
    Query(description="RFC 3339 with its offset: the answer of then, when less had been counted"),
]


@dataclass(frozen=True, slots=True)
class Moment:
    """A KPI over a window at an instant, as asked for.

    Attributes:
        now: as seen from when; the present, or the time that is asked about.
        is_past: whether it is asked what was known then.
    """

    kpi: Kpi
    window: str
    at: datetime
    now: datetime
    is_past: bool

    @property
    def known_at(self) -> datetime | None:
        """What was known when, if that is asked."""
        return self.now if self.is_past else None

    def ask(self, combination: Combination) -> Ask:
        """The question about one series."""
        return Ask(self.kpi.slug, self.window, combination, self.at)


async def moment_of(
    slug: str,
    state: State,
    catalogue: CurrentCatalogue,
    *,
    window: Window = None,
    at: Annotated[str | None, Query(description="RFC 3339 with its offset; now when left out")] = None,
    known_at: KnownAt = None,
) -> Moment:
    """What the parameters of a request ask about."""
    kpi = known_kpi(catalogue, slug)
    now = seen_from(state, known_at)
    instant_at = now if at is None else readable("at", instant("at", at), now=now)
    return Moment(kpi, known_window(kpi, window), instant_at, now, is_past=known_at is not None)


def seen_from(state: ApiState, known_at: str | None) -> datetime:
    """The time that *known_at* names; the present when it is left out.

    Raises:
        InvalidParameterError: it is no time, or one that nothing is known of.
    """
    now = state.clock()
    return now if known_at is None else known("known_at", known_at, now=now)


async def evaluated(
    state: ApiState, catalogue: Catalogue, asks: Sequence[Ask], *, now: datetime, is_past: bool
) -> list[Reading]:
    """The readings of *asks* as seen from *now*, which is the present unless it *is_past*."""
    if is_past:
        return await state.past.readings(catalogue, asks, at=now)
    return await state.readings.evaluate(catalogue, asks, now=now)


@router.get(
    "/kpis/{slug}/value",
    response_model=ValueBody | ValuesBody,
    responses=TABLES,
    openapi_extra=DIMENSIONS,
    name="show_value",
)
async def show_value(
    request: Request,
    *,
    state: State,
    catalogue: CurrentCatalogue,
    moment: Annotated[Moment, Depends(moment_of)],
    breakdown: Annotated[
        str | None, Query(description="Names of dimensions, comma separated: every series of that breakdown")
    ] = None,
    top: Top = None,
    limit: Limit = 500,
    cursor: Cursor = None,
    as_format: AsFormat = None,
) -> Response:
    """The value of a KPI over a window at an instant, or those of all or the first series of a breakdown."""
    asked = dimensions(request.query_params, reserved=_VALUE_PARAMETERS)
    if breakdown is None:
        if top is not None:
            raise InvalidParameterError("top", "chooses among the series of a breakdown; name one")
        return await _one(request, state, catalogue, moment, asked, wanted=as_format)
    if asked:
        raise InvalidParameterError("breakdown", "asks for every series; leave the dimensions out")
    names = known_breakdown(moment.kpi, tuple(breakdown.split(",")))
    if top is not None:
        if moment.is_past or cursor is not None:
            raise InvalidParameterError("top", "goes neither with known_at nor with a cursor")
        return await _first(request, state, catalogue, moment, names, most=top, wanted=as_format)
    found = sorted(await state.readings.combinations(catalogue, moment.kpi.slug, names), key=_place)
    page, next_cursor = page_after(found, _place, cursor=cursor, limit=limit)
    asks = [moment.ask(combination) for combination in page]
    readings = await evaluated(state, catalogue, asks, now=moment.now, is_past=moment.is_past)
    judgements = await judged(state, catalogue, readings, known_at=moment.known_at)
    told = told_values(catalogue, readings, judgements, next_cursor=next_cursor)
    file = File(as_format, f"{moment.kpi.slug}-value", names)
    return await values_answer(request, told, file, etag=readings_etag(readings, judgements, next_cursor))


async def _first(
    request: Request,
    state: ApiState,
    catalogue: Catalogue,
    moment: Moment,
    names: tuple[str, ...],
    *,
    most: int,
    wanted: Format | None,
) -> Response:
    picked = Picked(moment.kpi.slug, moment.window, names, moment.at)
    readings = await state.readings.top(catalogue, picked, most=most, now=moment.now)
    judgements = await judged(state, catalogue, readings)
    told = told_values(catalogue, readings, judgements, next_cursor=None)
    file = File(wanted, f"{moment.kpi.slug}-value", names)
    return await values_answer(request, told, file, etag=readings_etag(readings, judgements))


async def _one(
    request: Request,
    state: ApiState,
    catalogue: Catalogue,
    moment: Moment,
    asked: Mapping[str, str | None],
    *,
    wanted: Format | None,
) -> Response:
    known_breakdown(moment.kpi, tuple(asked))
    ask = moment.ask(tuple(sorted(asked.items())))
    readings = await evaluated(state, catalogue, [ask], now=moment.now, is_past=moment.is_past)
    judgements = await judged(state, catalogue, readings, known_at=moment.known_at)
    body = value_body(moment.kpi, readings[0], judgements[0])
    return await exported(
        request,
        body,
        lambda: value_table([body], names=list(asked)),
        etag=readings_etag(readings, judgements),
        wanted=wanted,
        name=f"{moment.kpi.slug}-value",
    )


def _place(combination: Combination) -> Place:
    return (series_key(dict(combination)),)
