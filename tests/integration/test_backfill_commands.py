"""`tidemark backfill` and `tidemark kpi apply --backfill` on a real database, with no compute about."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from services import audit_commands, catalogue
from services.backfill_commands import app
from services.catalogue_doors import FAILED, USAGE
from tests.unit.test_catalogue_cli import a_file

pytestmark = pytest.mark.usefixtures("_database")


@pytest.fixture
def _database(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands find the test's own database."""
    monkeypatch.setenv("TIDEMARK_DATABASE_URL", database_url)


def kpi(*arguments: str) -> Result:
    return CliRunner().invoke(catalogue.app, arguments)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def body(*arguments: str) -> Any:
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_a_rebuild(tmp_path: Path) -> None:
    """Naming KPIs in force is enough to begin; each may be listed, shown, and called off once."""
    kpi("apply", str(a_file(tmp_path, "a.yaml", "a", "b")), "--yes")

    begun = body("a", "--rate", "500")
    listed = body("list")
    shown = body("show", "1")
    cancelled = body("cancel", "1")
    again = run("cancel", "1")
    log = json.loads(CliRunner().invoke(audit_commands.app, ["list", "--subject", "1", "--json"]).stdout)

    assert [entry["action"] for entry in log] == ["backfill.cancel", "backfill.order"]
    assert log[1]["detail"] == {"kpis": ["a"], "rate": 500}
    assert (begun["backfill"], begun["kpis"], begun["state"], begun["rate_limit"]) == (
        1,
        ["a"],
        "running",
        500,
    )
    assert listed == {"backfills": [begun]}
    assert shown == begun
    assert cancelled["state"] == "cancelled"
    assert (again.exit_code, again.stderr) == (FAILED, "backfill 1 is cancelled and cannot be cancelled\n")


def test_tables(tmp_path: Path) -> None:
    """People get tables that say what is waited for."""
    kpi("apply", str(a_file(tmp_path, "a.yaml", "a")), "--yes")

    begun = run("a")
    listed = run("list")
    shown = run("show", "1")

    assert begun.stdout == "backfill 1 has begun: tidemark backfill show 1 says more\n"
    assert "waiting for compute" in listed.stdout
    assert "what is in force is replaced" in shown.stdout


def test_apply_with_backfill(tmp_path: Path) -> None:
    """What counts something new is ordered and not in force yet; a change of words is in force at once."""
    path = a_file(tmp_path, "a.yaml", "a")
    ordered = kpi("apply", str(path), "--yes", "--backfill", "--json")
    in_force = json.loads(kpi("show", "--json").stdout)["kpis"]
    kpi("apply", str(path), "--yes")
    path.write_text(path.read_text("utf-8").replace("title: Orders", "title: Sales"), "utf-8")
    words = kpi("apply", str(path), "--yes", "--backfill", "--json")

    assert (json.loads(ordered.stdout)["kpis"], json.loads(ordered.stdout)["applies"]) == (["a"], True)
    assert in_force == []
    assert [change["version"] for change in json.loads(words.stdout)["changes"]] == [2]


@pytest.mark.parametrize(
    "options", [("--backfill", "--prune"), ("--wait",), ("--rate", "5")], ids=["prune", "wait", "rate"]
)
def test_options_that_do_not_go_together(tmp_path: Path, options: tuple[str, ...]) -> None:
    """An option that would not do what it says is refused."""
    path = a_file(tmp_path, "a.yaml", "a")

    assert kpi("apply", str(path), "--yes", *options).exit_code == USAGE


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("nothing",), "there is no KPI 'nothing'"),
        (("show", "7"), "there is no backfill 7"),
        (("resume", "7"), "there is no backfill 7"),
    ],
    ids=["unknown KPI", "unknown backfill", "resume unknown"],
)
def test_what_there_is_not(arguments: tuple[str, ...], words: str) -> None:
    """What there is not is told in words."""
    result = run(*arguments)

    assert (result.exit_code, result.stderr) == (FAILED, f"{words}\n")


def test_a_command_for_every_slug(tmp_path: Path) -> None:
    """A KPI that is named like a command can be rebuilt all the same."""
    kpi("apply", str(a_file(tmp_path, "a.yaml", "list")), "--yes")

    assert body("start", "list")["kpis"] == ["list"]
