"""Scores over HTTP: of scorecards, objectives, departments and categories, at an instant and as they went."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from services.api.dependencies import ApiState, CurrentCatalogue, Scope, State, needs, only, visible_kpis
from services.api.http.answers import ENCODER, Told, answer, readings_etag, weak_etag
from services.api.http.parameters import (
    InvalidParameterError,
    instant,
    instant_or_relative,
    instants,
    readable,
    step_of,
)
from services.api.schemas.scores import (
    ScoreBody,
    ScoredBody,
    ScorePointBody,
    ScoresBody,
    point_body,
    scored_body,
)
from services.api.score_subjects import Subject, category_of, department_of, objective_of, scorecard_of
from services.api.scoring import Card, cards, points_of, score_of, scores_of
from shared.domain.definitions import Catalogue
from shared.domain.score_trees import Branch, Series, scored

MAX_VALUES = 5_000
"""How many values one history of scores may take: a second of a core (measured, 0.2 ms each)."""

MAX_POINTS = 500
"""How many points such a history has at most, however few KPIs it is of."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """From when to when a history goes, as seen from *now*, and the wish how far its points lie apart."""

    start_at: datetime
    end_at: datetime
    step: str | None
    now: datetime


async def _stretch(
    state: State,
    start: Annotated[
        str, Query(alias="from", description="RFC 3339 with its offset, or relative such as now-24h")
    ] = "now-30d",
    end: Annotated[str, Query(alias="to", description="Like from, and not before it")] = "now",
    step: Annotated[
        str | None, Query(description="Such as 1h or 1d; fits the interval and the KPIs when left out")
    ] = None,
) -> Stretch:
    now = state.clock()
    start_at = readable("from", instant_or_relative("from", start, now=now), now=now)
    end_at = readable("to", instant_or_relative("to", end, now=now), now=now)
    if end_at < start_at:
        raise InvalidParameterError("to", "lies before from")
    return Stretch(start_at, end_at, step, now)


At = Annotated[str | None, Query(description="RFC 3339 with its offset; now when left out")]


async def _shown(
    request: Request,
    state: ApiState,
    catalogue: Catalogue,
    subject: Subject,
    *,
    key: Hashable,
    at: str | None,
) -> Response:
    now = state.clock()
    at_instant = None if at is None else readable("at", instant("at", at), now=now)

    async def make() -> Told:
        return await _told(state, catalogue, subject, at=at_instant or now, now=now)

    asked = (key, _sight(catalogue), at_instant)
    told = await state.scores.answer(asked, make)
    return answer(request, msgspec.Raw(told.body), etag=told.etag)


def _sight(catalogue: Catalogue) -> Hashable:
    """What tells apart callers who see different things."""
    visible = visible_kpis(catalogue)
    if visible is catalogue.kpis:
        return catalogue.revision
    return catalogue.revision, frozenset(visible), frozenset(catalogue.objectives)


async def _told(
    state: ApiState, catalogue: Catalogue, subject: Subject, *, at: datetime, now: datetime
) -> Told:
    branch = subject.branch_at(at)
    found = await cards(state, catalogue, branch.series(), at=at, now=now)
    total = scored(branch, scores_of(found))
    body = scored_body(total, found, subject.titles, at=at)
    return Told(ENCODER.encode(body), _etag(found, catalogue, body))


def _etag(found: dict[Series, Card], catalogue: Catalogue, body: ScoredBody) -> str:
    """Of the readings, not of the instant: that moves with every second in which nothing else does."""
    earlier = [card.before.base for card in found.values() if card.before.base is not None]
    points = [*(card.now for card in found.values()), *earlier]
    judgements = [each.judgement for each in points]
    counts = [card.annotations for card in found.values()]
    return readings_etag(
        [each.reading for each in points], judgements, counts, _weighed(body), catalogue.revision
    )


def _weighed(body: ScoreBody) -> tuple[object, ...]:
    """What *body* says of its parts that follows from the day, by weights that have dates."""
    cards, below = [card.weight for card in body.cards], [_weighed(each) for each in body.objectives]
    return body.weight, body.score, body.coverage, body.worst, cards, below


async def _went(
    request: Request, state: ApiState, catalogue: Catalogue, subject: Subject, stretch: Stretch
) -> Response:
    newest = subject.branch_at(stretch.end_at)
    each_takes = max(len(set(newest.series())), 1)
    most = min(MAX_VALUES // each_takes, MAX_POINTS)
    if most < 2:
        raise InvalidParameterError("from", f"has a score of {each_takes} values, too many for a history")
    span = stretch.end_at - stretch.start_at
    step = step_of(stretch.step, span=span, most=most)
    found = instants(stretch.start_at, stretch.end_at, every=step)
    points = await _points(state, catalogue, [(at, subject.branch_at(at)) for at in found], now=stretch.now)
    body = ScoresBody(
        name=newest.name,
        title=subject.titles[newest.name],
        roll_up=newest.roll_up,
        step_s=step // timedelta(seconds=1),
        items=points,
    )
    return answer(request, body, etag=weak_etag(body))


async def _points(
    state: ApiState, catalogue: Catalogue, branches: list[tuple[datetime, Branch]], *, now: datetime
) -> list[ScorePointBody]:
    wanted = [(at, series) for at, branch in branches for series in dict.fromkeys(branch.series())]
    found = await points_of(state, catalogue, wanted, now=now)
    by_place = dict(zip(wanted, found, strict=True))
    items = []
    for at, branch in branches:
        here = {series: by_place[at, series] for series in branch.series()}
        scores = {series: score_of(catalogue.kpis[series[0]], point) for series, point in here.items()}
        statuses = {series: point.judgement.status for series, point in here.items()}
        items.append(point_body(scored(branch, scores), scores, statuses, at))
    return items


def _router(family: str, noun: str, subject_of: Callable[[Catalogue, str], Subject], told: str) -> APIRouter:
    """The two routes of what is called *noun*; *told* says what its score is made of."""
    routes = APIRouter(prefix=f"/v1/{family}", tags=["scores"], dependencies=[needs(Scope.READ)])

    async def show(
        request: Request, name: str, *, state: State, catalogue: CurrentCatalogue, at: At = None
    ) -> Response:
        subject = subject_of(catalogue, name)
        return await _shown(request, state, catalogue, subject, key=(noun, name), at=at)

    async def went(
        request: Request,
        name: str,
        *,
        state: State,
        catalogue: CurrentCatalogue,
        stretch: Annotated[Stretch, Depends(_stretch)],
    ) -> Response:
        return await _went(request, state, catalogue, subject_of(catalogue, name), stretch)

    routes.add_api_route(
        "/{name}/score",
        show,
        name=f"show_{noun}_score",
        response_model=ScoredBody,
        description=f"The score of {told} at an instant.",
        dependencies=[Depends(only("at"))],
    )
    routes.add_api_route(
        "/{name}/history",
        went,
        name=f"show_{noun}_history",
        response_model=ScoresBody,
        description=f"How the score of {told} has gone, the edges included.",
        dependencies=[Depends(only("from", "to", "step"))],
    )
    return routes


_FAMILIES = (
    _router("scorecards", "scorecard", scorecard_of, "a scorecard, its KPIs being the cards,"),
    _router("objectives", "objective", objective_of, "an objective, of its KPIs and what is below it,"),
    _router("departments", "department", department_of, "the KPIs that a department shares"),
    _router("categories", "category", category_of, "the KPIs of a category"),
)

router = APIRouter()
for family in _FAMILIES:
    router.include_router(family)
