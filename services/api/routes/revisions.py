"""How a value changed after it had been complete, and why."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
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
from services.api.http.answers import answer, weak_etag
from services.api.http.parameters import dimensions, instant, readable
from services.api.routes.values import DIMENSIONS, Window
from services.api.schemas.revisions import RevisionsBody, revisions_body
from shared.storage.readings import Ask

router = APIRouter(prefix="/v1", tags=["values"], dependencies=[needs(Scope.READ)])

_PARAMETERS = ("window", "at")


@router.get("/kpis/{slug}/revisions", response_model=RevisionsBody, openapi_extra=DIMENSIONS)
async def list_revisions(
    request: Request,
    slug: str,
    *,
    state: State,
    catalogue: CurrentCatalogue,
    at: Annotated[str, Query(description="RFC 3339 with its offset: the instant of the value")],
    window: Window = None,
) -> Response:
    """Every change of a value after all events that were to be expected in time had been counted."""
    kpi = known_kpi(catalogue, slug)
    asked = dimensions(request.query_params, reserved=_PARAMETERS)
    known_breakdown(kpi, tuple(asked))
    instant_at = readable("at", instant("at", at), now=state.clock())
    ask = Ask(kpi.slug, known_window(kpi, window), tuple(sorted(asked.items())), instant_at)
    found = await state.past.revisions(catalogue, ask)
    body = revisions_body(kpi, catalogue.versions[kpi.slug], ask, found)
    return answer(request, body, etag=weak_etag(body))
