"""The page of features says what is true."""

import ast

from tests.features.pages import PAGE, ROOT, groups, page

ROWS = [row for group in groups() for row in group.rows]


def test_page_is_current() -> None:
    """docs/features.md is what the rows say; write it again with `python -m tests.features`."""
    assert PAGE.read_text(encoding="utf-8") == page()


def test_every_must_is_proven() -> None:
    """Every feature that is a must has a test."""
    assert [row.id for row in ROWS if row.must and not row.tests] == []


def test_every_row_once() -> None:
    """No row is lost or told twice, and each stands in its group."""
    told = [row.id for row in ROWS]

    assert len(set(told)) == len(told)
    assert [row.id for group in groups() for row in group.rows if row.id[0] != group.group] == []


def test_tests_are_there() -> None:
    """Every test that is named can be found."""
    missing = []
    for test in (test for row in ROWS for test in row.tests):
        file, _, name = test.partition("::")
        path = ROOT / file
        tree = ast.parse(path.read_text(encoding="utf-8")) if path.exists() else ast.Module([], [])
        defined = {
            node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        }
        if name not in defined or not name.startswith("test_"):
            missing.append(test)

    assert missing == []
