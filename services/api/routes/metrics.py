"""/metrics: the service's own numbers, and of the KPIs those that the caller may see."""

from collections.abc import Collection, Iterable

from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import Metric
from prometheus_client.registry import Collector
from starlette.responses import Response

from services.api.dependencies import Caller, Scope, State, needs, seen_by, visible_kpis

router = APIRouter(dependencies=[needs(Scope.METRICS, Scope.READ)], include_in_schema=False)

_KPI = "kpi"
"""The label that names a KPI, whatever the family."""


@router.get("/metrics")
async def show_metrics(state: State, caller: Caller) -> Response:
    """Everything that is measured, for Prometheus; nothing of KPIs that the caller may not know of."""
    await state.kpi_gauges.refresh()
    shown: Collector = state.registry
    if not caller.limits.is_everything:
        # Only a limited caller needs the catalogue: metrics are there when the database is not.
        catalogue = seen_by(await state.catalogue.current(), caller.limits)
        shown = _Part(state.registry, visible_kpis(catalogue))
    return Response(generate_latest(shown), media_type=CONTENT_TYPE_LATEST)


class _Part(Collector):
    """A registry of which samples of hidden KPIs are missing."""

    def __init__(self, whole: CollectorRegistry, visible: Collection[str]) -> None:
        self._whole = whole
        self._visible = visible

    def collect(self) -> Iterable[Metric]:
        for family in self._whole.collect():
            part = Metric(family.name, family.documentation, family.type, family.unit)
            part.samples = [each for each in family.samples if self._shows(each.labels)]
            yield part

    def _shows(self, labels: dict[str, str]) -> bool:
        return _KPI not in labels or labels[_KPI] in self._visible
