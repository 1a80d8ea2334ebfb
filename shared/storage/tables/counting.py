"""What is counted: series, positions, the log of flushes, panes."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Numeric,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from shared.storage.tables.schema import instant, metadata

series = Table(
    "series",
    metadata,
    Column("series_id", BigInteger, Identity(), primary_key=True),
    Column("measure_id", BigInteger, ForeignKey("measures.measure_id"), nullable=False),
    Column("dimensions", Text, nullable=False, comment="JSON array of values in breakdown order"),
    instant("created_at"),
    UniqueConstraint("measure_id", "dimensions"),
)

positions = Table(
    "positions",
    metadata,
    Column("partition", Integer, primary_key=True, autoincrement=False),
    Column("next_offset", BigInteger, nullable=False, comment="Postgres has counted up to here"),
    Column(
        "epoch", BigInteger, nullable=False, comment="moves with every take-over and fences the one before"
    ),
    Column("owner", Text, nullable=False),
    Column("log_id", Text, nullable=False, comment="the cluster the offsets belong to"),
    Column("revision", BigInteger, nullable=False, server_default="0", comment="of the catalogue counted by"),
    instant("current_to"),
    instant("watermark", nullable=True),
    Column("consumed", BigInteger, nullable=False, server_default="0"),
    Column("applied", BigInteger, nullable=False, server_default="0"),
    Column("duplicate", BigInteger, nullable=False, server_default="0"),
    Column("dead_lettered", BigInteger, nullable=False, server_default="0"),
    instant("updated_at"),
    CheckConstraint("consumed = applied + duplicate + dead_lettered", name="ledger_balances"),
)

flushes = Table(
    "flushes",
    metadata,
    Column("partition", Integer, nullable=False),
    Column("next_offset", BigInteger, nullable=False, comment="offsets [first_offset, next_offset)"),
    Column("first_offset", BigInteger, nullable=False),
    instant("first_time", nullable=True),
    instant("last_time", nullable=True),
    instant("flushed_at"),
    Column("ids", LargeBinary, nullable=False, comment="16 bytes an event seen for the first time"),
    Column("skipped", ARRAY(BigInteger), comment="offsets that count nothing; null where all count"),
    PrimaryKeyConstraint("partition", "next_offset"),
    # A take-over asks for the ids of the last day, and retention for what is older.
    Index(None, "partition", "flushed_at"),
    # A replay asks for the flushes that may hold events of a stretch of event time.
    Index(
        "ix_flushes_times",
        text("tstzrange(first_time, last_time, '[]')"),
        postgresql_using="gist",
        postgresql_where=text("first_time IS NOT NULL"),
    ),
)

retractions = Table(
    "retractions",
    metadata,
    Column("partition", Integer, nullable=False),
    Column("key", LargeBinary, nullable=False, comment="the key of the event that is retracted"),
    Column("offset", BigInteger, nullable=False, comment="of the retraction itself"),
    instant("retracted_at"),
    Column("state", Text, nullable=False, comment="sought, undone, or ahead of its event"),
    Column("undone_offset", BigInteger, comment="of the event that was undone"),
    Column(
        "lies_from",
        BigInteger,
        comment="its event lies at or after it, in the same flush; null where nobody remembers it",
    ),
    instant("settled_at", nullable=True),
    PrimaryKeyConstraint("partition", "key"),
    # The job that undoes events asks for what is still sought.
    Index(None, "partition", postgresql_where=text("state = 'sought'")),
    # A replay asks for the events undone in a stretch of the log.
    Index(None, "partition", "undone_offset"),
)

panes = Table(
    "panes",
    metadata,
    Column("series_id", BigInteger, nullable=False),
    Column("rung", SmallInteger, nullable=False),
    Column("start_us", BigInteger, nullable=False, comment="microseconds since the epoch"),
    Column("shard", SmallInteger, nullable=False, comment="the partition whose owner writes the row"),
    Column("n", BigInteger, nullable=False),
    Column("sum", Numeric, nullable=False, comment="of values scaled to integers"),
    Column("min", BigInteger, nullable=False),
    Column("max", BigInteger, nullable=False),
    Column("squares", Numeric, comment="sum of squared values; measures of the kind squares"),
    Column("first_us", BigInteger, comment="event time of the first event; measures of the kind ends"),
    Column("first_key", LargeBinary, comment="its key, which parts events of the same instant"),
    Column("first_value", BigInteger),
    Column("last_us", BigInteger),
    Column("last_key", LargeBinary),
    Column("last_value", BigInteger),
    # A window reads one series over a few runs of panes: the key is in that order.
    PrimaryKeyConstraint("series_id", "rung", "start_us", "shard"),
    postgresql_partition_by="LIST (rung)",
)

pane_sketches = Table(
    "pane_sketches",
    metadata,
    Column("series_id", BigInteger, nullable=False),
    Column("rung", SmallInteger, nullable=False),
    Column("start_us", BigInteger, nullable=False, comment="microseconds since the epoch"),
    Column("shard", SmallInteger, nullable=False, comment="the partition whose owner writes the row"),
    Column("n", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False, comment="the sketch; its first byte says how it is written"),
    PrimaryKeyConstraint("series_id", "rung", "start_us", "shard"),
    postgresql_partition_by="LIST (rung)",
)

pane_marks = Table(
    "pane_marks",
    metadata,
    Column(
        "part",
        SmallInteger,
        nullable=False,
        autoincrement=False,
        comment="the number of a series modulo 16",
    ),
    Column("rung", SmallInteger, nullable=False, autoincrement=False),
    Column(
        "until_us",
        BigInteger,
        nullable=False,
        comment="panes that end by it are whole; of later ones there is nothing",
    ),
    PrimaryKeyConstraint("part", "rung"),
)

pane_repairs = Table(
    "pane_repairs",
    metadata,
    Column("series_id", BigInteger, nullable=False),
    Column("rung", SmallInteger, nullable=False),
    Column("start_us", BigInteger, nullable=False),
    instant("since"),
    PrimaryKeyConstraint("series_id", "rung", "start_us"),
)
