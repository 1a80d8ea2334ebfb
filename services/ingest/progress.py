"""Liveness judged by progress: lag without movement for too long means that the process must end."""

from dataclasses import dataclass

from services.ingest.metrics import Metrics
from shared.domain.errors import StopError


class StuckError(StopError):
    """Records wait, Kafka answers, and nothing moves; a new process may do better."""


@dataclass(slots=True)
class Progress:
    """When something last moved, and since when something should have; times are of a monotonic clock."""

    stuck_after_s: float
    metrics: Metrics
    _moved_s: float | None = None
    _waiting_since_s: float | None = None

    def moved(self, now_s: float) -> None:
        """A batch was committed."""
        self._moved_s = now_s
        self._waiting_since_s = None

    def unknown(self) -> None:
        """Kafka did not say how much waits: a broker that is away is no reason to end."""
        self._waiting_since_s = None

    def observe(self, lag: int, now_s: float) -> None:
        """Take note of the *lag* in records.

        Raises:
            StuckError: there has been lag without movement for too long.
        """
        if lag == 0 or self._moved_s is None:
            self.moved(now_s)
        if lag and self._waiting_since_s is None:
            self._waiting_since_s = now_s
        age_s = now_s - (now_s if self._moved_s is None else self._moved_s)
        self.metrics.lag_records.set(lag)
        self.metrics.progress_age_s.set(age_s)
        if self._waiting_since_s is not None and now_s - self._waiting_since_s > self.stuck_after_s:
            raise StuckError(f"{lag} records wait and nothing has moved for {age_s:.0f} s")
