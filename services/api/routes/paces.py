"""How a KPI is doing in a period that is not over: ahead or behind, and where it will end."""

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from services.api.dependencies import CurrentCatalogue, Scope, State, known_breakdown, needs
from services.api.http.answers import answer, weak_etag
from services.api.http.parameters import InvalidParameterError, dimensions
from services.api.meanings import judged
from services.api.pacing import pace_body, wish_for
from services.api.routes.values import DIMENSIONS, Moment, evaluated, moment_of
from services.api.schemas.paces import PaceBody
from shared.domain.reckonings import Period
from shared.domain.windows import ToDate

router = APIRouter(prefix="/v1", tags=["values"], dependencies=[needs(Scope.READ)])

_PARAMETERS = ("window", "at", "known_at")


@router.get("/kpis/{slug}/pace", response_model=PaceBody, openapi_extra=DIMENSIONS)
async def show_pace(
    request: Request,
    *,
    state: State,
    catalogue: CurrentCatalogue,
    moment: Annotated[Moment, Depends(moment_of)],
) -> Response:
    """How far a KPI has come in a period to date, how far it should be, and what it will come to."""
    window = moment.kpi.window_of(moment.window)
    if not isinstance(window, ToDate) or window.period is Period.HOUR:
        raise InvalidParameterError(
            "window", "is no period to date: ask for today, this_week, mtd, qtd or ytd"
        )
    asked = dimensions(request.query_params, reserved=_PARAMETERS)
    known_breakdown(moment.kpi, tuple(asked))
    combination = tuple(sorted(asked.items()))
    wish = wish_for(catalogue, moment.kpi, window, combination, at=moment.at, now=moment.now)
    readings = await evaluated(state, catalogue, wish.asks(), now=moment.now, is_past=moment.is_past)
    (judgement,) = await judged(state, catalogue, readings[:1], known_at=moment.known_at)
    body = pace_body(wish, readings, judgement)
    # Without as_of, which moves while nothing else does.
    return answer(request, body, etag=weak_etag(replace(body, as_of=body.at)))
