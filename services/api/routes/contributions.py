"""Which dimension values explain that a KPI is not what it was."""

from dataclasses import dataclass
from datetime import datetime
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
    only,
)
from services.api.http.answers import answer, readings_etag
from services.api.http.parameters import instant, readable
from services.api.routes.values import Window
from services.api.schemas.comparisons import Gap
from services.api.schemas.contributions import ContributionsBody, contributions_body, readings_in
from shared.domain.calendars import Calendar, as_datetime, instant_us
from shared.domain.comparisons import Against, Alignment, are_alike, compared_at, excess_us
from shared.domain.contributions import Compared
from shared.domain.definitions import Kpi
from shared.domain.quotients import shape_of
from shared.domain.readings import Reading
from shared.storage.contributions import Change

router = APIRouter(prefix="/v1", tags=["values"], dependencies=[needs(Scope.READ)])

_PARAMETERS = ("breakdown", "window", "at", "with", "align", "most")


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for: a change, what it is one against, and when it is asked."""

    kpi: Kpi
    change: Change
    against: Against
    now: datetime


async def _wish(
    slug: str,
    state: State,
    catalogue: CurrentCatalogue,
    *,
    breakdown: Annotated[
        str, Query(description="Names of dimensions, comma separated: whose series are told")
    ],
    window: Window = None,
    at: Annotated[str | None, Query(description="RFC 3339 with its offset; now when left out")] = None,
    against: Annotated[
        Against,
        Query(
            alias="with",
            description="The window a period earlier, as prev has it, or at the same local time a week, a"
            " month or a year earlier",
        ),
    ] = Against.PREVIOUS,
    align: Annotated[
        Alignment,
        Query(description="weekday: a month is 28 days and a year 364, so that the days of the week meet"),
    ] = Alignment.DATE,
) -> Wish:
    kpi, now = known_kpi(catalogue, slug), state.clock()
    name = known_window(kpi, window)
    instant_at = now if at is None else readable("at", instant("at", at), now=now)
    at_us, calendar = instant_us(instant_at), Calendar(kpi.zone)
    before_us = compared_at(
        against,
        kpi.window_of(name),
        at_us,
        calendar,
        align=align,
        reckoning=kpi.reckoning,
        holidays=kpi.holidays,
    )
    before = as_datetime(before_us)
    names = known_breakdown(kpi, tuple(breakdown.split(",")))
    change = Change(slug, name, names, readable("with", before, now=now), instant_at)
    return Wish(kpi, change, against, now)


def _gap(wish: Wish, whole: Compared) -> Gap | None:
    """Why there is no change of *whole* to tell; None where there is one."""
    if whole.change is None:
        return Gap.NO_DATA
    before, length_us = _excess_us(wish, whole.then, wish.change.then)
    now, _ = _excess_us(wish, whole.now, wish.change.now)
    return None if are_alike(length_us, before, now) else Gap.TOO_COARSE


def _excess_us(wish: Wish, reading: Reading, at: datetime) -> tuple[int, int]:
    """By how much the window of *reading* is too long, and how long it is."""
    start_us, end_us = instant_us(reading.window_start), instant_us(reading.window_end)
    window, calendar = wish.kpi.window_of(wish.change.window), Calendar(wish.kpi.zone)
    return excess_us(window, instant_us(at), start_us, end_us, calendar), end_us - start_us


@router.get(
    "/kpis/{slug}/contribution",
    response_model=ContributionsBody,
    dependencies=[Depends(only(*_PARAMETERS))],
)
async def show_contribution(
    request: Request,
    *,
    state: State,
    catalogue: CurrentCatalogue,
    wish: Annotated[Wish, Depends(_wish)],
    most: Annotated[
        int,
        Query(
            ge=1,
            le=100,
            description="Only so many series, then one item whose dimensions are __other__, for all others",
        ),
    ] = 10,
) -> Response:
    """What each series of a breakdown did to the change of a KPI since an earlier instant."""
    shape = shape_of(catalogue, wish.kpi.slug)
    found = await state.readings.explained(catalogue, wish.change, most=most, now=wish.now)
    gap = _gap(wish, found.whole)
    body = contributions_body(wish.kpi, found, shape, wish.change, against=wish.against, gap=gap)
    # Not of the instants: as long as no window has moved, the answer says what it said.
    etag = readings_etag(readings_in(found), wish.against, gap, [part.contribution for part in found.parts])
    return answer(request, body, etag=etag)
