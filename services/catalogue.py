"""`tidemark kpi`: KPI files checked, compared with the database, put in force and written; it judges none."""

import asyncio
import json
from pathlib import Path
from typing import Annotated

import typer

from services import catalogue_answers as answers
from services.backfill_commands import Rate, Wait, tell
from services.catalogue_doors import (
    FAILED,
    REFUSED,
    USAGE,
    answered,
    read_connection,
    write_connection,
)
from services.catalogue_exports import exported
from services.catalogue_paths import kpi_texts
from services.catalogue_previews import USUAL_RECORDS, changed_kpis, previewed, span_of
from services.key_commands import operator
from services.suggestion_commands import suggest
from shared.domain.definitions import Action, Catalogue, Change, Definitions, Kind, Problem, key_of, plan
from shared.domain.definitions.kpi_files import Located, check_together, read_definitions
from shared.domain.definitions.plans import outcome
from shared.domain.definitions.schemas import kpi_file_schema
from shared.domain.errors import UnknownDefinitionError, UnknownKpiError
from shared.runtime.clock import utc_now
from shared.storage.backfill_orders import order_changes
from shared.storage.definition_audits import record_backfill, record_changes
from shared.storage.definitions import apply_changes, load_catalogue

__all__ = ["FAILED", "REFUSED", "USAGE", "app"]

app = typer.Typer(no_args_is_help=True)
app.command()(suggest)

Paths = Annotated[
    list[Path],
    typer.Argument(exists=True, help="KPI files, or directories of *.yaml and *.yml", metavar="FILES..."),
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document for machines")]
OfKind = Annotated[Kind, typer.Option("--kind", help="What it is; the same name may be used by two kinds")]
Prune = Annotated[
    bool, typer.Option("--prune", help="Also retire what is in force, of any kind, and not in the files")
]


@app.callback()
def kpi() -> None:
    """KPI files: check them, see what they would change, put them in force."""


@app.command()
def lint(files: Paths, *, as_json: AsJson = False) -> None:
    """Check files that are complete in themselves; needs no database."""
    with answered(as_json=as_json):
        located = _read(files)
        warnings = check_together(located, Definitions.of(each.definition for each in located))
        answers.show_lint([each.key for each in located], warnings, as_json=as_json)


@app.command(name="plan")
def plan_command(
    files: Paths,
    *,
    prune: Prune = False,
    shadow: Annotated[
        bool, typer.Option("--shadow", help="Also set old and new values side by side, by the event log")
    ] = False,
    start: Annotated[str, typer.Option("--from", help="Of --shadow: RFC 3339, or like now-24h")] = "now-24h",
    end: Annotated[str, typer.Option("--to", help="Of --shadow: the last instant")] = "now",
    step: Annotated[str | None, typer.Option(help="Of --shadow: such as 1h; a twelfth by default")] = None,
    window: Annotated[str | None, typer.Option(help="Of --shadow: only this window")] = None,
    limit_records: Annotated[
        int, typer.Option(min=1, help="Records of the event log to read at most, the newest")
    ] = USUAL_RECORDS,
    as_json: AsJson = False,
) -> None:
    """Show what putting files in force would change, what that costs, and what it does to values."""
    with answered(as_json=as_json):
        located = _read(files)
        changes, warnings = asyncio.run(_planned(located, prune=prune))
        drafts = changed_kpis(located, changes)
        span = span_of(start, end, step, window=window, most=limit_records)
        found = asyncio.run(previewed(drafts, span, with_pairs=shadow)) if drafts else None
        answers.show_changes(changes, as_json=as_json, preview=found)
        answers.show_warnings(warnings, as_json=as_json)


@app.command()
def apply(
    files: Paths,
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask")] = False,
    prune: Prune = False,
    backfill: Annotated[
        bool, typer.Option("--backfill", help="Fill what starts counting from the event log first")
    ] = False,
    rate: Rate = None,
    wait: Wait = False,
    as_json: AsJson = False,
) -> None:
    """Put files in force, all of them or none; with --backfill when what they count is filled."""
    _check_options(prune=prune, backfill=backfill, wants_more=wait or rate is not None)
    with answered(as_json=as_json):
        located = _read(files)
        changes, warnings = asyncio.run(_planned(located, prune=prune))
        answers.show_warnings(warnings, as_json=as_json)
        if all(change.action is Action.UNCHANGED for change in changes):
            answers.show_changes(changes, as_json=as_json)
            return
        if not yes:
            _ask(changes, as_json=as_json)
        number = asyncio.run(_ordered(located, changes, rate)) if backfill else None
        if number is None:
            answers.show_changes(asyncio.run(_applied(located, prune=prune)), as_json=as_json)
            return
        if not as_json:
            answers.show_changes(changes, as_json=False)
        tell(number, wait=wait, as_json=as_json)


@app.command()
def show(
    slug: Annotated[
        str | None, typer.Argument(help="One definition in full; without it, all of them", metavar="NAME")
    ] = None,
    *,
    kind: OfKind = Kind.KPI,
    as_json: AsJson = False,
) -> None:
    """Show what is in force."""
    with answered(as_json=as_json):
        catalogue = asyncio.run(_in_force())
        if slug is None:
            answers.show_catalogue(catalogue, as_json=as_json)
        elif (kind, slug) in catalogue.definitions.by_key():
            answers.show_definition(catalogue, (kind, slug), as_json=as_json)
        else:
            raise UnknownDefinitionError(kind.noun, slug)


@app.command()
def lineage(
    slug: Annotated[str, typer.Argument(help="The KPI", metavar="SLUG")], *, as_json: AsJson = False
) -> None:
    """Show what a KPI is made of, down to fields of events, and who uses it."""
    with answered(as_json=as_json):
        catalogue = asyncio.run(_in_force())
        if slug not in catalogue.kpis:
            raise UnknownKpiError(slug)
        answers.show_lineage(catalogue, slug, as_json=as_json)


@app.command()
def export(
    names: Annotated[
        list[str] | None,
        typer.Argument(help="Some definitions; without any, those of every kind", metavar="NAME..."),
    ] = None,
    *,
    kind: OfKind = Kind.KPI,
    output: Annotated[
        Path | None,
        typer.Option(file_okay=False, help="Write a file for each into this directory", metavar="DIR"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write what is in force as KPI files: to standard output, or one file for each definition."""
    with answered(as_json=as_json):
        catalogue = asyncio.run(_in_force())
        keys = [(kind, name) for name in names or []]
        answers.show_export(exported(catalogue, keys, folder=output), as_json=as_json)


@app.command()
def schema() -> None:
    """Print the JSON Schema of KPI files, for editors."""
    typer.echo(json.dumps(kpi_file_schema(), indent=2, ensure_ascii=False))


def _read(files: list[Path]) -> tuple[Located, ...]:
    return read_definitions(kpi_texts(files))


def _check_options(*, prune: bool, backfill: bool, wants_more: bool) -> None:
    if prune and backfill:
        raise typer.BadParameter("--prune retires at once: use it without --backfill")
    if wants_more and not backfill:
        raise typer.BadParameter("--rate and --wait go with --backfill")


def _ask(changes: tuple[Change, ...], *, as_json: bool) -> None:
    """Go on only if a person at a terminal agrees."""
    if as_json or not answers.is_interactive():
        raise typer.BadParameter("nobody can be asked here: say --yes to put this in force")
    answers.show_changes(changes, as_json=False)
    typer.confirm("Put this in force?", abort=True)


async def _planned(
    located: tuple[Located, ...], *, prune: bool
) -> tuple[tuple[Change, ...], tuple[Problem, ...]]:
    """What would change, and what is odd about it."""
    wanted = [each.definition for each in located]
    catalogue = await _in_force()
    warnings = check_together(located, outcome(catalogue, wanted, prune=prune))
    return plan(catalogue, wanted, prune=prune), warnings


async def _in_force() -> Catalogue:
    async with read_connection() as connection:
        return await load_catalogue(connection)


async def _applied(located: tuple[Located, ...], *, prune: bool) -> tuple[Change, ...]:
    async with write_connection() as connection:
        wanted = [each.definition for each in located]
        changes = await apply_changes(connection, wanted, utc_now(), prune=prune)
        await record_changes(connection, operator(), changes)
        return changes


async def _ordered(located: tuple[Located, ...], changes: tuple[Change, ...], rate: int | None) -> int | None:
    """The number of the backfill that fills what the *changes* start to count; None if they start nothing."""
    same = {change.key for change in changes if change.action is Action.UNCHANGED}
    wanted = [each.definition for each in located if each.key not in same]
    async with write_connection() as connection:
        number = await order_changes(connection, wanted, utc_now(), rate_limit=rate)
        if number is not None:
            await record_backfill(connection, operator(), number, map(key_of, wanted))
        return number
