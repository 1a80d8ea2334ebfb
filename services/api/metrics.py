"""The service's own numbers for Prometheus; KPI values are in kpi_gauges."""

from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Gauge, Histogram

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
"""From an answer out of memory (1 ms) to the longest a query may take (5 s) and a little beyond."""


@dataclass(frozen=True, slots=True)
class ApiMetrics:
    """What the API counts of itself."""

    request_seconds: Histogram
    streams: Gauge

    @classmethod
    def on(cls, registry: CollectorRegistry) -> "ApiMetrics":
        """The metrics, registered on *registry*."""
        return cls(
            request_seconds=Histogram(
                "tidemark_http_request_seconds",
                "Seconds to the start of an answer; when it rises, look at the database first.",
                ("route", "method", "status"),
                buckets=_BUCKETS,
                registry=registry,
            ),
            streams=Gauge(
                "tidemark_http_streams",
                "Open event streams; near the limit, start another instance or find who does not hang up.",
                registry=registry,
            ),
        )

    def observe(self, *, route: str, method: str, status: int, took_s: float) -> None:
        """Count one answer; methods that HTTP does not know share one label."""
        known = method if method in _METHODS else "other"
        self.request_seconds.labels(route, known, str(status)).observe(took_s)
