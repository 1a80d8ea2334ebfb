"""Every table of Tidemark, in one file; the statements that use them live beside it."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    func,
)
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)


def _instant(name: str, *, nullable: bool = False) -> Column:  # type: ignore[type-arg]
    return Column(name, DateTime(timezone=True), nullable=nullable)


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
    _instant("retired_at", nullable=True),
    _instant("updated_at"),
)

kpi_versions = Table(
    "kpi_versions",
    metadata,
    Column("slug", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("spec", JSONB, nullable=False, comment="the definition as applied; never changed"),
    Column("fingerprint", Text, nullable=False),
    _instant("created_at"),
    PrimaryKeyConstraint("slug", "version"),
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
    _instant("created_at"),
)

activations = Table(
    "activations",
    metadata,
    Column("measure_id", BigInteger, ForeignKey("measures.measure_id"), nullable=False),
    Column("partition", Integer, nullable=False),
    Column("from_offset", BigInteger, nullable=False, comment="the first offset counted into the measure"),
    _instant("activated_at"),
    PrimaryKeyConstraint("measure_id", "partition"),
)

series = Table(
    "series",
    metadata,
    Column("series_id", BigInteger, Identity(), primary_key=True),
    Column("measure_id", BigInteger, ForeignKey("measures.measure_id"), nullable=False),
    Column("dimensions", Text, nullable=False, comment="JSON array of values in breakdown order"),
    _instant("created_at"),
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
    _instant("current_to"),
    _instant("watermark", nullable=True),
    Column("consumed", BigInteger, nullable=False, server_default="0"),
    Column("applied", BigInteger, nullable=False, server_default="0"),
    Column("duplicate", BigInteger, nullable=False, server_default="0"),
    Column("dead_lettered", BigInteger, nullable=False, server_default="0"),
    _instant("updated_at"),
    CheckConstraint("consumed = applied + duplicate + dead_lettered", name="ledger_balances"),
)

flushes = Table(
    "flushes",
    metadata,
    Column("partition", Integer, nullable=False),
    Column("next_offset", BigInteger, nullable=False, comment="offsets [first_offset, next_offset)"),
    Column("first_offset", BigInteger, nullable=False),
    _instant("first_time", nullable=True),
    _instant("last_time", nullable=True),
    _instant("flushed_at"),
    Column("ids", LargeBinary, nullable=False, comment="16 bytes an event seen for the first time"),
    PrimaryKeyConstraint("partition", "next_offset"),
    # A take-over asks for the ids of the last day, and retention for what is older.
    Index(None, "partition", "flushed_at"),
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
    # A window reads one series over a few runs of panes: the key is in that order.
    PrimaryKeyConstraint("series_id", "rung", "start_us", "shard"),
    postgresql_partition_by="LIST (rung)",
)

kpi_current = Table(
    "kpi_current",
    metadata,
    Column("slug", Text, nullable=False),
    Column("window", Text, nullable=False),
    Column("dimensions", JSONB, nullable=False, comment="{} is the total"),
    Column("version", Integer, nullable=False),
    Column("value", Numeric),
    Column("n", BigInteger, nullable=False),
    _instant("window_start"),
    _instant("window_end"),
    _instant("as_of"),
    Column("complete", Boolean, nullable=False),
    Column("valid_until", DateTime(timezone=True), comment="null: only an event can change it"),
    _instant("refreshed_at"),
    Column("revision", BigInteger, nullable=False, comment="moves when the row changes; orders the stream"),
    Column("changed_in", BigInteger, nullable=False, comment="the transaction, so that readers miss none"),
    PrimaryKeyConstraint("slug", "window", "dimensions"),
    # The stream asks for what changed since the oldest transaction it may have missed.
    Index(None, "changed_in"),
)

alert_evaluators = Table(
    "alert_evaluators",
    metadata,
    Column("holder", Text, primary_key=True, comment="somebody the shards are shared out to"),
    _instant("expires_at"),
)

alert_leases = Table(
    "alert_leases",
    metadata,
    Column("shard", SmallInteger, primary_key=True, autoincrement=False),
    Column("holder", Text, nullable=False),
    Column("epoch", BigInteger, nullable=False, comment="moves with every take-over"),
    _instant("expires_at"),
)

alerts = Table(
    "alerts",
    metadata,
    Column("alert_id", Text, primary_key=True, comment="hash of slug, rule and dimensions"),
    Column("slug", Text, nullable=False),
    Column("rule", Text, nullable=False),
    Column("dimensions", JSONB, nullable=False),
    Column("shard", SmallInteger, nullable=False, comment="of alert_leases: whose holder writes the row"),
    Column("definition", JSONB, nullable=False, comment="the rule as last evaluated; it outlives its KPI"),
    Column("state", Text, nullable=False, comment="inactive, pending, firing"),
    _instant("since"),
    Column("breached_at", DateTime(timezone=True), comment="firing only: when the condition began to hold"),
    Column("value", Numeric),
    Column("transition", BigInteger, nullable=False, server_default="0", comment="numbers the changes"),
    _instant("evaluated_at"),
    Column("retired_at", DateTime(timezone=True), comment="the rule is gone, the numbering goes on"),
    # A page of the list of alerts, in the order it is served.
    Index(None, "slug", "rule", "alert_id"),
    # An evaluator reads the states of the shards it holds.
    Index(None, "shard"),
)

alert_transitions = Table(
    "alert_transitions",
    metadata,
    Column("alert_id", Text, ForeignKey("alerts.alert_id"), nullable=False),
    Column("transition", BigInteger, nullable=False),
    Column("from_state", Text, nullable=False),
    Column("to_state", Text, nullable=False),
    Column("reason", Text, nullable=False, comment="value, rule_removed"),
    Column("value", Numeric),
    _instant("at"),
    PrimaryKeyConstraint("alert_id", "transition"),
)

outbox = Table(
    "outbox",
    metadata,
    Column("notice_id", Text, nullable=False, comment="the same for every delivery of a transition"),
    Column("channel", Text, nullable=False),
    Column("alert_id", Text, nullable=False),
    Column("transition", BigInteger, nullable=False, comment="orders the notices of an alert"),
    Column("payload", Text, nullable=False, comment="JSON, byte for byte what every attempt sends"),
    _instant("created_at"),
    Column("due_at", DateTime(timezone=True), nullable=False, comment="moved ahead while somebody sends it"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("claim", BigInteger, nullable=False, server_default="0", comment="fences a slow deliverer"),
    _instant("delivered_at", nullable=True),
    _instant("abandoned_at", nullable=True),
    Column("last_error", Text),
    PrimaryKeyConstraint("notice_id", "channel"),
)
_OPEN = outbox.c.delivered_at.is_(None) & outbox.c.abandoned_at.is_(None)
# The deliverer asks for what is due, and whether an earlier notice of the same alert is still open.
Index("ix_outbox_due", outbox.c.channel, outbox.c.due_at, postgresql_where=_OPEN)
Index("ix_outbox_order", outbox.c.channel, outbox.c.alert_id, outbox.c.transition, postgresql_where=_OPEN)

NOW = func.now()
"""The database's clock: leases and claims are judged by it alone."""
