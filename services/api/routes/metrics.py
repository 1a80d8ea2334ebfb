"""/metrics: the service's own numbers, and of the KPIs those that the caller may see."""

from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import Response

from services.api.dependencies import Caller, Scope, State, needs, seen_by, visible_kpis
from services.api.security.redactions import follows_hidden

router = APIRouter(dependencies=[needs(Scope.METRICS, Scope.READ)], include_in_schema=False)


@router.get("/metrics")
async def show_metrics(state: State, caller: Caller) -> Response:
    """Everything that is measured, for Prometheus; nothing of KPIs that the caller may not know of."""
    await state.kpi_gauges.refresh()
    visible, discreet = None, frozenset[str]()
    if not caller.limits.is_everything:
        # Only a limited caller needs the catalogue: metrics are there when the database is not.
        catalogue = seen_by(await state.catalogue.current(), caller.limits)
        visible = visible_kpis(catalogue)
        discreet = frozenset(slug for slug, kpi in visible.items() if follows_hidden(kpi, catalogue))
    text = generate_latest(state.registry) + state.kpi_gauges.text(visible, discreet).encode()
    return Response(text, media_type=CONTENT_TYPE_LATEST)
