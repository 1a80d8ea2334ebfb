"""Every table of Tidemark; the statements that use them live beside this package."""

from shared.storage.tables.access import api_keys, audit, audit_head
from shared.storage.tables.alerting import alert_evaluators, alert_leases, alert_transitions, alerts, outbox
from shared.storage.tables.annotating import annotations
from shared.storage.tables.answering import kept_answers
from shared.storage.tables.counting import (
    flushes,
    pane_repairs,
    pane_sketches,
    panes,
    positions,
    retractions,
    series,
)
from shared.storage.tables.definitions import (
    activations,
    backfill_cursors,
    backfill_measures,
    backfills,
    catalogue,
    document_versions,
    documents,
    kpi_versions,
    kpis,
    measures,
)
from shared.storage.tables.observing import observed_rates, observed_types, observed_up_to, observed_values
from shared.storage.tables.schema import NOW, metadata
from shared.storage.tables.values import kpi_current, kpi_gone, kpi_gone_forgotten, value_publication

__all__ = [
    "NOW",
    "activations",
    "alert_evaluators",
    "alert_leases",
    "alert_transitions",
    "alerts",
    "annotations",
    "api_keys",
    "audit",
    "audit_head",
    "backfill_cursors",
    "backfill_measures",
    "backfills",
    "catalogue",
    "document_versions",
    "documents",
    "flushes",
    "kept_answers",
    "kpi_current",
    "kpi_gone",
    "kpi_gone_forgotten",
    "kpi_versions",
    "kpis",
    "measures",
    "metadata",
    "observed_rates",
    "observed_types",
    "observed_up_to",
    "observed_values",
    "outbox",
    "pane_repairs",
    "pane_sketches",
    "panes",
    "positions",
    "retractions",
    "series",
    "value_publication",
]
