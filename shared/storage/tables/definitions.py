"""What is defined, and from where on it is counted."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Integer,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import JSONB

from shared.storage.tables.schema import instant, metadata

catalogue = Table(
    "catalogue",
    metadata,
    Column("singleton", Boolean, primary_key=True, server_default="true"),
    Column("revision", BigInteger, nullable=False, server_default="0", comment="moves with every change"),
    CheckConstraint("singleton", name="one_row"),
)

kpis = Table(
    "kpis",
    metadata,
    Column("slug", Text, primary_key=True),
    Column("version", Integer, nullable=False, comment="the version in force"),
    instant("retired_at", nullable=True),
    instant("updated_at"),
)

kpi_versions = Table(
    "kpi_versions",
    metadata,
    Column("slug", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("spec", JSONB, nullable=False, comment="the definition as applied; never changed"),
    Column("fingerprint", Text, nullable=False),
    instant("created_at"),
    PrimaryKeyConstraint("slug", "version"),
)

documents = Table(
    "documents",
    metadata,
    Column("kind", Text, nullable=False, comment="Objective, Scorecard, EventType"),
    Column("name", Text, nullable=False),
    Column("version", Integer, nullable=False, comment="the version in force"),
    instant("retired_at", nullable=True),
    instant("updated_at"),
    PrimaryKeyConstraint("kind", "name"),
)

document_versions = Table(
    "document_versions",
    metadata,
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("spec", JSONB, nullable=False, comment="the definition as applied; never changed"),
    Column("fingerprint", Text, nullable=False),
    instant("created_at"),
    PrimaryKeyConstraint("kind", "name", "version"),
)

measures = Table(
    "measures",
    metadata,
    Column("measure_id", BigInteger, Identity(), primary_key=True),
    Column("fingerprint", Text, nullable=False, unique=True),
    Column("event_type", Text, nullable=False),
    Column("filter", Text),
    Column("value", Text),
    Column("scale", SmallInteger, nullable=False),
    Column("zone", Text, nullable=False, comment="where the days of the day rung begin"),
    Column("breakdown", JSONB, nullable=False),
    Column("finest", SmallInteger, nullable=False, comment="the finest rung written"),
    Column("kind", Text, nullable=False, server_default="numbers", comment="which partial its panes hold"),
    Column("hours", JSONB, comment="business hours it is limited to; null takes every hour"),
    Column(
        "series_count",
        BigInteger,
        nullable=False,
        server_default="0",
        comment="how many series it was given",
    ),
    instant("created_at"),
)

activations = Table(
    "activations",
    metadata,
    Column("measure_id", BigInteger, ForeignKey("measures.measure_id"), nullable=False),
    Column("partition", Integer, nullable=False),
    Column("from_offset", BigInteger, nullable=False, comment="the first offset counted into the measure"),
    instant("activated_at"),
    PrimaryKeyConstraint("measure_id", "partition"),
)

backfills = Table(
    "backfills",
    metadata,
    Column("backfill_id", BigInteger, Identity(), primary_key=True),
    Column("wanted", JSONB, nullable=False, comment="the definitions put in force when it is done"),
    Column("state", Text, nullable=False, comment="running, done, cancelled, failed"),
    Column("rate_limit", Integer, comment="events a second at most; null is without limit"),
    Column("error", Text),
    instant("created_at"),
    instant("finished_at", nullable=True),
)

backfill_measures = Table(
    "backfill_measures",
    metadata,
    Column("backfill_id", BigInteger, ForeignKey("backfills.backfill_id"), nullable=False),
    Column("measure_id", BigInteger, ForeignKey("measures.measure_id"), nullable=False),
    Column("fingerprint", Text, nullable=False, comment="what the measure takes over when it is done"),
    PrimaryKeyConstraint("backfill_id", "measure_id"),
)

backfill_cursors = Table(
    "backfill_cursors",
    metadata,
    Column("backfill_id", BigInteger, ForeignKey("backfills.backfill_id"), nullable=False),
    Column("partition", Integer, nullable=False),
    Column("first_offset", BigInteger, nullable=False),
    Column("next_offset", BigInteger, nullable=False, comment="counted up to here"),
    Column("until_offset", BigInteger, nullable=False, comment="live counting began here: the hand-over"),
    Column("epoch", BigInteger, nullable=False, server_default="0", comment="fences an earlier worker"),
    Column("counted", BigInteger, nullable=False, server_default="0", comment="events counted so far"),
    instant("updated_at"),
    Column(
        "first_at",
        DateTime(timezone=True),
        comment="when its first record was sent; null before one was read",
    ),
    Column(
        "unfit",
        BigInteger,
        nullable=False,
        server_default="0",
        comment="events left out of a measure whose value for them does not fit",
    ),
    PrimaryKeyConstraint("backfill_id", "partition"),
)
