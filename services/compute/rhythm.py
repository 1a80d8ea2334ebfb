"""How long counting a batch and writing it take, so that one is counted just as the one before is written."""

from dataclasses import dataclass

WEIGHT = 0.3
"""Of the newest duration among all: one that was disturbed does not decide alone."""


@dataclass(slots=True)
class Rhythm:
    """Durations in seconds, each the weighted mean of those so far, on the monotonic clock.

    A batch that is closed when the flush in flight begins is counted long before it may be written, and its
    events wait for two flushes; one that is closed when that flush ends keeps the store waiting while it is
    counted. In between nobody waits for nothing.
    """

    counting_s: float = 0.0
    flushing_s: float = 0.0
    _began_s: float = 0.0

    def counted(self, took_s: float) -> None:
        """A batch was counted."""
        self.counting_s += WEIGHT * (took_s - self.counting_s)

    def flush_began(self, now_s: float) -> None:
        """A batch is being written from now on."""
        self._began_s = now_s

    def flushed(self, now_s: float) -> None:
        """It is written."""
        self.flushing_s += WEIGHT * (now_s - self._began_s - self.flushing_s)

    @property
    def close_s(self) -> float:
        """When the next batch is to be closed, to be counted when the flush in flight is expected to end."""
        return self._began_s + self.flushing_s - self.counting_s
