"""Progress: a process that stands still while records wait must end, and no other."""

import pytest
from prometheus_client import CollectorRegistry, Gauge

from shared.runtime.progress import Progress, StuckError


def a_progress(registry: CollectorRegistry | None = None) -> Progress:
    """Progress that may stand still for 60 s."""
    registry = registry or CollectorRegistry()
    lag, age = (Gauge(name, name, registry=registry) for name in ("lag_records", "age_seconds"))
    return Progress(60, lag, age)


def test_stuck() -> None:
    """Lag and no movement for longer than allowed end the process: at 60 s not yet, at 61 s."""
    progress = a_progress()
    progress.observe(5, 0)
    progress.observe(5, 60)

    with pytest.raises(StuckError, match="5 records wait"):
        progress.observe(5, 61)


def test_idle() -> None:
    """With nothing to do a process may stand still for ever."""
    progress = a_progress()

    for now_s in (0, 1000, 2000):
        progress.observe(0, now_s)


def test_after_idleness() -> None:
    """The first record after a quiet night is not late: waiting begins when it comes."""
    progress = a_progress()
    progress.observe(0, 0)
    progress.observe(1, 10_000)

    progress.observe(1, 10_050)


def test_slow_but_moving() -> None:
    """A process that moves is not stuck, however much waits."""
    progress = a_progress()
    for now_s in range(0, 1000, 50):
        progress.observe(10**6, now_s)
        progress.moved(now_s + 1)


def test_broker_away() -> None:
    """Time during which Kafka does not answer is not held against the process."""
    progress = a_progress()
    progress.observe(5, 0)
    progress.unknown()
    progress.observe(5, 300)

    progress.observe(5, 350)


def test_metrics() -> None:
    """The lag and the age of the last progress can be watched."""
    registry = CollectorRegistry()
    progress = a_progress(registry)
    progress.moved(10)
    progress.observe(7, 25)

    assert registry.get_sample_value("lag_records") == 7
    assert registry.get_sample_value("age_seconds") == 15
