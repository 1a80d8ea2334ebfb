"""The numbers alerting keeps of itself; they are built from a registry and passed in."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from shared.domain.alerts import StateName
from shared.storage.alert_history import TIERS

OUTCOMES = ("delivered", "failed", "abandoned")

_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
"""From a handful of rules on a warm database to the longest a statement may take."""


@dataclass(frozen=True, slots=True)
class AlertMetrics:
    """What alerting counts and measures."""

    states: Gauge
    outbox_age_seconds: Gauge
    deliveries: Counter
    evaluation_seconds: Histogram
    forgotten: Counter

    @classmethod
    def on(cls, registry: CollectorRegistry, *, channels: Iterable[str]) -> "AlertMetrics":
        """The metrics on *registry*, with every label value at zero."""
        metrics = cls(
            states=Gauge(
                "tidemark_alert_states",
                "Alerts in each state among the shards of this instance; sum over the instances.",
                ["state"],
                registry=registry,
            ),
            outbox_age_seconds=Gauge(
                "tidemark_alert_outbox_age_seconds",
                "Age of the oldest notice not delivered; when it grows, read the outbox's last_error.",
                registry=registry,
            ),
            deliveries=Counter(
                "tidemark_alert_deliveries_total",
                "Attempts to deliver a notice; after failures read the outbox's last_error.",
                ["channel", "outcome"],
                registry=registry,
            ),
            evaluation_seconds=Histogram(
                "tidemark_alert_evaluation_seconds",
                "Time of one evaluation of this instance's rules; near the interval, add an instance.",
                buckets=_BUCKETS,
                registry=registry,
            ),
            forgotten=Counter(
                "tidemark_alert_history_deleted_total",
                "Rows of the history of alerts past TIDEMARK_ALERT_HISTORY_D, deleted by this instance.",
                ["tier"],
                registry=registry,
            ),
        )
        metrics._begin_at_zero(channels)
        return metrics

    def show_states(self, counts: Mapping[StateName, int]) -> None:
        """Show *counts*; a state that is missing has none."""
        for state in StateName:
            self.states.labels(state.value).set(counts.get(state, 0))

    def _begin_at_zero(self, channels: Iterable[str]) -> None:
        self.show_states({})
        for channel in channels:
            for outcome in OUTCOMES:
                self.deliveries.labels(channel, outcome)
        for tier in TIERS:
            self.forgotten.labels(tier)
