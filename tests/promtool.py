"""Prometheus' own checker, from the path or out of Debian's package, which needs no installing."""

import os
import shutil
import subprocess
from pathlib import Path


class NoPromtoolError(Exception):
    """promtool is not on the path, and Debian's package of Prometheus cannot be had here."""


def promtool() -> str:
    """The program's path.

    Raises:
        NoPromtoolError: there is none, and none can be fetched.
    """
    found = shutil.which("promtool") or _unpacked(_cache())
    if found is None:
        raise NoPromtoolError
    return found


def _cache() -> Path:
    return Path(os.environ.get("TIDEMARK_CACHE_DIR") or "~/.cache/tidemark").expanduser() / "promtool"


def _unpacked(directory: Path) -> str | None:
    program = directory / "usr" / "bin" / "promtool"
    if not program.exists() and shutil.which("apt-get") and shutil.which("dpkg"):
        directory.mkdir(parents=True, exist_ok=True)
        fetched = _fetched(directory)
        if fetched is not None:
            subprocess.run(["dpkg", "-x", fetched.name, "."], cwd=directory, check=True)
    return str(program) if program.exists() else None


def _fetched(directory: Path) -> Path | None:
    """Debian's package; its lists are brought up to date once when the first try finds none."""
    for refresh in (False, True):
        if refresh:
            subprocess.run(["apt-get", "update", "-qq"], capture_output=True, timeout=120, check=False)
        subprocess.run(
            ["apt-get", "download", "prometheus"],
            cwd=directory, capture_output=True, timeout=120, check=False,
        )  # fmt: skip
        package = next(directory.glob("prometheus_*.deb"), None)
        if package is not None:
            return package
    return None


def checked(program: str, *arguments: str, given: bytes = b"") -> tuple[int, str]:
    """Exit status and everything printed by *program* with *arguments*, given *given* to read."""
    done = subprocess.run(
        [program, *arguments],
        input=given, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout.decode()
