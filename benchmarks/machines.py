"""What the measurements were made on; without it no figure means anything."""

import os
import platform
import subprocess
from dataclasses import dataclass
from pathlib import Path

_ROOT = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class Environment:
    """The machine, the programs and the tree."""

    measured_at: str
    cores: int
    cpu_model: str
    memory_mib: int
    system: str
    python: str
    kafka: str
    postgres: str
    git_revision: str
    git_is_dirty: bool
    load_1m: float
    load_5m: float


def environment(*, measured_at: str, kafka: str, postgres: str) -> Environment:
    """The environment as it is now."""
    load_1m, load_5m, _ = os.getloadavg()
    return Environment(
        measured_at=measured_at,
        cores=len(os.sched_getaffinity(0)),
        cpu_model=cpu_model(Path("/proc/cpuinfo").read_text(encoding="utf-8")),
        memory_mib=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20,
        system=platform.platform(),
        python=platform.python_version(),
        kafka=kafka,
        postgres=postgres,
        git_revision=_git("rev-parse", "--short=12", "HEAD") or "unknown",
        git_is_dirty=bool(_git("status", "--porcelain", "--untracked-files=no")),
        load_1m=round(load_1m, 2),
        load_5m=round(load_5m, 2),
    )


def cpu_model(cpuinfo: str) -> str:
    """The processor's name for itself in the text of /proc/cpuinfo."""
    lines = (line.partition(":") for line in cpuinfo.splitlines())
    return next((value.strip() for key, _, value in lines if key.strip() == "model name"), "unknown")


def _git(*arguments: str) -> str:
    try:
        done = subprocess.run(
            ("git", *arguments), cwd=_ROOT, capture_output=True, text=True, check=True, timeout=10
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()
