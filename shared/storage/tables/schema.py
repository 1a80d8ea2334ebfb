"""What every table is declared on, and the words that all of them use."""

from sqlalchemy import Column, DateTime, MetaData, func

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)


def instant(name: str, *, nullable: bool = False) -> Column:  # type: ignore[type-arg]
    """A column that holds an instant."""
    return Column(name, DateTime(timezone=True), nullable=nullable)


NOW = func.now()
"""The database's clock: leases and claims are judged by it alone."""
