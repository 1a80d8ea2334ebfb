"""Liveness judged by progress, on a clock that passes when it is told to."""

import pytest
from prometheus_client import CollectorRegistry

from services.compute import progress
from services.compute.metrics import Metrics
from services.compute.progress import Progress, StuckError
from tests.unit.compute.builders import AClock


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> AClock:
    """The clock that the watchdog reads."""
    clock = AClock()
    monkeypatch.setattr(progress, "monotonic_s", clock)
    return clock


def a_watchdog(clock: AClock) -> tuple[Progress, CollectorRegistry]:
    """A watchdog that gives up after a minute, and the registry its age stands in."""
    registry = CollectorRegistry()
    return Progress(60.0, Metrics.on(registry).progress_age_s, clock()), registry


def test_stuck(clock: AClock) -> None:
    """Lag without movement for longer than a minute ends the process."""
    watchdog, registry = a_watchdog(clock)
    clock.s += 59
    watchdog.observe(10)
    clock.s += 2

    with pytest.raises(StuckError, match="10 records wait and nothing has moved for 61 s"):
        watchdog.observe(10)

    assert registry.get_sample_value("tidemark_compute_progress_age_seconds") == 61
    assert watchdog.is_stuck


def test_moving(clock: AClock) -> None:
    """Lag that is worked on is no reason to end, however long it lasts."""
    watchdog, _ = a_watchdog(clock)
    for lag in range(20, 0, -1):
        clock.s += 50
        watchdog.moved()
        watchdog.observe(lag)

    assert watchdog.age == 0


def test_quiet(clock: AClock) -> None:
    """Where nothing waits nothing has to move."""
    watchdog, registry = a_watchdog(clock)
    for _ in range(5):
        clock.s += 50
        watchdog.observe(0)

    assert registry.get_sample_value("tidemark_compute_progress_age_seconds") == 0
    assert not watchdog.is_stuck
