"""Break each guard in a copy of the tree; its tests have to fail: `python -m tests.mutants [name ...]`."""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.mutants.table import MUTANTS, Mutant

ROOT = Path(__file__).parents[2]

LONGEST_S = 240
"""A mutant whose tests take longer is taken for one that hangs, which its tests have noticed."""

_SKIPPED = shutil.ignore_patterns(
    ".venv", ".git", ".uv", "__pycache__", ".*_cache", ".hypothesis", ".tidemark", "node_modules"
)
_FAILED = re.compile(r"^(?:FAILED|ERROR) (\S+)", re.MULTILINE)


def main() -> None:
    """One line for each mutant; the exit status is non-zero when one survives or is out of date."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants")
    parser.add_argument("names", nargs="*", help="only these mutants")
    parser.add_argument("--jobs", type=int, default=2, help="how many are tried at a time")
    parser.add_argument("--check", action="store_true", help="only look whether the texts are still there")
    asked = parser.parse_args()
    chosen = [mutant for mutant in MUTANTS if not asked.names or mutant.name in asked.names]
    stale = [mutant.name for mutant in chosen if not is_current(mutant)]
    for name in stale:
        _tell(f"{name}: STALE, the text to replace is no longer there")
    spared = [] if asked.check else _run([m for m in chosen if m.name not in stale], asked.jobs)
    _tell(f"{len(chosen)} mutants, {len(stale)} stale, {len(spared)} not killed: {' '.join(spared)}")
    sys.exit(bool(stale or spared))


def is_current(mutant: Mutant) -> bool:
    """Whether the texts to be replaced are in the tree."""
    source = ROOT / mutant.file
    return source.exists() and mutant.old in source.read_text(encoding="utf-8")


def _run(mutants: list[Mutant], jobs: int) -> list[str]:
    """The names of those of *mutants* that no test has killed."""
    with ThreadPoolExecutor(jobs) as pool:
        return [
            mutant.name
            for mutant, killed in zip(mutants, pool.map(_tried, mutants), strict=True)
            if not killed
        ]


def _tried(mutant: Mutant) -> bool:
    """Whether the tests of *mutant* fail on a tree of its own with its guard broken."""
    began_s = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="tidemark-mutant-") as folder:
        tree = Path(folder) / "tree"
        shutil.copytree(ROOT, tree, ignore=_SKIPPED)
        broken = tree / mutant.file
        broken.write_text(
            broken.read_text(encoding="utf-8").replace(mutant.old, mutant.new), encoding="utf-8"
        )
        killed_by = _killer(mutant, tree)
    verdict = f"killed by {killed_by}" if killed_by else "SURVIVED"
    _tell(f"{mutant.name}: {verdict} ({time.perf_counter() - began_s:.0f} s)")
    return killed_by is not None


def _killer(mutant: Mutant, tree: Path) -> str | None:
    """The first test that fails on *tree*; tests that cannot even be collected kill nothing."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:randomly", "-p", "no:cacheprovider"]
    try:
        done = subprocess.run(
            [*command, *mutant.tests], cwd=tree, env=_environment(tree),
            capture_output=True, text=True, check=False, timeout=LONGEST_S,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return "a test that hangs"
    failed = _FAILED.search(done.stdout)
    if done.returncode not in (0, 1) or (done.returncode == 1 and failed is None):
        _tell(f"{mutant.name}: its tests could not run\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return failed[1] if done.returncode == 1 and failed else None


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
