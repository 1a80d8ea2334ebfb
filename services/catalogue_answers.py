"""What `tidemark kpi` says: tables for people, one JSON document for machines; it decides nothing."""

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

import typer

from services.api.schemas.lineage import EventsBody, LineageBody, lineage_body
from services.catalogue_exports import Exported
from services.catalogue_preview_answers import Shown, Unknown, preview_body, show_preview
from services.catalogue_tables import plain as _plain
from services.catalogue_tables import print_table as _print
from services.catalogue_tables import table_of as _table
from shared.domain.definitions import Action, Catalogue, Change, DefinitionError, Key, Kind, Kpi, Problem
from shared.domain.definitions.kinds import name_field
from shared.domain.definitions.kpi_texts import SEPARATOR
from shared.domain.definitions.plans import spec_of

_COLOURS = {Action.CREATE: "green", Action.UPDATE: "yellow", Action.RETIRE: "red", Action.UNCHANGED: "dim"}


def is_interactive() -> bool:
    """Whether a person can be asked."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def show_lint(keys: Sequence[Key], warnings: Sequence[Problem], *, as_json: bool) -> None:
    """Say that these definitions have no problems, and what is odd about them."""
    if as_json:
        names = {_PLURALS[kind]: [name for of, name in keys if of is kind] for kind in Kind}
        _print_json({**names, "problems": [], "warnings": [_problem_body(each) for each in warnings]})
        return
    show_warnings(warnings, as_json=False)
    counts = {kind: sum(of is kind for of, _ in keys) for kind in Kind}
    told = [_counted(count, kind.noun) for kind, count in counts.items() if count]
    typer.echo(f"{', '.join(told or ['nothing'])}, no problems")


_PLURALS = {
    Kind.KPI: "kpis",
    Kind.OBJECTIVE: "objectives",
    Kind.SCORECARD: "scorecards",
    Kind.EVENT_TYPE: "event_types",
}


def show_warnings(warnings: Sequence[Problem], *, as_json: bool) -> None:
    """Say what is allowed and probably not meant: on standard error, to people alone."""
    if not as_json:
        for warning in warnings:
            typer.echo(f"warning: {warning}", err=True)


def show_problems(error: DefinitionError, *, as_json: bool) -> None:
    """Say what is wrong with definitions: on standard error for people."""
    if as_json:
        _print_json({"problems": [_problem_body(problem) for problem in error.problems]})
        return
    for problem in error.problems:
        typer.echo(str(problem), err=True)
    typer.echo(_counted(len(error.problems), "problem"), err=True)


def show_failure(message: str, *, as_json: bool) -> None:
    """Say why a command could not be carried out."""
    if as_json:
        _print_json({"error": message})
    else:
        typer.echo(message, err=True)


def show_changes(changes: Sequence[Change], *, as_json: bool, preview: Shown | Unknown | None = None) -> None:
    """Say what changes, definition by definition, and what the log says of that where it was asked."""
    if as_json:
        told = {} if preview is None else preview_body(preview)
        _print_json({"changes": [_change_body(change) for change in changes], **told})
        return
    table = _table("Kind", "Name", "Version", "Change", "What differs", "Counts anew")
    for change in changes:
        action = f"[{_COLOURS[change.action]}]{change.action}[/]"
        name, version = _plain(change.slug), str(change.version)
        table.add_row(change.kind, name, version, action, _differences(change), _counting(change))
    _print(table)
    if preview is not None:
        show_preview(preview)


def show_catalogue(catalogue: Catalogue, *, as_json: bool) -> None:
    """Say what is in force."""
    keys = list(catalogue.definitions.by_key())
    if as_json:
        bodies = {_PLURALS[kind]: [_body(catalogue, key) for key in keys if key[0] is kind] for kind in Kind}
        _print_json({"revision": catalogue.revision, **bodies})
        return
    table = _table("KPI", "Version", "Status", "Title", "Made of", "Windows", "Owner")
    for slug, kpi in {**catalogue.kpis, **catalogue.drafts}.items():
        version = str(catalogue.version_of((Kind.KPI, slug)))
        made_of, windows = _plain(_source(kpi)), " ".join(kpi.windows)
        table.add_row(slug, version, kpi.status, _plain(kpi.title), made_of, windows, _plain(kpi.owner))
    _print(table)
    _show_others(catalogue)
    counts = {kind: sum(of is kind for of, _ in keys) for kind in Kind}
    told = [_counted(count, kind.noun) for kind, count in counts.items() if count or kind is Kind.KPI]
    typer.echo(f"{', '.join(told)} at revision {catalogue.revision}")


def _show_others(catalogue: Catalogue) -> None:
    others = {key: each for key, each in catalogue.definitions.by_key().items() if key[0] is not Kind.KPI}
    if not others:
        return
    table = _table("Kind", "Name", "Version", "Owner")
    for (kind, name), each in others.items():
        table.add_row(kind, _plain(name), str(catalogue.version_of((kind, name))), _plain(each.owner))
    _print(table)


def show_definition(catalogue: Catalogue, key: Key, *, as_json: bool) -> None:
    """Say everything about one definition."""
    body = _body(catalogue, key)
    if as_json:
        _print_json(body)
        return
    table = _table("Field", "")
    table.add_row("version", str(body["version"]))
    for name, value in body["spec"].items():
        table.add_row(name, _plain(value if isinstance(value, str) else _json(value)))
    for measure in body.get("measures", []):
        table.add_row("measure", _plain(f"{measure['measure_id']} by [{', '.join(measure['breakdown'])}]"))
    _print(table)


def show_export(found: Sequence[Exported], *, as_json: bool) -> None:
    """Say which files were written; of definitions that were not, the documents themselves."""
    if as_json:
        bodies = {_PLURALS[kind]: [_export_body(e) for e in found if e.kind is kind] for kind in Kind}
        _print_json(bodies)
        return
    for each in found:
        if each.file is not None:
            typer.echo(str(each.file))
    typer.echo(SEPARATOR.join(each.text for each in found if each.file is None), nl=False)


def show_lineage(catalogue: Catalogue, slug: str, *, as_json: bool) -> None:
    """Say what a KPI is made of and who uses it; to machines as the API does."""
    body = lineage_body(catalogue, slug)
    if as_json:
        _print_json(asdict(body))
        return
    table = _table("", "What", "How")
    for row in _lineage_rows(body):
        table.add_row(*map(_plain, row))
    _print(table)


def _lineage_rows(body: LineageBody) -> Iterator[tuple[str, str, str]]:
    for events in body.events:
        counted = "counts" if events.kpi == body.kpi else f"{events.kpi} counts"
        yield counted, events.event_type, _fields(events)
    for operand in body.made_of:
        yield "made of", operand.kpi, f"read by {', '.join(operand.read_by)}"
    for user in body.used_by:
        yield "used by", user.kpi, f"reads {', '.join(user.reads)}"
    for slug in body.followed_by:
        yield "followed by", slug, "a target"
    for slug in body.scorecards:
        yield "stands on", slug, "scorecard"
    for slug in body.objectives:
        yield "serves", slug, "objective"
    for alert in body.alerts:
        yield "judged by", alert.rule, f"alert of {alert.kpi}"


def _fields(events: EventsBody) -> str:
    return "\n".join(f"{each.field} ({', '.join(each.used_as)})" for each in events.fields)


def _export_body(each: Exported) -> dict[str, Any]:
    file = None if each.file is None else str(each.file)
    return {name_field(each.kind): each.name, "version": each.version, "file": file, "text": each.text}


def _body(catalogue: Catalogue, key: Key) -> dict[str, Any]:
    definition = catalogue.definitions.by_key()[key]
    body = {"version": catalogue.version_of(key), "spec": spec_of(definition)}
    if not isinstance(definition, Kpi) or definition.is_draft:
        return body
    measures = [
        {"measure_id": catalogue.measure_ids[m.fingerprint], "breakdown": list(m.breakdown)}
        for m in definition.measures()
    ]
    return {**body, "measures": measures}


def _change_body(change: Change) -> dict[str, Any]:
    return {
        "kind": change.kind,
        "slug": change.slug,
        "action": change.action,
        "version": change.version,
        "differences": [
            {"field": each.field, "before": each.before, "after": each.after} for each in change.differences
        ],
        "starts_counting": [list(breakdown) for breakdown in change.starts_counting],
    }


def _problem_body(problem: Problem) -> dict[str, Any]:
    place = problem.place
    return {
        "file": place.file if place else None,
        "line": place.line if place else None,
        "column": place.column if place else None,
        "kpi": problem.slug,
        "message": problem.message,
    }


def _differences(change: Change) -> str:
    return "\n".join(
        _plain(f"{each.field}: {_json(each.before)} -> {_json(each.after)}") for each in change.differences
    )


def _counting(change: Change) -> str:
    if not change.starts_counting:
        return ""
    return _plain(
        ", ".join("total" if not names else f"[{', '.join(names)}]" for names in change.starts_counting)
    )


def _source(kpi: Kpi) -> str:
    return kpi.formula if kpi.formula is not None else f"{kpi.aggregate} of {kpi.event_type}"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _print_json(body: Any) -> None:
    typer.echo(json.dumps(body, indent=2, ensure_ascii=False))
