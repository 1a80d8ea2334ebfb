"""`tidemark db`: bringing the database to the newest schema."""

import asyncio

import typer

from shared.runtime.settings import CommonSettings, settings_or_exit
from shared.storage.engine import opened_engine
from shared.storage.schema import newest_revision
from shared.storage.schema import upgrade as migrate

app = typer.Typer(no_args_is_help=True)


@app.callback()
def db() -> None:
    """The database's schema."""


@app.command()
def upgrade() -> None:
    """Migrate to the newest schema; safe to run from several places at once."""
    asyncio.run(_upgrade(settings_or_exit(CommonSettings).database_url.get_secret_value()))
    typer.echo(f"the database is at revision {newest_revision()}")


async def _upgrade(url: str) -> None:
    async with opened_engine(url, application_name="tidemark-db") as engine:
        await migrate(engine)
