"""The values everybody reads."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Index,
    Integer,
    Numeric,
    PrimaryKeyConstraint,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import JSONB

from shared.storage.tables.schema import NOW, instant, metadata

kpi_current = Table(
    "kpi_current",
    metadata,
    Column("slug", Text, nullable=False),
    Column("window", Text, nullable=False),
    Column("dimensions", JSONB, nullable=False, comment="{} is the total"),
    Column("version", Integer, nullable=False),
    Column("value", Numeric),
    Column("n", BigInteger, nullable=False),
    instant("window_start"),
    instant("window_end"),
    instant("as_of"),
    Column("complete", Boolean, nullable=False),
    Column("valid_until", DateTime(timezone=True), comment="null: only an event can change it"),
    instant("refreshed_at"),
    Column("revision", BigInteger, nullable=False, comment="moves when the row changes; orders the stream"),
    Column("changed_in", BigInteger, nullable=False, comment="the transaction, so that readers miss none"),
    PrimaryKeyConstraint("slug", "window", "dimensions"),
    # The stream asks for what changed since the oldest transaction it may have missed.
    Index(None, "changed_in"),
)

kpi_gone = Table(
    "kpi_gone",
    metadata,
    Column("slug", Text, nullable=False),
    Column("window", Text, nullable=False),
    Column("dimensions", JSONB, nullable=False),
    Column("revision", BigInteger, nullable=False, comment="of the removal, among those of kpi_current"),
    Column("changed_in", BigInteger, nullable=False, comment="the transaction, as in kpi_current"),
    instant("gone_at"),
    PrimaryKeyConstraint("slug", "window", "dimensions"),
    # The stream asks for what has gone since the oldest transaction it may have missed.
    Index(None, "changed_in"),
)

kpi_gone_forgotten = Table(
    "kpi_gone_forgotten",
    metadata,
    Column("singleton", Boolean, primary_key=True, server_default="true"),
    Column("changed_in", BigInteger, nullable=False, comment="up to here not all of it is known"),
    CheckConstraint("singleton", name="one_row"),
)

value_publication = Table(
    "value_publication",
    metadata,
    Column("singleton", Boolean, primary_key=True, server_default="true"),
    Column("holder", Text, nullable=False, server_default="", comment="who publishes"),
    Column("epoch", BigInteger, nullable=False, server_default="0", comment="moves with every take-over"),
    Column("expires_at", DateTime(timezone=True), nullable=False, server_default=NOW),
    Column(
        "position",
        BigInteger,
        nullable=False,
        server_default="0",
        comment="what transactions before it changed is published",
    ),
    CheckConstraint("singleton", name="one_row"),
)
