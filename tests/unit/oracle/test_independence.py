"""The oracle may be wrong, but never in the same way as the product."""

import ast
from pathlib import Path

import pytest

import tests.oracle

MODULES = sorted(Path(tests.oracle.__file__).parent.glob("*.py"))


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.stem)
def test_the_oracle_shares_no_code(module: Path) -> None:
    """No module of the oracle imports anything of the services or of what they share."""
    nodes = list(ast.walk(ast.parse(module.read_text())))
    imported = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module or "." for node in nodes if isinstance(node, ast.ImportFrom)}

    assert {name for name in imported if name.split(".")[0] in {"services", "shared", "."}} == set()
