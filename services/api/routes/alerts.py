"""Where alerts stand, over HTTP; judging and telling happen elsewhere."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from services.api.dependencies import CurrentCatalogue, Scope, State, known_kpi, needs, only, visible_kpis
from services.api.http.answers import answer, weak_etag
from services.api.http.parameters import NOT_OURS, InvalidParameterError, encoded_cursor
from services.api.routes.pages import Cursor, Limit, position_of
from services.api.schemas.alerts import AlertsBody, alert_body
from shared.domain.alert_changes import Alert
from shared.domain.alerts import StateName
from shared.domain.definitions import Catalogue

router = APIRouter(prefix="/v1/alerts", tags=["alerts"], dependencies=[needs(Scope.READ)])

_Place = tuple[str, str, str]


@router.get("", response_model=AlertsBody, dependencies=[Depends(only("state", "kpi", "limit", "cursor"))])
async def list_alerts(
    request: Request,
    *,
    state: State,
    catalogue: CurrentCatalogue,
    asked_state: Annotated[
        StateName | None, Query(alias="state", description="Only alerts in this state")
    ] = None,
    kpi: Annotated[str | None, Query(description="Only alerts of this KPI")] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Response:
    """The alerts of every rule in force, by KPI and rule."""
    slugs = _seen(catalogue) if kpi is None else [known_kpi(catalogue, kpi).slug]
    after = None if cursor is None else _position(cursor)
    found = await state.alerts.alerts(slugs=slugs, state=asked_state, after=after, limit=limit + 1)
    page = found[:limit]
    next_cursor = encoded_cursor(_place(page[-1])) if len(found) > limit else None
    body = AlertsBody(items=[alert_body(alert) for alert in page], next_cursor=next_cursor)
    return answer(request, body, etag=weak_etag(body.items, next_cursor))


def _seen(catalogue: Catalogue) -> list[str] | None:
    """The KPIs whose alerts the caller may know of; None: of all, also of those that are no more."""
    visible = visible_kpis(catalogue)
    return None if visible is catalogue.kpis else sorted(visible)


def _position(cursor: str) -> _Place:
    match position_of(cursor):
        case (slug, rule, alert_id):
            return slug, rule, alert_id
        case _:
            raise InvalidParameterError("cursor", NOT_OURS)


def _place(alert: Alert) -> _Place:
    return alert.rule.slug, alert.rule.name, alert.alert_id
