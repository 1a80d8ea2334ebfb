"""When a batch is closed while another is written."""

import pytest

from services.compute.rhythm import Rhythm


def a_rhythm(*, counting_s: float, flushing_s: float) -> Rhythm:
    """One that has always been so."""
    rhythm = Rhythm()
    for begin_s in range(0, 100, 2):
        rhythm.counted(counting_s)
        rhythm.flush_began(begin_s)
        rhythm.flushed(begin_s + flushing_s)
    return rhythm


def test_counted_when_written() -> None:
    """A batch that is closed then is counted just as the flush in flight ends."""
    rhythm = a_rhythm(counting_s=0.05, flushing_s=0.2)
    rhythm.flush_began(1000.0)

    assert rhythm.close_s == pytest.approx(1000.15)


def test_at_once() -> None:
    """Where counting takes longer than writing, nothing is waited for."""
    rhythm = a_rhythm(counting_s=0.3, flushing_s=0.2)
    rhythm.flush_began(1000.0)

    assert rhythm.close_s < 1000


def test_one_slow_flush() -> None:
    """A single flush that was disturbed does not decide."""
    rhythm = a_rhythm(counting_s=0.05, flushing_s=0.1)
    rhythm.flush_began(1000.0)
    rhythm.flushed(1001.0)

    assert rhythm.flushing_s == pytest.approx(0.37)
