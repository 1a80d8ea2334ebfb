"""What compute tells Prometheus; built from a registry, so that tests have their own."""

from collections.abc import Iterable
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from services.compute.parts import Tally

CHECKS = ("right", "drifted", "skipped")

CORRECTIONS = ("registered", "undone", "ahead", "repaired")

OUTCOMES = ("applied", "duplicate", "dead_lettered")

_FLUSH_BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25)
"""From a commit of one row to the command timeout."""


@dataclass(frozen=True, slots=True)
class CheckMetrics:
    """The metrics of the self-check."""

    values: Counter
    drift: Gauge

    @classmethod
    def on(cls, registry: CollectorRegistry) -> "CheckMetrics":
        """The metrics, registered on *registry* with every label value at zero."""
        values = _counter(
            registry,
            "selfcheck_values",
            "Values counted again from the log; it checks nothing when only skipped grows.",
            "outcome",
        )
        for outcome in CHECKS:
            values.labels(outcome)
        drift = _gauge(registry, "drift_values", "Of the last 100 checked, those the log denies; must be 0.")
        return cls(values, drift)


@dataclass(frozen=True, slots=True)
class CorrectionMetrics:
    """The metrics of retractions and of the panes that they leave to be repaired."""

    retractions: Counter
    sought: Gauge
    repairs_open: Gauge

    @classmethod
    def on(cls, registry: CollectorRegistry) -> "CorrectionMetrics":
        """The metrics, registered on *registry* with every label value at zero."""
        retractions = _counter(
            registry,
            "retractions",
            "Retractions met, events undone or not there yet, panes remade.",
            "outcome",
        )
        for outcome in CORRECTIONS:
            retractions.labels(outcome)
        sought = _gauge(
            registry, "retractions_sought", "Events still to be undone; values wait while it is not 0."
        )
        repairs_open = _gauge(
            registry, "repairs_open", "Panes still to be remade from the log; as_of waits for them."
        )
        return cls(retractions, sought, repairs_open)


@dataclass(frozen=True, slots=True)
class RefreshMetrics:
    """The metrics of the table of current values."""

    took_s: Histogram
    waiting: Gauge

    @classmethod
    def on(cls, registry: CollectorRegistry) -> "RefreshMetrics":
        """The metrics, registered on *registry*."""
        took_s = _histogram(registry, "refresh_seconds", "One refresh of kpi_current.")
        waiting = _gauge(
            registry, "refresh_waiting_series", "Series whose rows of kpi_current wait to be refreshed."
        )
        return cls(took_s, waiting)


@dataclass(frozen=True, slots=True)
class Metrics:
    """The metrics of compute."""

    events: Counter
    ledger: Counter
    lag_records: Gauge
    progress_age_s: Gauge
    flush_s: Histogram
    pane_rows: Counter
    fenced: Counter
    owned_partitions: Gauge
    derive_s: Histogram
    refresh: RefreshMetrics
    expression_errors: Counter
    remembered_ids: Gauge
    corrections: CorrectionMetrics
    checks: CheckMetrics

    @classmethod
    def on(cls, registry: CollectorRegistry) -> "Metrics":
        """The metrics, registered on *registry* with every label value at zero."""
        metrics = cls(
            events=_counter(
                registry, "events", "Records by what became of them; see dead letters.", "outcome"
            ),
            ledger=_counter(
                registry,
                "ledger_records",
                "The ledger of each partition: consumed is the sum of the others, or numbers are wrong.",
                "partition",
                "entry",
            ),
            lag_records=_gauge(
                registry, "lag_records", "Records not yet counted here; add processes when it only grows."
            ),
            progress_age_s=_gauge(
                registry, "progress_age_seconds", "Since a position moved or nothing waited; look past 60."
            ),
            flush_s=_histogram(
                registry, "flush_seconds", "One counting transaction; Postgres limits when long."
            ),
            pane_rows=_counter(
                registry, "pane_rows", "Pane rows written; throughput depends on rows per event."
            ),
            fenced=_counter(registry, "fenced", "Partitions lost to another process; normal at a rebalance."),
            owned_partitions=_gauge(registry, "owned_partitions", "Partitions counted here."),
            derive_s=_histogram(
                registry, "derive_seconds", "One step of making coarser panes of finer ones."
            ),
            refresh=RefreshMetrics.on(registry),
            expression_errors=_counter(
                registry, "expression_errors", "Filters or values that an event did not fit; see its paths."
            ),
            remembered_ids=_gauge(
                registry, "remembered_ids", "Event ids in memory against duplicates, 40 to 80 bytes each."
            ),
            corrections=CorrectionMetrics.on(registry),
            checks=CheckMetrics.on(registry),
        )
        metrics._at_zero()
        return metrics

    def _at_zero(self) -> None:
        for outcome in OUTCOMES:
            self.events.labels(outcome)

    def record(self, tallies: Iterable[Tally]) -> None:
        """Add what became of the records of a flush that has been committed."""
        for tally in tallies:
            found = {name: getattr(tally, name) for name in OUTCOMES}
            for outcome, count in found.items():
                self.events.labels(outcome).inc(count)
            for entry, count in {"consumed": tally.consumed, **found}.items():
                self.ledger.labels(str(tally.partition), entry).inc(count)
        self.corrections.retractions.labels("registered").inc(
            sum(len(tally.retractions) for tally in tallies)
        )


def _counter(registry: CollectorRegistry, name: str, meaning: str, *labels: str) -> Counter:
    return Counter(f"tidemark_compute_{name}", meaning, labels, registry=registry)


def _gauge(registry: CollectorRegistry, name: str, meaning: str) -> Gauge:
    return Gauge(f"tidemark_compute_{name}", meaning, registry=registry)


def _histogram(registry: CollectorRegistry, name: str, meaning: str) -> Histogram:
    return Histogram(f"tidemark_compute_{name}", meaning, buckets=_FLUSH_BUCKETS_S, registry=registry)
