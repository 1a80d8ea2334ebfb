"""Definitions that are not in force yet, over the recent event log: values, cost and warnings."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from services.api.definition_bodies import BODY_SCHEMAS, DESCRIPTION, drafts_of
from services.api.dependencies import (
    CurrentCatalogue,
    Scope,
    State,
    known_breakdown,
    known_window,
    needs,
    only,
    visible_kpis,
)
from services.api.http.answers import ENCODER
from services.api.http.bodies import described_body
from services.api.http.parameters import (
    InvalidParameterError,
    instant_or_relative,
    instants,
    readable,
    step_of,
)
from services.api.schemas.previews import (
    PreviewBody,
    cost_body,
    events_bodies,
    read_body,
    series_body,
    warning_bodies,
)
from shared.domain.definitions import Catalogue, Kpi
from shared.replay.preview_costs import costs, new_measures
from shared.replay.preview_events import Study
from shared.replay.preview_notices import notices
from shared.replay.previews import Preview, Question, renumbered, with_drafts
from shared.storage.readings import Ask

router = APIRouter(prefix="/v1/kpis", tags=["previews"], dependencies=[needs(Scope.READ)])

_PARAMETERS = ("kpi", "window", "from", "to", "step", "breakdown", "top", "limit_records")

MAX_PREVIEW_POINTS = 500
"""How many points a series of a preview may have: each is merged of all that lies between two points."""

USUAL_RECORDS = 100_000
"""How many records of the log are read unless more are asked for: a second or two."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """The instants of a preview, and how far it may read.

    Attributes:
        most: records of the log.
    """

    instants: list[datetime]
    step: timedelta
    now: datetime
    most: int


async def stretch_of(
    state: State,
    start: Annotated[
        str, Query(alias="from", description="RFC 3339 with its offset, or relative such as now-24h")
    ] = "now-24h",
    end: Annotated[str, Query(alias="to", description="Like from, and not before it")] = "now",
    step: Annotated[
        str | None, Query(description="Such as 30s, 5m or 1h; fits the interval when left out")
    ] = None,
    limit_records: Annotated[
        int,
        Query(ge=1, description="Records of the log that may be read; what happened before is left out"),
    ] = USUAL_RECORDS,
) -> Stretch:
    """What the parameters of a request say about time."""
    now, most = state.clock(), state.previews.most_records
    if limit_records > most:
        raise InvalidParameterError("limit_records", f"may be {most:,} at most")
    start_at = readable("from", instant_or_relative("from", start, now=now), now=now)
    end_at = readable("to", instant_or_relative("to", end, now=now), now=now)
    if end_at < start_at:
        raise InvalidParameterError("to", "lies before from")
    every = step_of(step, span=end_at - start_at)
    found = instants(start_at, end_at, every=every)
    if len(found) > MAX_PREVIEW_POINTS:
        raise InvalidParameterError("step", f"makes more than {MAX_PREVIEW_POINTS} points of this interval")
    return Stretch(found, every, now, limit_records)


@dataclass(frozen=True, slots=True)
class _Wish:
    """A draft among its catalogue, and what is asked of it.

    Attributes:
        before: what is in force; it shares its numbers with *after*.
        names: the breakdown whose series are told; empty without one.
    """

    before: Catalogue
    after: Catalogue
    kpi: Kpi
    window: str
    names: tuple[str, ...]
    top: int
    stretch: Stretch

    def question(self, dimensions: tuple[tuple[str, str | None], ...] = ()) -> Question:
        """One series at all instants."""
        return Question(
            self.after, [Ask(self.kpi.slug, self.window, dimensions, at) for at in self.stretch.instants]
        )


@router.post(
    "/preview",
    response_model=PreviewBody,
    dependencies=[Depends(only(*_PARAMETERS))],
    openapi_extra=described_body(DESCRIPTION, BODY_SCHEMAS),
)
async def preview_kpi(
    request: Request,
    *,
    state: State,
    catalogue: CurrentCatalogue,
    stretch: Annotated[Stretch, Depends(stretch_of)],
    kpi: Annotated[str | None, Query(description="Which KPI of the body; its last one when left out")] = None,
    window: Annotated[
        str | None, Query(description="One of the KPI's windows; its first one when left out")
    ] = None,
    breakdown: Annotated[
        str | None, Query(description="Names of dimensions, comma separated: its largest series, too")
    ] = None,
    top: Annotated[int, Query(ge=1, le=20, description="How many series of the breakdown")] = 10,
) -> Response:
    """A KPI that is not in force, counted over the recent event log; nothing is stored."""
    drafts = await drafts_of(request, catalogue)
    visible = {**visible_kpis(catalogue), **{draft.slug: draft for draft in drafts}}
    before, after = renumbered([catalogue, with_drafts(catalogue, drafts)])
    chosen = _chosen(drafts, kpi)
    names = known_breakdown(chosen, tuple(breakdown.split(","))) if breakdown else ()
    wish = _Wish(before, after, chosen, known_window(chosen, window), names, top, stretch)
    found = await state.previews.preview(
        [wish.question()],
        Study.of(after, [chosen.slug]),
        now=stretch.now,
        most=stretch.most,
        with_panes=new_measures(before, after, [chosen.slug]),
    )
    # Thousands of points are seconds of arithmetic: in a thread, so that others are answered meanwhile.
    body = await asyncio.to_thread(_body, wish, found, visible)
    headers = {"Cache-Control": "no-store"}
    return Response(ENCODER.encode(body), media_type="application/json", headers=headers)


def _chosen(drafts: tuple[Kpi, ...], slug: str | None) -> Kpi:
    if slug is None:
        return drafts[-1]
    found = next((draft for draft in drafts if draft.slug == slug), None)
    if found is None:
        raise InvalidParameterError("kpi", f"the body defines {', '.join(each.slug for each in drafts)}")
    return found


def _body(wish: _Wish, preview: Preview, visible: Mapping[str, Kpi]) -> PreviewBody:
    kpi, instants_at = wish.kpi, wish.stretch.instants
    total = preview.readings(wish.question())
    series = [series_body({}, total, instants_at)]
    met = None
    if wish.names:
        met = preview.combinations(wish.after, kpi.slug, wish.names)
        last = Ask(kpi.slug, wish.window, (), instants_at[-1])
        largest = preview.top(wish.after, last, met, most=wish.top)
        series += [
            series_body(dict(each), preview.readings(wish.question(each)), instants_at) for each in largest
        ]
    found = costs(preview, wish.before, wish.after, kpi.slug)
    return PreviewBody(
        kpi=kpi.slug,
        version=wish.after.versions[kpi.slug],
        window=wish.window,
        unit=kpi.unit,
        step_s=round(wish.stretch.step.total_seconds()),
        read=read_body(preview),
        series=series,
        series_met=None if met is None else len(met),
        cost=cost_body(found, visible=visible),
        events=events_bodies(preview.study, wish.after, kpi.slug, visible=visible),
        warnings=warning_bodies(
            notices(preview, wish.after, kpi.slug, costs=found, totals=total), visible=visible
        ),
    )
