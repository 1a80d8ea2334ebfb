"""Liveness judged by progress: lag without movement for too long means that the process must end."""

from dataclasses import dataclass

from prometheus_client import Gauge

from shared.domain.errors import StopError


class StuckError(StopError):
    """Records wait, Kafka answers, and nothing moves; a new process may do better."""


@dataclass(slots=True)
class Progress:
    """When something last moved, and since when something should have; times are of a monotonic clock.

    Attributes:
        lag_records: told how much waits.
        age_s: told how long ago something moved, or there was nothing to do.
        lag: how many records waited when last observed.
        is_catching_up: what is counted is history, and much of it: nobody waits for every tenth of a second.
    """

    stuck_after_s: float
    lag_records: Gauge
    age_s: Gauge
    lag: int = 0
    is_catching_up: bool = False
    _moved_s: float | None = None
    _waiting_since_s: float | None = None

    def moved(self, now_s: float) -> None:
        """A batch was committed."""
        self._moved_s = now_s
        self._waiting_since_s = None

    def unknown(self) -> None:
        """Nobody knows how much waits: a server that is away is no reason to end."""
        self._waiting_since_s = None
        self.is_catching_up = False

    def still_for_s(self, now_s: float) -> float:
        """How long records have waited without any movement; 0 when none wait."""
        return 0.0 if self._waiting_since_s is None else now_s - self._waiting_since_s

    def observe(self, lag: int, now_s: float) -> None:
        """Take note of the *lag* in records.

        Raises:
            StuckError: there has been lag without movement for too long.
        """
        self.lag = lag
        if lag == 0 or self._moved_s is None:
            self.moved(now_s)
        if lag and self._waiting_since_s is None:
            self._waiting_since_s = now_s
        age_s = now_s - (now_s if self._moved_s is None else self._moved_s)
        self.lag_records.set(lag)
        self.age_s.set(age_s)
        if self.still_for_s(now_s) > self.stuck_after_s:
            raise StuckError(f"{lag} records wait and nothing has moved for {age_s:.0f} s")
