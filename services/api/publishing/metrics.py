"""The numbers publishing keeps of itself."""

from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter


@dataclass(frozen=True, slots=True)
class PublishingMetrics:
    """What publishing counts."""

    records: Counter

    @classmethod
    def on(cls, registry: CollectorRegistry) -> "PublishingMetrics":
        """The metrics on *registry*, at zero."""
        return cls(
            records=Counter(
                "tidemark_http_published_values_total",
                "Records written to tidemark.values by this instance; when all rest while values change, read"
                " the log for values_not_published.",
                registry=registry,
            )
        )
