"""Where the demo's files are: in the source tree what it reads, under `.tidemark` what it writes."""

import contextlib
import fcntl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from services.local.demo.failures import AlreadyRunningError, SourceTreeMissingError

_SOURCE_TREE = Path(__file__).resolve().parents[3]


@dataclass(frozen=True, slots=True)
class Places:
    """Files and directories of one demo.

    Attributes:
        source_tree: the root of the repository, where the oracle lies among the tests.
        kpis: the directory of the KPI files that are put in force.
        stack: the home of the demo's own Kafka and PostgreSQL, emptied at each start.
        logs: where the services' logs go.
    """

    source_tree: Path
    kpis: Path
    stack: Path
    logs: Path

    @property
    def files(self) -> list[Path]:
        """The KPI files of all catalogues, in the order of their names."""
        return sorted(self.kpis.glob("*.yaml"))


def places(home: Path, *, source_tree: Path = _SOURCE_TREE) -> Places:
    """The places of a demo that writes below *home*.

    Raises:
        SourceTreeMissingError: this is an installed package without the KPI files and the oracle.
    """
    kpis = source_tree / "kpis"
    for needed in (
        kpis / "flights.yaml",
        kpis / "shop.yaml",
        source_tree / "tests" / "oracle" / "__main__.py",
    ):
        if not needed.exists():
            raise SourceTreeMissingError(needed)
    logs = home / "demo"
    logs.mkdir(parents=True, exist_ok=True)
    return Places(source_tree=source_tree, kpis=kpis, stack=logs / "stack", logs=logs)


@contextlib.contextmanager
def sole_demo(where: Places) -> Iterator[None]:
    """Keep every other demo out of these places until the block ends: each empties them when it starts.

    Raises:
        AlreadyRunningError: one is in there.
    """
    with (where.logs / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRunningError(where.logs) from None
        yield
