"""Which metrics the services offer, and which a query asks for."""

import re

from prometheus_client import CollectorRegistry

from services.api.alerting.metrics import AlertMetrics
from services.api.kpi_gauges import FAMILIES
from services.api.metrics import ApiMetrics
from services.api.publishing.metrics import PublishingMetrics
from services.compute.metrics import Metrics as ComputeMetrics
from services.ingest.metrics import Metrics as IngestMetrics

_NAME = re.compile(r"\b(?:tidemark|kpi)_[a-z_]+\b")
_ENDINGS = re.compile(r"_(?:bucket|count|sum|total)$")

#: Made at each scrape from what the database holds, so no registry lists them.
_OF_KPIS = frozenset(family.name for family in FAMILIES)


def offered() -> frozenset[str]:
    """The metrics that some service has, without the endings that Prometheus adds."""
    registry = CollectorRegistry()
    IngestMetrics.on(registry)
    ComputeMetrics.on(registry)
    ApiMetrics.on(registry)
    AlertMetrics.on(registry, channels=())
    PublishingMetrics.on(registry)
    return _OF_KPIS | {family.name for family in registry.collect()}


def asked_for(query: str) -> frozenset[str]:
    """The metrics that *query* reads, without the endings that Prometheus adds."""
    return frozenset(_ENDINGS.sub("", name) for name in _NAME.findall(query))
