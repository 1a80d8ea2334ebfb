"""Run a seed again: `python -m tests.simulation --seed 7`, or many: `--seeds 1000 --from 0`."""

import argparse
import sys
import time

from tests.simulation.worlds import simulate


def main() -> None:
    """Print every seed that fails, with what was wrong; the exit status says whether any did."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--from", dest="first", type=int, default=0)
    asked = parser.parse_args()
    seeds = range(asked.first, asked.first + asked.seeds) if asked.seed is None else [asked.seed]
    began_s = time.perf_counter()
    failed = [seed for seed in seeds if not _holds(seed)]
    took_s = time.perf_counter() - began_s
    sys.stdout.write(f"{len(seeds)} seeds in {took_s:.1f} s, {len(failed)} failed: {failed}\n")
    sys.exit(bool(failed))


def _holds(seed: int) -> bool:
    world = simulate(seed)
    for failure in world.failures:
        sys.stdout.write(f"seed {seed}: {failure}\n")
    return not world.failures


if __name__ == "__main__":
    main()
