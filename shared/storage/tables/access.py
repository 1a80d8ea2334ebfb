"""Keys, and the log of who changed what."""

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, Index, LargeBinary, Table, Text
from sqlalchemy.dialects.postgresql import ARRAY

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

api_keys = Table(
    "api_keys",
    metadata,
    Column("key_id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("scopes", ARRAY(Text), nullable=False),
    Column("departments", ARRAY(Text), comment="whose KPIs it sees; null says nothing"),
    Column("kpis", ARRAY(Text), comment="which KPIs it sees; null in both: all"),
    Column("created_by", Text, nullable=False),
    instant("created_at"),
    instant("expires_at"),
    Column("digest", LargeBinary, nullable=False, comment="SHA-256 of the key; the key itself is nowhere"),
    Column("earlier_digest", LargeBinary, comment="of the key before the last rotation"),
    instant("earlier_until", nullable=True),
    instant("rotated_at", nullable=True),
    instant("revoked_at", nullable=True),
    instant("last_used_at", nullable=True),
    Column("request", LargeBinary, unique=True, comment="SHA-256 of who made it and their Idempotency-Key"),
    Column("request_body", LargeBinary, comment="SHA-256 of what was asked for with it"),
)
