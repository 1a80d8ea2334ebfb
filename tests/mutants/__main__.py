"""Break each guard in a copy of the tree; its tests have to fail: `python -m tests.mutants [name ...]`."""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from tests.mutants.table import MUTANTS, Mutant

ROOT = Path(__file__).parents[2]

LONGEST_S = 400
"""Tests that take longer have given no verdict: slowness is no proof that they have noticed."""

_SKIPPED = shutil.ignore_patterns(
    ".venv", ".git", ".uv", "__pycache__", ".*_cache", ".hypothesis", ".tidemark", "node_modules"
)


class NoVerdictError(Exception):
    """The tests could not run, or took too long."""


_FAILED = re.compile(r"^(?:FAILED|ERROR) (\S+)", re.MULTILINE)


def main() -> None:
    """One line for each mutant; the exit status is non-zero when one survives or is out of date."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants")
    parser.add_argument("names", nargs="*", help="only these mutants")
    parser.add_argument("--jobs", type=int, default=2, help="how many are tried at a time")
    asked = parser.parse_args()
    chosen = [mutant for mutant in MUTANTS if not asked.names or mutant.name in asked.names]
    stale = [mutant for mutant in chosen if not is_current(mutant)]
    for mutant in stale:
        _tell(f"{mutant.name}: STALE, the text to replace is no longer there")
    chosen = [mutant for mutant in chosen if mutant not in stale]
    _require_green(chosen)
    spared = _spared(chosen, asked.jobs)
    _tell(f"{len(chosen)} mutants, {len(stale)} stale, {len(spared)} not killed: {' '.join(spared)}")
    sys.exit(bool(stale or spared))


def is_current(mutant: Mutant) -> bool:
    """Whether the texts to be replaced are in the tree."""
    source = ROOT / mutant.file
    return source.exists() and mutant.old in source.read_text(encoding="utf-8")


def _require_green(mutants: list[Mutant]) -> None:
    """End here when a test fails on the tree as it is: it would kill every mutant."""
    with _copy() as tree:
        failed = _failure(tree, {test: None for mutant in mutants for test in mutant.tests})
    if failed:
        _tell(f"{failed} fails although nothing is broken")
        sys.exit(1)


def _spared(mutants: list[Mutant], jobs: int) -> list[str]:
    """The names of those of *mutants* that no test has killed."""
    with ThreadPoolExecutor(jobs) as pool:
        verdicts = zip(mutants, pool.map(_is_killed, mutants), strict=True)
        return [mutant.name for mutant, is_killed in verdicts if not is_killed]


def _is_killed(mutant: Mutant) -> bool:
    """Whether the tests of *mutant* fail on a tree of its own with its guard broken."""
    began_s = time.perf_counter()
    with _copy() as tree:
        broken = tree / mutant.file
        whole = broken.read_text(encoding="utf-8")
        broken.write_text(whole.replace(mutant.old, mutant.new), encoding="utf-8")
        try:
            failed = _failure(tree, mutant.tests)
        except NoVerdictError as error:
            _tell(f"{mutant.name}: {error}")
            failed = None
    verdict = f"killed by {failed}" if failed else "SURVIVED"
    _tell(f"{mutant.name}: {verdict} ({time.perf_counter() - began_s:.0f} s)")
    return failed is not None


@contextmanager
def _copy() -> Iterator[Path]:
    """A copy of the tree, for the length of a block."""
    with tempfile.TemporaryDirectory(prefix="tidemark-mutant-") as folder:
        yield shutil.copytree(ROOT, Path(folder) / "tree", ignore=_SKIPPED)


def _failure(tree: Path, tests: Iterable[str]) -> str | None:
    """The first of *tests* that fails on *tree*.

    Raises:
        NoVerdictError: they cannot be collected, or they hang.
    """
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:randomly", "-p", "no:cacheprovider"]
    try:
        done = subprocess.run(
            [*command, *tests], cwd=tree, env=_environment(tree),
            capture_output=True, text=True, check=False, timeout=LONGEST_S,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise NoVerdictError(f"no verdict within {LONGEST_S} s") from None
    failed = _FAILED.search(done.stdout)
    if done.returncode == 1 and failed:
        return failed[1]
    if done.returncode:
        raise NoVerdictError(f"{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return None


def _environment(tree: Path) -> dict[str, str]:
    """Imports come from *tree*; what is compiled is kept, or each mutant would begin from nothing."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    compiled = Path(tempfile.gettempdir()) / "tidemark-mutants-compiled"
    return kept | {"PYTHONPATH": str(tree), "PYTHONPYCACHEPREFIX": str(compiled)}


def _tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
