"""How a KPI has gone: its values at the steps of an interval or over whole periods, of one or more series."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated

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
from services.api.exports.tables import history_table
from services.api.http.answers import readings_etag
from services.api.http.parameters import InvalidParameterError, dimension_filter, dimensions, series_key
from services.api.meanings import judged
from services.api.readers import Combination
from services.api.routes.selections import DIMENSION_FILTERS
from services.api.routes.values import KnownAt, Window, evaluated, seen_from
from services.api.sayings import said_within
from services.api.schemas.histories import (
    HistoriesBody,
    HistoryBody,
    Terms,
    histories_body,
    history_body,
)
from services.api.schemas.values import Judged
from services.api.stretches import Stretch, Wish, check_parts, stretch
from shared.domain.definitions import Catalogue, Kpi
from shared.domain.gaps import Fill
from shared.domain.ranking import ranked
from shared.domain.reckonings import Period
from shared.storage.readings import Ask

router = APIRouter(prefix="/v1", tags=["values"], dependencies=[needs(Scope.READ)])

_PARAMETERS = (
    "window", "from", "to", "step", "bucket", "zone", "fill", "breakdown", "top", "known_at",
    "annotations", "format",
)  # fmt: skip

MAX_KNOWN_POINTS = 500
"""How many points a history as known earlier may have: each is merged of all that lies between two points."""

MAX_SERIES_POINTS = 5000
"""How many points all series of an answer may have together: about a second's work."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A history as asked for, as seen from *now*; a past one if it is asked what was known then."""

    kpi: Kpi
    stretch: Stretch
    terms: Terms
    now: datetime
    is_past: bool
    wanted: Format | None

    def asks(self, combination: Combination) -> list[Ask]:
        """The questions about one series."""
        window, is_period = self.stretch.window, self.stretch.is_period
        return [Ask(self.kpi.slug, window, combination, at, is_period) for at in self.stretch.instants]


async def _wish(
    *,
    start: Annotated[
        str | None,
        Query(
            alias="from",
            description="RFC 3339 with its offset, or relative such as now-24h; now-24h when left out, with"
            " bucket 30 periods back",
        ),
    ] = None,
    end: Annotated[str, Query(alias="to", description="Like from, and not before it")] = "now",
    step: Annotated[
        str | None,
        Query(
            description="Such as 30s, 5m or 1h by the clock, or 1d, 1w, 1mo by the calendar; fits the"
            " interval when left out"
        ),
    ] = None,
    bucket: Annotated[
        Period | None,
        Query(description="Instead of window and step: the whole periods between from and to, each a point"),
    ] = None,
    zone: Annotated[
        str | None, Query(description="The IANA zone that steps follow; the KPI's when left out")
    ] = None,
) -> Wish:
    return Wish(start, end, step, bucket, zone)


async def _asked(
    slug: str,
    state: State,
    catalogue: CurrentCatalogue,
    wish: Annotated[Wish, Depends(_wish)],
    *,
    window: Window = None,
    fill: Annotated[
        Fill | None, Query(description="What stands where there is no data; as the KPI says when left out")
    ] = None,
    known_at: KnownAt = None,
    as_format: AsFormat = None,
) -> Asked:
    kpi = known_kpi(catalogue, slug)
    if wish.bucket is not None and window is not None:
        raise InvalidParameterError("window", "goes not with bucket, which says what each point is of")
    now, is_past = seen_from(state, known_at), known_at is not None
    found = stretch(kpi, known_window(kpi, window), wish, now=now)
    check_parts(found, kpi, (catalogue.kpis[leaf].zone for leaf in catalogue.leaves(slug)))
    if is_past and len(found.instants) > MAX_KNOWN_POINTS:
        raise InvalidParameterError("step", f"makes more than {MAX_KNOWN_POINTS} points, with known_at")
    terms = Terms(
        kpi=kpi,
        version=catalogue.versions[kpi.slug],
        window=None if found.is_period else found.window,
        bucket=wish.bucket,
        step=found.step,
        step_s=found.step_s,
        zone=found.zone,
        fill=fill or kpi.gaps or Fill.NULL,
    )
    return Asked(kpi, found, terms, now, is_past, as_format)


@router.get(
    "/kpis/{slug}/history",
    response_model=HistoryBody | HistoriesBody,
    responses=TABLES,
    openapi_extra=DIMENSION_FILTERS,
)
async def show_history(
    request: Request,
    *,
    state: State,
    catalogue: CurrentCatalogue,
    asked: Annotated[Asked, Depends(_asked)],
    breakdown: Annotated[
        str | None,
        Query(description="Names of dimensions, comma separated: a history of each series of that breakdown"),
    ] = None,
    top: Annotated[
        int | None,
        Query(
            ge=1, le=50, description="Of a breakdown only so many series, the largest at the newest instant"
        ),
    ] = None,
    annotations: Annotated[
        bool, Query(description="Of one series: also what was said about it meanwhile, the newest 500")
    ] = False,
) -> Response:
    """The value of a KPI at each step of an interval, the edges included, or of each whole period in it."""
    if breakdown is None:
        if top is not None:
            raise InvalidParameterError("top", "chooses among the series of a breakdown; name one")
        wanted = dimensions(request.query_params, reserved=_PARAMETERS)
        known_breakdown(asked.kpi, tuple(wanted))
        combination = tuple(sorted(wanted.items()))
        return await _one(request, state, catalogue, asked, combination, has_annotations=annotations)
    if annotations:
        raise InvalidParameterError("annotations", "are told of one series; leave the breakdown out")
    names = known_breakdown(asked.kpi, tuple(breakdown.split(",")))
    if asked.is_past:
        raise InvalidParameterError("known_at", "is answered for one series; leave the breakdown out")
    series = await _series(request, state, catalogue, asked, names)
    if top is not None:
        series = await _largest(state, catalogue, asked, series, most=top)
    return await _several(request, state, catalogue, asked, names=names, series=series)


async def _one(
    request: Request,
    state: ApiState,
    catalogue: Catalogue,
    asked: Asked,
    combination: Combination,
    *,
    has_annotations: bool,
) -> Response:
    asks = asked.asks(combination)
    readings = await evaluated(state, catalogue, asks, now=asked.now, is_past=asked.is_past)
    known_at = asked.now if asked.is_past else None
    judgements = await judged(state, catalogue, readings, known_at=known_at)
    points = list(map(Judged, asked.stretch.instants, readings, judgements))
    body = history_body(asked.terms, points)
    if has_annotations:
        first = readings[0].window_start if asked.stretch.is_period else points[0].at
        series = asked.kpi.slug, asked.terms.window, dict(combination)
        body = replace(body, annotations=await said_within(state, catalogue, series, (first, points[-1].at)))
    etag = readings_etag(readings, judgements, asked.stretch.instants[0], _terms_of(asked), body.annotations)
    return await _exported(request, asked, body, names=[name for name, _ in combination], etag=etag)


async def _series(
    request: Request, state: ApiState, catalogue: Catalogue, asked: Asked, names: tuple[str, ...]
) -> list[Combination]:
    """The series of the breakdown that the filters of the request take."""
    wanted = dimension_filter(request.query_params, reserved=_PARAMETERS)
    strange = sorted(wanted.names - set(names))
    if strange:
        raise InvalidParameterError(strange[0], f"is no dimension of the breakdown {', '.join(names)}")
    found = await state.readings.combinations(catalogue, asked.kpi.slug, names)
    return sorted((each for each in found if wanted.takes(dict(each))), key=_place)


def _place(combination: Combination) -> str:
    return series_key(dict(combination))


async def _largest(
    state: ApiState, catalogue: Catalogue, asked: Asked, series: Sequence[Combination], *, most: int
) -> list[Combination]:
    asks = [asked.asks(each)[-1] for each in series]
    readings = await state.readings.evaluate(catalogue, asks, now=asked.now)
    values = dict(zip(series, (reading.value for reading in readings), strict=True))
    return list(ranked(values, most).first)


async def _several(
    request: Request,
    state: ApiState,
    catalogue: Catalogue,
    asked: Asked,
    *,
    names: tuple[str, ...],
    series: Sequence[Combination],
) -> Response:
    instants = asked.stretch.instants
    if len(series) * len(instants) > MAX_SERIES_POINTS:
        reason = f"{len(series)} series of {len(instants)} points are more than {MAX_SERIES_POINTS} points"
        raise InvalidParameterError("top", f"{reason}; choose fewer of either")
    asks = [ask for each in series for ask in asked.asks(each)]
    readings = await state.readings.evaluate(catalogue, asks, now=asked.now)
    judgements = await judged(state, catalogue, readings)
    points = list(map(Judged, [*instants] * len(series), readings, judgements))
    rows = [points[start : start + len(instants)] for start in range(0, len(points), len(instants))]
    etag = readings_etag(readings, judgements, instants[0], _terms_of(asked), names)
    return await _exported(request, asked, histories_body(asked.terms, names, rows), names=names, etag=etag)


async def _exported(
    request: Request, asked: Asked, body: HistoryBody | HistoriesBody, *, names: Sequence[str], etag: str
) -> Response:
    return await exported(
        request,
        body,
        lambda: history_table(body, names=names),
        etag=etag,
        wanted=asked.wanted,
        name=f"{asked.kpi.slug}-history",
    )


def _terms_of(asked: Asked) -> tuple[object, ...]:
    terms = asked.terms
    return terms.step, terms.bucket, terms.zone, terms.fill
