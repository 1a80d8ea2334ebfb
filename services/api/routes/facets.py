"""By what KPIs are grouped: the departments, categories, owners and tags there are, for menus of filters."""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import TypeAlias

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from services.api.dependencies import CurrentCatalogue, Scope, needs, only, visible_kpis
from services.api.http.answers import answer, weak_etag
from services.api.routes.pages import Cursor, Limit, Place, page_after
from services.api.schemas.facets import FacetBody, FacetsBody
from shared.domain.definitions import Catalogue, Kpi

router = APIRouter(prefix="/v1", tags=["kpis"], dependencies=[needs(Scope.READ)])

Names: TypeAlias = Callable[[Kpi], Iterable[str]]
"""What a KPI has of a sort of name; one that it has twice counts once."""


@router.get("/departments", response_model=FacetsBody, dependencies=[Depends(only("limit", "cursor"))])
async def list_departments(
    request: Request, *, catalogue: CurrentCatalogue, limit: Limit = 100, cursor: Cursor = None
) -> Response:
    """The departments of KPIs in force, each with how many it has; one KPI may be of several."""
    return _page(request, catalogue, lambda kpi: kpi.department, cursor=cursor, limit=limit)


@router.get("/categories", response_model=FacetsBody, dependencies=[Depends(only("limit", "cursor"))])
async def list_categories(
    request: Request, *, catalogue: CurrentCatalogue, limit: Limit = 100, cursor: Cursor = None
) -> Response:
    """The categories of KPIs in force, each with how many there are of it."""
    return _page(request, catalogue, lambda kpi: [kpi.category], cursor=cursor, limit=limit)


@router.get("/owners", response_model=FacetsBody, dependencies=[Depends(only("limit", "cursor"))])
async def list_owners(
    request: Request, *, catalogue: CurrentCatalogue, limit: Limit = 100, cursor: Cursor = None
) -> Response:
    """Who owns KPIs in force, each with how many."""
    return _page(request, catalogue, lambda kpi: [kpi.owner], cursor=cursor, limit=limit)


@router.get("/tags", response_model=FacetsBody, dependencies=[Depends(only("limit", "cursor"))])
async def list_tags(
    request: Request, *, catalogue: CurrentCatalogue, limit: Limit = 100, cursor: Cursor = None
) -> Response:
    """The tags of KPIs in force, each with how many carry it."""
    return _page(request, catalogue, lambda kpi: kpi.tags, cursor=cursor, limit=limit)


def _page(
    request: Request, catalogue: Catalogue, names: Names, *, cursor: str | None, limit: int
) -> Response:
    counts = Counter(name for kpi in visible_kpis(catalogue).values() for name in set(names(kpi)))
    page, next_cursor = page_after(sorted(counts), _place, cursor=cursor, limit=limit)
    body = FacetsBody([FacetBody(name, counts[name]) for name in page], next_cursor)
    return answer(request, body, etag=weak_etag(body))


def _place(name: str) -> Place:
    return (name,)
