"""How fresh KPIs are over HTTP: whether nothing happens, or nothing is counted."""

from fastapi import APIRouter, Depends
from starlette.responses import Response

from services.api.dependencies import CurrentCatalogue, Scope, State, known_kpi, needs, only, visible_kpis
from services.api.http.answers import ENCODER
from services.api.routes.pages import Cursor, Limit, Place, page_after
from services.api.schemas.freshness import FreshnessBody, FreshnessPageBody, freshness_body

router = APIRouter(prefix="/v1", tags=["values"], dependencies=[needs(Scope.READ)])


@router.get("/kpis/{slug}/freshness", response_model=FreshnessBody, dependencies=[Depends(only())])
async def show_freshness(slug: str, *, state: State, catalogue: CurrentCatalogue) -> Response:
    """When the last event of a KPI was, how far counting is, and which of the two makes it quiet."""
    kpi = known_kpi(catalogue, slug)
    found = await state.readings.counted(catalogue, catalogue.leaves(kpi.slug))
    body = freshness_body(catalogue, visible_kpis(catalogue), kpi.slug, found, now=state.clock())
    return _told(body)


@router.get("/freshness", response_model=FreshnessPageBody, dependencies=[Depends(only("limit", "cursor"))])
async def list_freshness(
    *, state: State, catalogue: CurrentCatalogue, limit: Limit = 100, cursor: Cursor = None
) -> Response:
    """The same of every KPI, by slug; `as_of` is that of the one among them that is furthest behind."""
    visible = visible_kpis(catalogue)
    page, next_cursor = page_after(sorted(visible), _place, cursor=cursor, limit=limit)
    leaves = dict.fromkeys(leaf for slug in page for leaf in catalogue.leaves(slug))
    found = await state.readings.counted(catalogue, tuple(leaves))
    now = state.clock()
    items = [freshness_body(catalogue, visible, slug, found, now=now) for slug in page]
    return _told(FreshnessPageBody(items, next_cursor))


def _told(body: FreshnessBody | FreshnessPageBody) -> Response:
    """*body*, which no cache may keep: it speaks of how long ago things were."""
    return Response(
        ENCODER.encode(body), media_type="application/json", headers={"Cache-Control": "no-store"}
    )


def _place(slug: str) -> Place:
    return (slug,)
