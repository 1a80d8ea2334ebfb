"""What the commands on definitions share: the database they work on, and words for what is refused."""

import contextlib
from collections.abc import AsyncIterator, Iterator

import typer
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services import catalogue_answers as answers
from shared.domain.definitions import DefinitionError
from shared.domain.errors import TidemarkError
from shared.runtime.settings import CommonSettings, settings_or_exit
from shared.storage.engine import open_engine, reading, transaction
from shared.storage.schema import current_revision, newest_revision

FAILED = 1
"""Exit status: it could not be done."""

USAGE = 2
"""Exit status: the command was called in a way that makes no sense."""

REFUSED = 3
"""Exit status: the definitions were checked and have problems."""


class DatabaseRefusalError(TidemarkError):
    """Postgres refuses; look at TIDEMARK_DATABASE_URL and at the rights of its user."""


class SchemaError(TidemarkError):
    """The database has the schema of another release; `tidemark db upgrade` brings it to this one's."""

    def __init__(self, found: str | None) -> None:
        state = "has no tables yet" if found is None else f"is at revision {found}"
        super().__init__(f"the database {state}, and {newest_revision()} is needed: run tidemark db upgrade")


@contextlib.contextmanager
def answered(*, as_json: bool) -> Iterator[None]:
    """Turn what the domain and the doors refuse into words and an exit status."""
    try:
        yield
    except DefinitionError as error:
        answers.show_problems(error, as_json=as_json)
        raise typer.Exit(REFUSED) from error
    except TidemarkError as error:
        answers.show_failure(str(error), as_json=as_json)
        raise typer.Exit(FAILED) from error


@contextlib.asynccontextmanager
async def opened_database() -> AsyncIterator[AsyncEngine]:
    """A database with the schema of this release.

    Raises:
        StoreUnavailableError: Postgres does not answer.
        SchemaError: the database has another schema.
        DatabaseRefusalError: Postgres answers, and does not let us in or do it.
    """
    engine = open_engine(
        settings_or_exit(CommonSettings).database_url.get_secret_value(), application_name="tidemark-kpi"
    )
    try:
        async with reading(engine) as connection:
            found = await current_revision(connection)
        if found != newest_revision():
            raise SchemaError(found)
        yield engine
    except DBAPIError as error:
        raise DatabaseRefusalError(f"Postgres refused: {error.orig}") from error
    finally:
        await engine.dispose()


@contextlib.asynccontextmanager
async def read_connection() -> AsyncIterator[AsyncConnection]:
    """A connection with one snapshot; raises what `opened_database` raises."""
    async with opened_database() as engine, reading(engine) as connection:
        yield connection


@contextlib.asynccontextmanager
async def write_connection() -> AsyncIterator[AsyncConnection]:
    """A connection in a transaction that is committed at the end; raises what `opened_database` raises."""
    async with opened_database() as engine, transaction(engine) as connection:
        yield connection
