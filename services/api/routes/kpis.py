"""The catalogue over HTTP: which KPIs there are and what each one means."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from services.api.answers import answer, weak_etag
from services.api.definition_schemas import KpiBody, KpisBody, kpi_body
from services.api.dependencies import CurrentCatalogue, known_kpi, only
from services.api.routes.pages import Cursor, Limit, Place, page_after
from shared.domain.definitions import Kpi

router = APIRouter(prefix="/v1/kpis", tags=["kpis"])

Filter = Annotated[str | None, Query(description="Only KPIs that have exactly this")]


@router.get(
    "",
    response_model=KpisBody,
    dependencies=[Depends(only("department", "category", "owner", "objective", "limit", "cursor"))],
)
async def list_kpis(
    request: Request,
    *,
    catalogue: CurrentCatalogue,
    department: Filter = None,
    category: Filter = None,
    owner: Filter = None,
    objective: Filter = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Response:
    """The catalogue, by slug."""
    wanted = {"department": department, "category": category, "owner": owner, "objective": objective}
    found = sorted(slug for slug, kpi in catalogue.kpis.items() if _has(kpi, wanted))
    page, next_cursor = page_after(found, _place, cursor=cursor, limit=limit)
    body = KpisBody(items=[kpi_body(catalogue, slug) for slug in page], next_cursor=next_cursor)
    return answer(request, body, etag=weak_etag(catalogue.revision, wanted, cursor, limit))


def _place(slug: str) -> Place:
    return (slug,)


def _has(kpi: Kpi, wanted: dict[str, str | None]) -> bool:
    department = wanted["department"]
    fields = ("category", "owner", "objective")
    return (department is None or department in kpi.department) and all(
        wanted[name] in (None, getattr(kpi, name)) for name in fields
    )


@router.get("/{slug}", response_model=KpiBody, dependencies=[Depends(only())])
async def show_kpi(request: Request, slug: str, catalogue: CurrentCatalogue) -> Response:
    """One definition, with its version."""
    body = kpi_body(catalogue, known_kpi(catalogue, slug).slug)
    return answer(request, body, etag=weak_etag(slug, body.version))
