"""`tidemark kpi`: KPI files checked, compared with the database and put in force; the domain judges them."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from services import catalogue_answers as answers
from services.catalogue_paths import kpi_texts
from shared.domain.definitions import Action, Catalogue, Change, DefinitionError, plan
from shared.domain.definitions.kpi_files import LocatedKpi, check_together, read_kpis
from shared.domain.definitions.plans import outcome
from shared.domain.definitions.schemas import kpi_file_schema
from shared.domain.errors import TidemarkError, UnknownKpiError
from shared.runtime.clock import utc_now
from shared.runtime.settings import CommonSettings, settings_or_exit
from shared.storage.definitions import apply_changes, load_catalogue
from shared.storage.engine import open_engine, reading, transaction
from shared.storage.schema import current_revision, newest_revision

FAILED = 1
"""Exit status: it could not be done."""

USAGE = 2
"""Exit status: the command was called in a way that makes no sense."""

REFUSED = 3
"""Exit status: the definitions were checked and have problems."""

app = typer.Typer(no_args_is_help=True)

Paths = Annotated[
    list[Path],
    typer.Argument(exists=True, help="KPI files, or directories of *.yaml and *.yml", metavar="FILES..."),
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document for machines")]
Prune = Annotated[bool, typer.Option("--prune", help="Also retire the KPIs that are not in the files")]


@app.callback()
def kpi() -> None:
    """KPI files: check them, see what they would change, put them in force."""


@app.command()
def lint(files: Paths, *, as_json: AsJson = False) -> None:
    """Check files that are complete in themselves; needs no database."""
    with _answered(as_json=as_json):
        located = _read(files)
        check_together(located, {each.kpi.slug: each.kpi for each in located})
        answers.show_lint([each.kpi.slug for each in located], as_json=as_json)


@app.command(name="plan")
def plan_command(files: Paths, *, prune: Prune = False, as_json: AsJson = False) -> None:
    """Show what putting files in force would change."""
    with _answered(as_json=as_json):
        changes = asyncio.run(_planned(_read(files), prune=prune))
        answers.show_changes(changes, as_json=as_json)


@app.command()
def apply(
    files: Paths,
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask")] = False,
    prune: Prune = False,
    as_json: AsJson = False,
) -> None:
    """Put files in force, all of them or none."""
    with _answered(as_json=as_json):
        located = _read(files)
        changes = asyncio.run(_planned(located, prune=prune))
        if all(change.action is Action.UNCHANGED for change in changes):
            answers.show_changes(changes, as_json=as_json)
            return
        if not yes:
            _ask(changes, as_json=as_json)
        answers.show_changes(asyncio.run(_applied(located, prune=prune)), as_json=as_json)


@app.command()
def show(
    slug: Annotated[
        str | None, typer.Argument(help="One KPI in full; without it, all of them", metavar="SLUG")
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Show what is in force."""
    with _answered(as_json=as_json):
        catalogue = asyncio.run(_in_force())
        if slug is None:
            answers.show_catalogue(catalogue, as_json=as_json)
        elif slug in catalogue.kpis:
            answers.show_kpi(catalogue, slug, as_json=as_json)
        else:
            raise UnknownKpiError(slug)


@app.command()
def schema() -> None:
    """Print the JSON Schema of KPI files, for editors."""
    typer.echo(json.dumps(kpi_file_schema(), indent=2, ensure_ascii=False))


@contextlib.contextmanager
def _answered(*, as_json: bool) -> Iterator[None]:
    """Turn what the domain and the doors refuse into words and an exit status."""
    try:
        yield
    except DefinitionError as error:
        answers.show_problems(error, as_json=as_json)
        raise typer.Exit(REFUSED) from error
    except TidemarkError as error:
        answers.show_failure(str(error), as_json=as_json)
        raise typer.Exit(FAILED) from error


def _read(files: list[Path]) -> tuple[LocatedKpi, ...]:
    return read_kpis(kpi_texts(files))


def _ask(changes: tuple[Change, ...], *, as_json: bool) -> None:
    """Go on only if a person at a terminal agrees."""
    if as_json or not answers.is_interactive():
        raise typer.BadParameter("nobody can be asked here: say --yes to put this in force")
    answers.show_changes(changes, as_json=False)
    typer.confirm("Put this in force?", abort=True)


async def _planned(located: tuple[LocatedKpi, ...], *, prune: bool) -> tuple[Change, ...]:
    wanted = [each.kpi for each in located]
    catalogue = await _in_force()
    check_together(located, outcome(catalogue, wanted, prune=prune))
    return plan(catalogue, wanted, prune=prune)


async def _in_force() -> Catalogue:
    async with _connection(writes=False) as connection:
        return await load_catalogue(connection)


async def _applied(located: tuple[LocatedKpi, ...], *, prune: bool) -> tuple[Change, ...]:
    async with _connection(writes=True) as connection:
        return await apply_changes(connection, [each.kpi for each in located], utc_now(), prune=prune)


@contextlib.asynccontextmanager
async def _connection(*, writes: bool) -> AsyncIterator[AsyncConnection]:
    """A connection to a database with the schema of this release.

    Raises:
        StoreUnavailableError: Postgres does not answer.
        SchemaError: the database has another schema.
        DatabaseRefusalError: Postgres answers, and does not let us in or do it.
    """
    engine = open_engine(
        settings_or_exit(CommonSettings).database_url.get_secret_value(), application_name="tidemark-kpi"
    )
    try:
        async with (transaction if writes else reading)(engine) as connection:
            found = await current_revision(connection)
            if found != newest_revision():
                raise SchemaError(found)
            yield connection
    except DBAPIError as error:
        raise DatabaseRefusalError(f"Postgres refused: {error.orig}") from error
    finally:
        await engine.dispose()


class DatabaseRefusalError(TidemarkError):
    """Postgres refuses; look at TIDEMARK_DATABASE_URL and at the rights of its user."""


class SchemaError(TidemarkError):
    """The database has the schema of another release; `tidemark db upgrade` brings it to this one's."""

    def __init__(self, found: str | None) -> None:
        state = "has no tables yet" if found is None else f"is at revision {found}"
        super().__init__(f"the database {state}, and {newest_revision()} is needed: run tidemark db upgrade")
