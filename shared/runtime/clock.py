"""The only place that reads the time; everything else is told it."""

import time
from datetime import UTC, datetime


def utc_now() -> datetime:
    """The wall clock as an aware UTC instant."""
    return datetime.now(UTC)


def epoch_us() -> int:
    """The wall clock in microseconds since 1970-01-01T00:00:00Z."""
    return time.time_ns() // 1_000


def monotonic_s() -> float:
    """Seconds on a clock that never steps back; only differences mean anything."""
    return time.monotonic()
