"""Where the demo reads and writes, and that it is alone there."""

from pathlib import Path

import pytest

from services.local.demo.failures import AlreadyRunningError, SourceTreeMissingError
from services.local.demo.places import places, sole_demo


def test_an_installed_package(tmp_path: Path) -> None:
    """Without the source tree the demo says where its KPI files and the oracle are."""
    with pytest.raises(SourceTreeMissingError, match="only in the source tree"):
        places(tmp_path, source_tree=tmp_path)


def test_the_source_tree(tmp_path: Path) -> None:
    """In the source tree everything the demo reads is there, and it writes below its home only."""
    found = places(tmp_path)

    assert {"flights.yaml", "shop.yaml"} <= {file.name for file in found.files}
    assert found.stack.parent == found.logs == tmp_path / "demo"


def test_one_at_a_time(tmp_path: Path) -> None:
    """A second demo is refused while one runs, and welcome afterwards."""
    where = places(tmp_path)

    with sole_demo(where), pytest.raises(AlreadyRunningError, match="running already"), sole_demo(where):
        pass
    with sole_demo(where):
        pass
