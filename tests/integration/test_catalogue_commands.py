"""`tidemark kpi plan|apply|show` on a real database."""

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url
from typer.testing import CliRunner, Result

from services.catalogue import FAILED, REFUSED, USAGE, app
from tests.unit.test_catalogue_cli import a_file


@pytest.fixture
def _database(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands find the test's own database."""
    monkeypatch.setenv("TIDEMARK_DATABASE_URL", database_url)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def body(*arguments: str) -> Any:
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


@pytest.mark.usefixtures("_database")
def test_plan_apply_show(tmp_path: Path) -> None:
    """A plan changes nothing, applying does what was planned, and show tells it."""
    path = a_file(tmp_path, "a.yaml", "a", "b")

    planned = body("plan", str(path))
    empty = body("show")
    applied = body("apply", str(path), "--yes")
    shown = body("show")

    assert [(each["slug"], each["action"], each["starts_counting"]) for each in planned["changes"]] == [
        ("a", "create", [[]]),
        ("b", "create", [[]]),
    ]
    assert empty == {"revision": 0, "kpis": [], "objectives": [], "scorecards": [], "event_types": []}
    assert applied == {"changes": planned["changes"]}
    assert [(each["spec"]["slug"], each["version"]) for each in shown["kpis"]] == [("a", 1), ("b", 1)]


@pytest.mark.usefixtures("_database")
def test_tables(tmp_path: Path) -> None:
    """People get tables, whose texts are shown as they are."""
    path = a_file(tmp_path, "a.yaml", "a", more="unit: '[red]x[/]'\n")

    applied = run("apply", str(path), "--yes")
    again = run("plan", str(path))
    listed = run("show")
    shown = run("show", "a")

    assert "create" in applied.stdout
    assert "unchanged" in again.stdout
    assert "1 KPI at revision 1" in listed.stdout
    assert "count of order.paid" in listed.stdout
    assert "[red]x[/]" in shown.stdout


@pytest.mark.usefixtures("_database")
def test_apply_asks(tmp_path: Path) -> None:
    """Where nobody can be asked, nothing is put in force without --yes."""
    path = a_file(tmp_path, "a.yaml", "a")

    assert run("apply", str(path)).exit_code == USAGE
    assert body("show")["kpis"] == []


@pytest.mark.usefixtures("_database")
def test_prune(tmp_path: Path) -> None:
    """Pruning retires what the files no longer have, unless a formula still needs it."""
    run("apply", str(a_file(tmp_path, "a.yaml", "a", "b")), "--yes")
    fewer = a_file(tmp_path, "b.yaml", "b")

    applied = body("apply", str(fewer), "--yes", "--prune")

    assert [(c["slug"], c["action"]) for c in applied["changes"]] == [("b", "unchanged"), ("a", "retire")]
    assert [each["spec"]["slug"] for each in body("show")["kpis"]] == ["b"]


@pytest.mark.usefixtures("_database")
def test_prune_what_a_target_follows(tmp_path: Path) -> None:
    """Pruning what a relative target follows is refused, and the KPI with the target is named."""
    path = a_file(tmp_path, "a.yaml", "a", "b")
    fewer = a_file(tmp_path, "b.yaml", "b")
    fewer.write_text(fewer.read_text("utf-8") + "target: {kpi: a}\n", "utf-8")
    run("apply", str(path), "--yes")
    run("apply", str(fewer), "--yes")

    refused = run("apply", str(fewer), "--yes", "--prune")

    assert (refused.exit_code, "there is no KPI 'a'" in refused.stderr) == (REFUSED, True)
    assert str(fewer) in refused.stderr
    assert [each["spec"]["slug"] for each in body("show")["kpis"]] == ["a", "b"]


@pytest.mark.usefixtures("_database")
def test_judged_with_what_is_in_force(tmp_path: Path) -> None:
    """Files are judged among what is in force, and a problem is shown in the file."""
    run("apply", str(a_file(tmp_path, "a.yaml", "a")), "--yes")
    formula = a_file(tmp_path, "f.yaml", "f")
    text = formula.read_text("utf-8").replace("event_type: order.paid\naggregate: count\n", "")
    formula.write_text(text + "formula: a / 2\n", "utf-8")
    good = run("plan", str(formula))
    formula.write_text(text + "formula: a / c\n", "utf-8")
    bad = run("plan", str(formula))

    assert (good.exit_code, bad.exit_code) == (0, REFUSED)
    assert f"{formula}:8:14: there is no KPI 'c'" in bad.stderr


@pytest.mark.usefixtures("_database")
def test_unknown_slug() -> None:
    """A KPI that is not in force is a failure, told in words."""
    result = run("show", "nothing")

    assert (result.exit_code, result.stderr) == (FAILED, "there is no KPI 'nothing'\n")


KINDS = """\
apiVersion: tidemark/v1
kind: Objective
slug: grow
title: Grow
owner: board
---
apiVersion: tidemark/v1
kind: Scorecard
slug: a
title: Board
owner: board
kpis: [{kpi: a, weight: 2}]
---
apiVersion: tidemark/v1
kind: EventType
type: Order/Paid
owner: shop
schema: {type: object, properties: {amount: {minimum: 0.5}}}
"""


@pytest.mark.usefixtures("_database")
def test_every_kind(tmp_path: Path) -> None:
    """Objectives, scorecards and event types are applied, shown, exported and pruned as KPIs are."""
    a_file(tmp_path / "in", "a.yaml", "a", more="objective: grwo\n")
    (tmp_path / "in" / "kinds.yaml").write_text(KINDS, "utf-8")

    linted = run("lint", str(tmp_path / "in"))
    applied = body("apply", str(tmp_path / "in"), "--yes")
    shown = run("show", "a", "--kind", "Scorecard")
    listed = run("show")
    written = run("export", "--output", str(tmp_path / "out"))
    again = body("plan", str(tmp_path / "out"), "--prune")
    pruned = body("apply", str(tmp_path / "in" / "a.yaml"), "--prune", "--yes")

    assert linted.stdout == "1 KPI, 1 objective, 1 scorecard, 1 event type, no problems\n"
    assert "a.yaml:10:12: there is no objective 'grwo'; did you mean 'grow'?" in linted.stderr
    assert [(each["kind"], each["slug"], each["action"]) for each in applied["changes"]] == [
        ("KPI", "a", "create"),
        ("Objective", "grow", "create"),
        ("Scorecard", "a", "create"),
        ("EventType", "Order/Paid", "create"),
    ]
    assert '[{"kpi": "a", "weight": "2"}]' in shown.stdout
    assert "1 KPI, 1 objective, 1 scorecard, 1 event type at revision 1" in listed.stdout
    files = [Path(line).relative_to(tmp_path / "out") for line in written.stdout.splitlines()]
    assert [str(file) for file in files[:3]] == ["a.yaml", "objectives/grow.yaml", "scorecards/a.yaml"]
    assert str(files[3]).startswith("event-types/type-")
    assert {each["action"] for each in again["changes"]} == {"unchanged"}
    assert len(again["changes"]) == 4
    assert [(each["kind"], each["action"]) for each in pruned["changes"][1:]] == [
        ("Objective", "retire"),
        ("Scorecard", "retire"),
        ("EventType", "retire"),
    ]


EXAMPLES = Path(__file__).parents[2] / "kpis" / "flights.yaml"


@pytest.mark.usefixtures("_database")
def test_export(tmp_path: Path) -> None:
    """What is in force, written as files and on standard output, passes lint and changes nothing."""
    body("apply", str(EXAMPLES), "--yes")
    folder, whole = tmp_path / "in" / "git", tmp_path / "whole.yaml"
    slugs = sorted(each["spec"]["slug"] for each in body("show")["kpis"])

    written = run("export", "--output", str(folder))
    whole.write_text(run("export").stdout, "utf-8")

    assert written.stdout.splitlines() == [str(folder / f"{slug}.yaml") for slug in slugs]
    for place in (folder, whole):
        assert run("lint", str(place)).exit_code == 0
        changes = body("plan", str(place), "--prune")["changes"]
        assert [(change["slug"], change["action"]) for change in changes] == [
            (slug, "unchanged") for slug in slugs
        ]


@pytest.mark.usefixtures("_database")
def test_export_some(tmp_path: Path) -> None:
    """Some KPIs are written alone, over what was there; to machines also with version and place."""
    run("apply", str(a_file(tmp_path, "a.yaml", "a", "b", more="glossary: Größe\n")), "--yes")
    (tmp_path / "b.yaml").write_text("old", "utf-8")

    told = body("export", "b", "--output", str(tmp_path))
    printed = body("export", "b")

    text = (tmp_path / "b.yaml").read_text("utf-8")
    assert "glossary: Größe\n" in text
    assert told["kpis"] == [{"slug": "b", "version": 1, "file": str(tmp_path / "b.yaml"), "text": text}]
    assert printed["kpis"] == [{"slug": "b", "version": 1, "file": None, "text": text}]


@pytest.mark.usefixtures("_database")
def test_export_failed(tmp_path: Path) -> None:
    """A KPI that is not in force, and a place that cannot be written, are failures told in words."""
    run("apply", str(a_file(tmp_path, "a.yaml", "a")), "--yes")
    folder = tmp_path / "out"
    (folder / "a.yaml").mkdir(parents=True)

    unknown = run("export", "a", "nothing", "--output", str(tmp_path / "none"))
    blocked = run("export", "--output", str(folder))

    assert (unknown.exit_code, unknown.stderr) == (FAILED, "there is no KPI 'nothing'\n")
    assert not (tmp_path / "none").exists()
    assert (blocked.exit_code, blocked.stderr) == (
        FAILED,
        f"{folder / 'a.yaml'} cannot be written: Is a directory\n",
    )


@pytest.mark.usefixtures("_database")
def test_lineage() -> None:
    """Lineage is shown to people as a table and to machines as the API tells it."""
    body("apply", str(EXAMPLES), "--yes")

    shown = run("lineage", "cancellations")
    told = body("lineage", "cancellations")
    unknown = run("lineage", "nothing")

    lines = [line.split() for line in shown.stdout.splitlines()]
    assert ["counts", "flight.cancelled", "data.carrier", "(dimension)"] in lines
    assert ["used", "by", "cancellation_rate", "reads", "cancellations"] in lines
    assert ["judged", "by", "mass_cancellations", "alert", "of", "cancellations"] in lines
    assert told["kpi"] == "cancellations"
    assert {"kpi": "cancellation_rate", "distance": 1, "reads": ["cancellations"]} in told["used_by"]
    assert {"kpi": "cancellations", "rule": "mass_cancellations"} in told["alerts"]
    assert (unknown.exit_code, unknown.stderr) == (FAILED, "there is no KPI 'nothing'\n")


def test_no_tables(postgres: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database without tables is told as such, with the remedy."""
    monkeypatch.setenv("TIDEMARK_DATABASE_URL", postgres)

    result = run("show")

    assert result.exit_code == FAILED
    assert "the database has no tables yet" in result.stderr
    assert "run tidemark db upgrade" in result.stderr


def test_no_such_database(postgres: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database that does not exist is a failure told in words."""
    url = make_url(postgres).set(database="nothing").render_as_string(hide_password=False)
    monkeypatch.setenv("TIDEMARK_DATABASE_URL", url)

    result = run("show", "--json")

    assert result.exit_code == FAILED
    assert "nothing" in json.loads(result.stdout)["error"]
