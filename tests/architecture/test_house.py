"""The rules of the house that no other tool keeps."""

import ast
from collections.abc import Iterator
from importlib.metadata import distributions
from pathlib import Path

import pytest

import services
import shared

ROOT = Path(__file__).parents[2]
LONGEST_FILE = 300
LONGEST_FUNCTION = 50


def sources(*folders: str) -> Iterator[Path]:
    """All Python files of *folders*, migrations aside."""
    for folder in folders:
        yield from (path for path in sorted((ROOT / folder).rglob("*.py")) if "versions" not in path.parts)


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function of a file."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def name(path: Path) -> str:
    """A file as a reader knows it."""
    return str(path.relative_to(ROOT))


def test_files_have_one_job() -> None:
    """A file that grows past its size has taken on a second job."""
    long = {
        name(p): n for p in sources("services", "shared") if (n := p.read_text().count("\n")) > LONGEST_FILE
    }

    assert long == {}


def test_functions_are_short() -> None:
    """A function fits on a screen."""
    long = {
        f"{name(path)}:{function.name}": length
        for path in sources("services", "shared")
        for function in functions(path)
        if (length := (function.end_lineno or 0) - function.lineno + 1) > LONGEST_FUNCTION
    }

    assert long == {}


def test_modules_say_what_they_are_for() -> None:
    """A module that is not empty begins with its docstring."""
    silent = [
        name(path)
        for path in sources("services", "shared")
        if path.read_text().strip() and not ast.get_docstring(ast.parse(path.read_text()))
    ]

    assert silent == []


def test_tests_state_their_promise() -> None:
    """Every test has a docstring."""
    silent = [
        f"{name(path)}:{function.name}"
        for path in sources("tests")
        for function in functions(path)
        if function.name.startswith("test_") and not ast.get_docstring(function)
    ]

    assert silent == []


@pytest.mark.parametrize("package", [services, shared])
def test_the_packages_are_ours(package: object) -> None:
    """Neither `services` nor `shared` comes from elsewhere on the path."""
    assert Path(str(getattr(package, "__file__", ""))).is_relative_to(ROOT)


def test_nobody_else_ships_our_names() -> None:
    """No other installed distribution has a top-level `services` or `shared`, which would overwrite ours."""
    others = {
        str(found.metadata["Name"])
        for found in distributions()
        if found.metadata["Name"] != "tidemark"
        and {"services", "shared"} & {Path(str(file)).parts[0] for file in found.files or []}
    }

    assert others == set()


def test_the_oracle_stands_alone() -> None:
    """The second opinion imports nothing of what it judges."""
    imported = set()
    for path in sources("tests/oracle"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                imported |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                imported.add(node.module.partition(".")[0])

    assert not imported & {"services", "shared"}
