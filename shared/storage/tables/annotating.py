"""What people say about KPIs."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Computed,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from shared.storage.tables.schema import instant, metadata

annotations = Table(
    "annotations",
    metadata,
    Column("annotation_id", BigInteger, Identity(always=True), primary_key=True),
    Column("version", Integer, nullable=False, server_default="1", comment="moves with every edit"),
    Column("kind", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("link", Text),
    Column(
        "reply_to",
        BigInteger,
        ForeignKey("annotations.annotation_id", ondelete="CASCADE"),
        comment="whose subject it shares: the columns below are empty then",
    ),
    Column("kpis", ARRAY(Text), comment="sorted slugs; null is every KPI"),
    Column("window", Text),
    Column("dimensions", JSONB, comment="null is any series, {} the total"),
    instant("start_at", nullable=True),
    instant("end_at", nullable=True),
    Column("last_at", DateTime(timezone=True), Computed("coalesce(end_at, start_at)", persisted=True)),
    Column("author", Text, nullable=False),
    instant("created_at"),
    instant("edited_at", nullable=True),
    Column("idempotency_key", Text, comment="of the request that made it; unique for its author"),
    CheckConstraint("(reply_to IS NULL) = (start_at IS NOT NULL)", name="threads"),
    # A page of the list, the newest first.
    Index(None, "start_at", "annotation_id"),
    # What was not over before an interval began: the end of a history, the windows of a scorecard.
    Index(None, "last_at"),
    # The answers of a thread, and how many they are.
    Index(None, "reply_to", "annotation_id"),
    # A request that is repeated finds what it has made.
    Index(None, "author", "idempotency_key", unique=True),
)
