"""The table of mutants keeps up with the code."""

from pathlib import Path

from tests.mutants.__main__ import is_current
from tests.mutants.table import MUTANTS

ROOT = Path(__file__).parents[2]


def test_guards_are_where_the_table_says() -> None:
    """Every text that a mutant replaces is in the tree, so no guard moves away from its mutant unnoticed."""
    assert [mutant.name for mutant in MUTANTS if not is_current(mutant)] == []


def test_tests_are_where_the_table_says() -> None:
    """Every test file that has to notice is there."""
    named = {test.partition("::")[0] for mutant in MUTANTS for test in mutant.tests}

    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []
