"""Alerts, who judges them, and what is on its way to receivers."""

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    Numeric,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import JSONB

from shared.storage.tables.schema import instant, metadata

alert_evaluators = Table(
    "alert_evaluators",
    metadata,
    Column("holder", Text, primary_key=True, comment="somebody the shards are shared out to"),
    instant("expires_at"),
)

alert_leases = Table(
    "alert_leases",
    metadata,
    Column("shard", SmallInteger, primary_key=True, autoincrement=False),
    Column("holder", Text, nullable=False),
    Column("epoch", BigInteger, nullable=False, comment="moves with every take-over"),
    instant("expires_at"),
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
    instant("since"),
    Column("breached_at", DateTime(timezone=True), comment="firing only: when the condition began to hold"),
    Column("value", Numeric),
    Column("transition", BigInteger, nullable=False, server_default="0", comment="numbers the changes"),
    instant("evaluated_at"),
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
    instant("at"),
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
    instant("created_at"),
    Column("due_at", DateTime(timezone=True), nullable=False, comment="moved ahead while somebody sends it"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("claim", BigInteger, nullable=False, server_default="0", comment="fences a slow deliverer"),
    instant("delivered_at", nullable=True),
    instant("abandoned_at", nullable=True),
    Column("last_error", Text),
    PrimaryKeyConstraint("notice_id", "channel"),
)
_OPEN = outbox.c.delivered_at.is_(None) & outbox.c.abandoned_at.is_(None)
# The deliverer asks for what is due, and whether an earlier notice of the same alert is still open.
Index("ix_outbox_due", outbox.c.channel, outbox.c.due_at, postgresql_where=_OPEN)
Index("ix_outbox_order", outbox.c.channel, outbox.c.alert_id, outbox.c.transition, postgresql_where=_OPEN)
