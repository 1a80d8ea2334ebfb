"""Bringing a database to the newest schema, and telling whether it is there."""

from importlib.resources import files

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared.domain.errors import StopError
from shared.storage.engine import reading


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(files("shared.storage") / "migrations"))
    return config


async def upgrade(engine: AsyncEngine, revision: str = "head") -> None:
    """Migrate to *revision*; safe to call from several processes at once."""
    async with engine.connect() as connection:
        await connection.run_sync(_upgrade, revision)


def _upgrade(connection: Connection, revision: str) -> None:
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, revision)
    connection.commit()


async def downgrade(engine: AsyncEngine, revision: str) -> None:
    """Take the schema back to *revision*."""
    async with engine.connect() as connection:
        await connection.run_sync(_downgrade, revision)


def _downgrade(connection: Connection, revision: str) -> None:
    config = _config()
    config.attributes["connection"] = connection
    command.downgrade(config, revision)
    connection.commit()


def newest_revision() -> str:
    """The revision this code was written for."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    if head is None:
        raise LookupError("no migrations are installed")
    return head


class OldSchemaError(StopError):
    """The database is not at the schema this code was written for: run `tidemark db upgrade`."""


async def require_newest(engine: AsyncEngine) -> None:
    """Make sure that the database is at the newest schema.

    Raises:
        OldSchemaError: it is not; the message says what to run.
        StoreUnavailableError: Postgres did not answer.
    """
    async with reading(engine) as connection:
        found = await current_revision(connection)
    if found != newest_revision():
        raise OldSchemaError(
            f"the database is at revision {found}, this code needs {newest_revision()}:"
            " run `tidemark db upgrade`"
        )


async def current_revision(connection: AsyncConnection) -> str | None:
    """The revision the database is at; None when it was never migrated."""
    return await connection.run_sync(lambda sync: MigrationContext.configure(sync).get_current_revision())
