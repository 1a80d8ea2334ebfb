"""What was answered to requests that may come again."""

from sqlalchemy import Column, Index, Integer, LargeBinary, PrimaryKeyConstraint, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

from shared.storage.tables.schema import instant, metadata

kept_answers = Table(
    "kept_answers",
    metadata,
    Column("actor", Text, nullable=False, comment="who asked"),
    Column("key", Text, nullable=False, comment="the Idempotency-Key of the request"),
    Column("fingerprint", Text, nullable=False, comment="of the request"),
    Column("status", Integer, nullable=False),
    Column("headers", JSONB, nullable=False),
    Column("body", LargeBinary, nullable=False),
    instant("created_at"),
    PrimaryKeyConstraint("actor", "key"),
    # What is older than a day goes whenever an answer is kept.
    Index(None, "created_at"),
)
