"""Where KPIs come from and what hangs on them, over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from services.api.dependencies import CurrentCatalogue, Scope, known_kpi, needs, only, visible_kpis
from services.api.http.answers import answer, weak_etag
from services.api.http.parameters import InvalidParameterError
from services.api.routes.pages import Cursor, Limit, Place, page_after
from services.api.schemas.lineage import AffectedPageBody, LineageBody, affected_body, lineage_body
from shared.domain.expressions import ExpressionError
from shared.domain.expressions.canonical import path_text
from shared.domain.expressions.nodes import Path
from shared.domain.lineage import affected, field_of

router = APIRouter(prefix="/v1", tags=["kpis"], dependencies=[needs(Scope.READ)])


@router.get("/kpis/{slug}/lineage", response_model=LineageBody, dependencies=[Depends(only())])
async def show_lineage(request: Request, slug: str, catalogue: CurrentCatalogue) -> Response:
    """What a KPI is made of, down to the fields of events, and who uses it."""
    body = lineage_body(catalogue, known_kpi(catalogue, slug).slug)
    return answer(request, body, etag=weak_etag(catalogue.revision, slug))


@router.get(
    "/lineage",
    response_model=AffectedPageBody,
    dependencies=[Depends(only("event_type", "field", "limit", "cursor"))],
)
async def list_affected(
    request: Request,
    *,
    catalogue: CurrentCatalogue,
    event_type: Annotated[
        str | None, Query(min_length=1, max_length=256, description="The type of events that would go away")
    ] = None,
    field: Annotated[
        str | None,
        Query(
            min_length=1,
            max_length=512,
            description="The field that would go away, with all fields below it: data.amount, subject; of "
            "all types without event_type",
        ),
    ] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Response:
    """Every KPI that would break or change if a type of events, or a field of them, went away."""
    if event_type is None and field is None:
        raise InvalidParameterError("event_type", "name a type of events, a field, or both")
    path = None if field is None else _field(field)
    visible = visible_kpis(catalogue)
    everywhere = affected(catalogue, event_type=event_type, field=path)
    found = {slug: uses for slug, uses in everywhere.items() if slug in visible}
    page, next_cursor = page_after(list(found), _place, cursor=cursor, limit=limit)
    body = AffectedPageBody(
        event_type=event_type,
        field=None if path is None else path_text(path),
        items=[affected_body(catalogue, slug, found[slug]) for slug in page],
        next_cursor=next_cursor,
    )
    return answer(request, body, etag=weak_etag(catalogue.revision, event_type, body.field, cursor, limit))


def _place(slug: str) -> Place:
    return (slug,)


def _field(text: str) -> Path:
    try:
        return field_of(text)
    except ExpressionError as error:
        raise InvalidParameterError("field", error.message) from error
