"""The migrations and the tables in the code are the same database."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, inspect, text
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.storage.engine import open_engine
from shared.storage.schema import current_revision, downgrade, newest_revision, upgrade
from shared.storage.tables import metadata

pytestmark = pytest.mark.asyncio

VERSIONS = Path(__file__).parents[2] / "shared" / "storage" / "migrations" / "versions"


@pytest_asyncio.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    """A pool on a migrated database."""
    opened = open_engine(database_url, application_name="tests")
    yield opened
    await opened.dispose()


def differences(connection: Connection) -> list[object]:
    """What the database lacks or has too much of, the tables of single rungs aside."""

    def is_ours(name: str | None, kind: str, _: object) -> bool:
        return not (kind == "table" and str(name).startswith(("panes_", "pane_sketches_")))

    context = MigrationContext.configure(connection, opts={"include_name": is_ours})
    return list(compare_metadata(context, metadata))


async def test_migrations_make_the_tables(engine: AsyncEngine) -> None:
    """The sum of the migrations is what the code describes."""
    async with engine.connect() as connection:
        found = await connection.run_sync(differences)
        revision = await current_revision(connection)

    assert found == []
    assert revision == newest_revision()


async def test_down_and_up_again(engine: AsyncEngine) -> None:
    """Everything can be taken back and made again."""
    await downgrade(engine, "base")
    async with engine.connect() as connection:
        left = await connection.run_sync(lambda sync: inspect(sync).get_table_names())
    await upgrade(engine)
    async with engine.connect() as connection:
        found = await connection.run_sync(differences)

    assert set(left) == {"alembic_version"}
    assert found == []


async def test_upgrading_twice_changes_nothing(engine: AsyncEngine) -> None:
    """Two services that start together may both migrate."""
    await upgrade(engine)
    async with engine.connect() as connection:
        rows = (await connection.execute(text("SELECT count(*) FROM catalogue"))).scalar_one()

    assert rows == 1


async def test_every_rung_has_a_table(engine: AsyncEngine) -> None:
    """Panes of each rung have a place of their own, with room for HOT updates."""
    async with engine.connect() as connection:
        options = (
            await connection.execute(
                text("SELECT reloptions FROM pg_class WHERE relname LIKE 'panes\\_%' AND relkind = 'r'")
            )
        ).scalars()

        assert ["fillfactor=50" in found for found in options] == [True] * 6


async def test_names_say_what_they_do() -> None:
    """A migration is a number and what it does: 0007_add_column_unit.py."""
    wrong = [p.name for p in VERSIONS.glob("[!_]*.py") if not re.fullmatch(r"\d{4}(_[a-z0-9]+)+\.py", p.name)]

    assert wrong == []
