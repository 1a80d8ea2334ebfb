"""Keys, and the log of who changed what."""

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, Index, LargeBinary, Table, Text

from shared.storage.tables.schema import instant, metadata

audit = Table(
    "audit",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False, comment="from 1, without a gap"),
    instant("at"),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False, comment="noun and verb: kpi.update"),
    Column("subject", Text, nullable=False),
    Column("detail", Text, nullable=False, comment="JSON, byte for byte what is hashed"),
    Column("hash", LargeBinary, nullable=False, comment="of the entry and the hash of the one before"),
    # The log is asked what happened to one thing, newest first.
    Index(None, "subject", "seq"),
)

audit_head = Table(
    "audit_head",
    metadata,
    Column("singleton", Boolean, primary_key=True, server_default="true"),
    Column("seq", BigInteger, nullable=False, comment="of the newest entry; writers queue for this row"),
    Column("hash", LargeBinary, nullable=False),
    CheckConstraint("singleton", name="one_row"),
)
