"""How Alembic runs here: on a connection handed to it, under an advisory lock, with a lock timeout."""

from alembic import context
from sqlalchemy import Connection, text

from shared.storage.tables import metadata

ADVISORY_LOCK = 7_403_881
"""Two services that start together must not migrate together."""


def _ours(name: str | None, kind: str, _: object) -> bool:
    """Leave the tables of single rungs out of comparisons: they are made by name, not modelled."""
    return not (kind == "table" and name is not None and name.startswith("panes_"))


def run(connection: Connection) -> None:
    """Migrate on *connection* in one transaction."""
    context.configure(connection=connection, target_metadata=metadata, include_name=_ours)
    with context.begin_transaction():
        connection.execute(text("SET LOCAL lock_timeout = '5s'"))
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ADVISORY_LOCK})
        context.run_migrations()


run(context.config.attributes["connection"])
