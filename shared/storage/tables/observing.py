"""What was seen of the event types; for people, and for nothing that is counted."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import JSONB

from shared.storage.tables.schema import instant, metadata

observed_types = Table(
    "observed_types",
    metadata,
    Column("event_type", Text, primary_key=True),
    Column("events", BigInteger, nullable=False),
    Column("sampled", BigInteger, nullable=False, comment="how many of them were looked into"),
    Column("flagged", BigInteger, nullable=False, comment="how many broke the schema and were passed on"),
    Column("rejected", BigInteger, nullable=False, comment="how many were refused because of the schema"),
    Column("fields", JSONB, nullable=False, comment="by path; values of personal fields are masked"),
    Column("has_more_fields", Boolean, nullable=False),
    Column("violations", JSONB, nullable=False),
    instant("first_seen_at"),
    instant("last_seen_at"),
)

observed_values = Table(
    "observed_values",
    metadata,
    Column("event_type", Text, ForeignKey("observed_types.event_type"), nullable=False),
    Column("path", Text, nullable=False),
    Column("sketch", LargeBinary, nullable=False, comment="which different values were met"),
    PrimaryKeyConstraint("event_type", "path"),
)

observed_rates = Table(
    "observed_rates",
    metadata,
    Column("event_type", Text, ForeignKey("observed_types.event_type"), nullable=False),
    Column("length_s", SmallInteger, nullable=False, comment="10, 60 or 900"),
    instant("start_at"),
    Column("events", BigInteger, nullable=False),
    PrimaryKeyConstraint("event_type", "length_s", "start_at"),
)

observed_up_to = Table(
    "observed_up_to",
    metadata,
    Column("topic", Text, primary_key=True, comment="tidemark.observations"),
    Column("next_offset", BigInteger, nullable=False, comment="the summaries before it are in these tables"),
    Column("other_events", BigInteger, nullable=False, comment="of types for which there was no room"),
)
