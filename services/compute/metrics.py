"""What compute tells Prometheus; built from a registry, so that tests have their own."""

from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

OUTCOMES = ("applied", "duplicate", "dead_lettered")

_FLUSH_BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25)
"""From a commit of one row to the command timeout."""


@dataclass(frozen=True, slots=True)
class Metrics:
    """The metrics of compute."""

    events: Counter
    lag_records: Gauge
    progress_age_s: Gauge
    flush_s: Histogram
    pane_rows: Counter
    fenced: Counter
    owned_partitions: Gauge
    refresh_s: Histogram
    expression_errors: Counter
    remembered_ids: Gauge

    @classmethod
    def on(cls, registry: CollectorRegistry) -> "Metrics":
        """The metrics, registered on *registry* with every label value at zero."""
        metrics = cls(
            events=Counter(
                "tidemark_compute_events",
                "Records of the clean topic by what became of them; look at the reasons of dead letters.",
                ["outcome"],
                registry=registry,
            ),
            lag_records=Gauge(
                "tidemark_compute_lag_records",
                "Records not yet counted in the partitions owned here; add processes when it only grows.",
                registry=registry,
            ),
            progress_age_s=Gauge(
                "tidemark_compute_progress_age_seconds",
                "Seconds since a position moved or there was nothing to count; look when it passes 60.",
                registry=registry,
            ),
            flush_s=Histogram(
                "tidemark_compute_flush_seconds",
                "How long one transaction of counting took; Postgres is the limit when it grows.",
                buckets=_FLUSH_BUCKETS_S,
                registry=registry,
            ),
            pane_rows=Counter(
                "tidemark_compute_pane_rows",
                "Pane rows written; rows per event is what throughput depends on.",
                registry=registry,
            ),
            fenced=Counter(
                "tidemark_compute_fenced",
                "Partitions let go of because another process had taken them; normal at a rebalance.",
                registry=registry,
            ),
            owned_partitions=Gauge(
                "tidemark_compute_owned_partitions", "Partitions counted here.", registry=registry
            ),
            refresh_s=Histogram(
                "tidemark_compute_refresh_seconds",
                "How long one refresh of kpi_current took.",
                buckets=_FLUSH_BUCKETS_S,
                registry=registry,
            ),
            expression_errors=Counter(
                "tidemark_compute_expression_errors",
                "Events that a filter or value could not be evaluated on: a missing path or a wrong type.",
                registry=registry,
            ),
            remembered_ids=Gauge(
                "tidemark_compute_remembered_ids",
                "Event ids held in memory to recognise duplicates, 32 to 64 bytes each.",
                registry=registry,
            ),
        )
        for outcome in OUTCOMES:
            metrics.events.labels(outcome)
        return metrics
