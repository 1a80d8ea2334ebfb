"""Hundreds of simulated lives of a fleet: whatever happens to it, the tables say what the log says."""

import os

import pytest

from tests.failpoints import CLAIM_FAILPOINTS, FLUSH_FAILPOINTS
from tests.simulation.worlds import simulate

FOUND_FAILURES: tuple[int, ...] = ()
"""Seeds that once showed a mistake of the product."""

CHUNK = 50
SEEDS = int(os.environ.get("SIMULATION_SEEDS", "300"))
NIGHTLY_SEEDS = int(os.environ.get("SIMULATION_NIGHTLY_SEEDS", "10000"))


def failures(seeds: range | tuple[int, ...]) -> list[str]:
    """What was wrong, each with the command that shows it again."""
    return [
        f"python -m tests.simulation --seed {seed}: {failure}"
        for seed in seeds
        for failure in simulate(seed).failures
    ]


@pytest.mark.parametrize("first", range(0, SEEDS, CHUNK))
def test_any_life(first: int) -> None:
    """Crashes, pauses, rebalances, cuts, lost answers and new KPIs in any order change no number."""
    assert failures(range(first, min(first + CHUNK, SEEDS))) == []


@pytest.mark.nightly
@pytest.mark.parametrize("first", range(SEEDS, SEEDS + NIGHTLY_SEEDS, CHUNK))
def test_any_life_by_night(first: int) -> None:
    """The same for as many lives as a night allows."""
    assert failures(range(first, first + CHUNK)) == []


def test_lives_that_found_mistakes() -> None:
    """What has been wrong once stays right."""
    assert failures(FOUND_FAILURES) == []


def test_lives_reach_everything() -> None:
    """A handful of lives comes past every failpoint: none of them is dead wood."""
    reached = {name for seed in range(12) for name in simulate(seed).reached}

    assert reached == {*FLUSH_FAILPOINTS, *CLAIM_FAILPOINTS}


def test_a_seed_is_a_life() -> None:
    """The same seed is the same life, to the last row: a failure can be looked at as often as needed."""
    one, other = simulate(7), simulate(7)

    assert one.loop.now_s == other.loop.now_s
    assert one.server.tables.positions == other.server.tables.positions
    assert one.server.tables.panes == other.server.tables.panes
