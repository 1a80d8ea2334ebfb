"""`tidemark kpi` without a database: checking files, printing the schema, exit statuses."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from services.catalogue import FAILED, REFUSED, USAGE, app
from shared.domain.definitions.schemas import kpi_file_schema

KPI = """\
apiVersion: tidemark/v1
kind: KPI
slug: {slug}
title: Orders
category: customer
owner: sales
windows: [5m]
event_type: order.paid
aggregate: count
"""


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def a_file(folder: Path, name: str, *slugs: str, more: str = "") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("---\n".join(KPI.format(slug=slug) for slug in slugs) + more, "utf-8")
    return path


def test_lint(tmp_path: Path) -> None:
    """Directories are read all the way down, *.yaml and *.yml only."""
    a_file(tmp_path, "a.yaml", "a", "b")
    a_file(tmp_path, "deep/er/c.yml", "c")
    (tmp_path / "notes.txt").write_text("not: [a KPI")

    result = run("lint", str(tmp_path))

    assert (result.exit_code, result.stdout) == (0, "3 KPIs, no problems\n")


def test_lint_refused(tmp_path: Path) -> None:
    """Problems of all files are told with place and caret, and the exit status says so."""
    first = a_file(tmp_path, "a.yaml", "a", more="where: amount > 1\n")
    second = a_file(tmp_path, "b.yaml", "b", more="colour: red\n")

    result = run("lint", str(first), str(second))

    assert result.exit_code == REFUSED
    assert result.stderr == (
        f"{first}:10:8: unknown name 'amount': fields of the event are written data.amount\n"
        "    where: amount > 1\n"
        "           ^\n"
        f"{second}:10:1: there is no field 'colour'\n"
        "    colour: red\n"
        "    ^\n"
        "2 problems\n"
    )


def test_lint_json(tmp_path: Path) -> None:
    """Machines get the same problems as one JSON document."""
    path = a_file(tmp_path, "a.yaml", "a", more="colour: red\n")

    result = run("lint", str(path), "--json")

    assert json.loads(result.stdout) == {
        "problems": [
            {"file": str(path), "line": 10, "column": 1, "kpi": "a", "message": "there is no field 'colour'"}
        ]
    }


def test_lint_judges_together(tmp_path: Path) -> None:
    """Files are checked among each other: a slug is defined once."""
    a_file(tmp_path, "a.yaml", "a")
    a_file(tmp_path, "b.yaml", "a")

    result = run("lint", str(tmp_path))

    assert result.exit_code == REFUSED
    assert f"the KPI a is there already, in {tmp_path / 'a.yaml'} line 3" in result.stderr


def test_not_text(tmp_path: Path) -> None:
    """A file that is no text is a problem, not a crash."""
    path = tmp_path / "a.yaml"
    path.write_bytes(b"slug: \xff")

    result = run("lint", str(path))

    assert (result.exit_code, result.stderr) == (
        REFUSED,
        f"{path}:1:1: the file is not UTF-8 text: byte 6 is not\n1 problem\n",
    )


def test_nothing_to_read(tmp_path: Path) -> None:
    """A directory without KPI files is a mistake of the caller."""
    assert run("lint", str(tmp_path)).exit_code == USAGE


@pytest.mark.parametrize(
    "arguments", [("lint",), ("lint", "nowhere.yaml"), ("show", "a", "b"), ("frobnicate",)]
)
def test_usage(arguments: tuple[str, ...]) -> None:
    """A command that makes no sense is told apart from one that fails."""
    assert run(*arguments).exit_code == USAGE


def test_schema() -> None:
    """The schema is printed as the file that is checked in."""
    assert json.loads(run("schema").stdout) == kpi_file_schema()


def test_no_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a database the command says so and fails."""
    monkeypatch.setenv("TIDEMARK_DATABASE_URL", f"postgresql://tidemark@/tidemark?host={tmp_path}")

    result = run("show")

    assert result.exit_code == FAILED
    assert "Postgres" in result.stderr
