"""Liveness judged by progress: lag without movement for too long means that the process must end."""

from dataclasses import dataclass, field

from prometheus_client import Gauge

from shared.domain.errors import StopError
from shared.runtime.clock import monotonic_s


class StuckError(StopError):
    """Records wait and the position has not moved; the client may be dead without knowing it."""


@dataclass(slots=True)
class Progress:
    """When something last moved."""

    stuck_after_s: float
    age_s: Gauge
    _moved_s: float = field(default_factory=monotonic_s)

    @property
    def age(self) -> float:
        """Seconds since something moved."""
        return monotonic_s() - self._moved_s

    @property
    def is_stuck(self) -> bool:
        """Whether it was too long ago."""
        return self.age > self.stuck_after_s

    def moved(self) -> None:
        """A flush was committed."""
        self._moved_s = monotonic_s()

    def observe(self, lag: int) -> None:
        """Take note of the *lag* in records.

        Raises:
            StuckError: there is lag and nothing has moved for too long.
        """
        if lag == 0:
            self.moved()
        self.age_s.set(self.age)
        if self.is_stuck:
            raise StuckError(f"{lag} records wait and nothing has moved for {self.age:.0f} s")
