"""Liveness judged by progress: lag without movement for too long means that the process must end."""

from dataclasses import dataclass, field

from services.ingest.metrics import Metrics
from shared.domain.errors import StopError
from shared.runtime.clock import monotonic_s


class StuckError(StopError):
    """Records wait, Kafka answers, and nothing moves; a new process may do better."""


@dataclass(slots=True)
class Progress:
    """When something last moved, and since when something should have."""

    stuck_after_s: float
    metrics: Metrics
    _moved_s: float = field(default_factory=monotonic_s)
    _waiting_since_s: float | None = None

    def moved(self) -> None:
        """A batch was committed."""
        self._moved_s = monotonic_s()
        self._waiting_since_s = None

    def unknown(self) -> None:
        """Kafka did not say how much waits: a broker that is away is no reason to end."""
        self._waiting_since_s = None

    def observe(self, lag: int) -> None:
        """Take note of the *lag* in records.

        Raises:
            StuckError: there has been lag without movement for too long.
        """
        now_s = monotonic_s()
        if lag == 0:
            self.moved()
        elif self._waiting_since_s is None:
            self._waiting_since_s = now_s
        self.metrics.lag_records.set(lag)
        self.metrics.progress_age_s.set(now_s - self._moved_s)
        if self._waiting_since_s is not None and now_s - self._waiting_since_s > self.stuck_after_s:
            raise StuckError(f"{lag} records wait and nothing has moved for {now_s - self._moved_s:.0f} s")
