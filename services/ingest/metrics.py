"""What ingest tells Prometheus; built from a registry, so that tests have their own."""

from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from shared.domain.events import Reason

_BATCH_BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20)
"""From one record on an idle broker to the deadline of a send."""


@dataclass(frozen=True, slots=True)
class Metrics:
    """The metrics of ingest."""

    events: Counter
    dead_letters: Counter
    http_events: Counter
    schema_flagged: Counter
    lag_records: Gauge
    progress_age_s: Gauge
    batch_s: Histogram

    @classmethod
    def on(cls, registry: CollectorRegistry) -> "Metrics":
        """The metrics, registered on *registry* with every label value at zero."""
        metrics = cls(
            events=Counter(
                "tidemark_ingest_events",
                "Records of source topics by what became of them; look at the reasons of dead letters.",
                ["outcome"],
                registry=registry,
            ),
            dead_letters=Counter(
                "tidemark_ingest_dead_letters",
                "Dead letters by reason; `tidemark deadletter list --reason` shows them.",
                ["reason"],
                registry=registry,
            ),
            http_events=Counter(
                "tidemark_ingest_http_events",
                "Events sent by HTTP by their answer; unavailable means that Kafka did not acknowledge them.",
                ["outcome"],
                registry=registry,
            ),
            schema_flagged=_schema_flagged(registry),
            lag_records=Gauge(
                "tidemark_ingest_lag_records",
                "Records not yet forwarded in the partitions read here; add processes when it only grows.",
                registry=registry,
            ),
            progress_age_s=Gauge(
                "tidemark_ingest_progress_age_seconds",
                "Seconds since a batch was committed or nothing waited; look when it passes 60.",
                registry=registry,
            ),
            batch_s=Histogram(
                "tidemark_ingest_batch_seconds",
                "How long a batch took from Kafka to its commit; Kafka is the limit when it grows.",
                buckets=_BATCH_BUCKETS_S,
                registry=registry,
            ),
        )
        for outcome in ("accepted", "dead_lettered"):
            metrics.events.labels(outcome)
        for outcome in ("accepted", "rejected", "unavailable"):
            metrics.http_events.labels(outcome)
        for reason in Reason:
            metrics.dead_letters.labels(reason.value)
        return metrics


def _schema_flagged(registry: CollectorRegistry) -> Counter:
    counter = Counter(
        "tidemark_ingest_schema_flagged_events",
        "Events passed on although they break the schema of their type; `tidemark events types TYPE --json`"
        " says how.",
        ["way"],
        registry=registry,
    )
    for way in ("kafka", "http"):
        counter.labels(way)
    return counter
