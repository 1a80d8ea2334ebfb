"""Where alerts stand and how they came there; it judges nothing.

Functions take the connection and never commit.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Text, bindparam, cast, insert, select, tuple_
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.contracts.alerts import decode_rule, encode_rule
from shared.domain.alert_changes import Alert, Change, shard_of
from shared.domain.alerts import Firing, StateName, name_of, restored
from shared.domain.errors import TryAgainError
from shared.storage.tables import NOW, alert_transitions, alerts


class StaleAlertError(TryAgainError):
    """An alert has moved on since it was read; read it again and judge anew."""


_COLUMNS = (
    # As text, because the driver's decoder would turn the threshold into a float.
    cast(alerts.c.definition, Text).label("definition"),
    alerts.c.dimensions,
    alerts.c.state,
    alerts.c.since,
    alerts.c.breached_at,
    alerts.c.value,
    alerts.c.transition,
    alerts.c.evaluated_at,
    alerts.c.retired_at,
)


async def database_now(conn: AsyncConnection) -> datetime:
    """The database's time at the start of the transaction, the same for whoever asks."""
    now: datetime = (await conn.execute(select(NOW))).scalar_one()
    return now


async def list_alerts(
    conn: AsyncConnection,
    *,
    slugs: Sequence[str] | None = None,
    state: StateName | None = None,
    after: tuple[str, str, str] | None = None,
    limit: int = 500,
) -> list[Alert]:
    """The alerts whose rules are in force, by KPI, rule and identity.

    Args:
        conn: a connection that may only read.
        slugs: only those of these KPIs.
        state: only those in this state.
        after: KPI, rule and identity of the last one of the page before.
        limit: at most so many.
    """
    query = select(*_COLUMNS).where(alerts.c.retired_at.is_(None))
    if slugs is not None:
        query = query.where(alerts.c.slug.in_(slugs))
    if state is not None:
        query = query.where(alerts.c.state == state.value)
    if after is not None:
        query = query.where(tuple_(alerts.c.slug, alerts.c.rule, alerts.c.alert_id) > after)
    query = query.order_by(alerts.c.slug, alerts.c.rule, alerts.c.alert_id).limit(limit)
    return [_alert(row) for row in await conn.execute(query)]


async def alerts_of_shards(conn: AsyncConnection, shards: Sequence[int]) -> list[Alert]:
    """Every alert of *shards*, retired ones included."""
    query = select(*_COLUMNS).where(alerts.c.shard.in_(shards)).order_by(alerts.c.alert_id)
    return [_alert(row) for row in await conn.execute(query)]


async def save_changes(conn: AsyncConnection, changes: Sequence[Change]) -> None:
    """Write *changes*, each only if its alert still has the transition number it was judged from.

    Raises:
        StaleAlertError: at least one has moved on; roll everything back.
    """
    moves = [change for change in changes if change.is_transition]
    await _save(conn, [change.after for change in moves], step=1)
    await _save(conn, [change.after for change in changes if not change.is_transition], step=0)
    if moves:
        await conn.execute(insert(alert_transitions), [_transition(change) for change in moves])


async def _save(conn: AsyncConnection, rows: Sequence[Alert], *, step: int) -> None:
    """Upsert *rows* whose stored number must be *step* behind; ordered, so that nobody deadlocks."""
    if not rows:
        return
    # Already JSON: the driver's encoder knows no decimals.
    statement = upsert(alerts).values(definition=cast(bindparam("rule_json", type_=Text), JSONB))
    new = {column.name: statement.excluded[column.name] for column in alerts.c}
    guarded = statement.on_conflict_do_update(
        index_elements=["alert_id"],
        set_=new,
        where=alerts.c.transition == statement.excluded.transition - step,
    ).returning(alerts.c.alert_id)
    values = sorted((_row(alert) for alert in rows), key=lambda row: str(row["alert_id"]))
    written = len((await conn.execute(guarded, values)).all())
    if written < len(rows):
        raise StaleAlertError(f"{len(rows) - written} of {len(rows)} alerts have moved on")


def _row(alert: Alert) -> dict[str, Any]:
    breached_at = alert.state.breached_at if isinstance(alert.state, Firing) else None
    return {
        "alert_id": alert.alert_id,
        "slug": alert.rule.slug,
        "rule": alert.rule.name,
        "dimensions": dict(alert.dimensions),
        "shard": shard_of(alert.rule.slug, alert.rule.name),
        "rule_json": encode_rule(alert.rule),
        "state": alert.name.value,
        "since": alert.state.since,
        "breached_at": breached_at,
        "value": alert.value,
        "transition": alert.transition,
        "evaluated_at": alert.evaluated_at,
        "retired_at": alert.retired_at,
    }


def _alert(row: Row[Any]) -> Alert:
    return Alert(
        rule=decode_rule(row.definition),
        dimensions=row.dimensions,
        state=restored(StateName(row.state), row.since, row.breached_at),
        transition=row.transition,
        value=row.value,
        evaluated_at=row.evaluated_at,
        retired_at=row.retired_at,
    )


def _transition(change: Change) -> dict[str, Any]:
    return {
        "alert_id": change.after.alert_id,
        "transition": change.after.transition,
        "from_state": name_of(change.before.state).value,
        "to_state": change.after.name.value,
        "reason": change.reason.value,
        "value": change.after.value,
        "at": change.after.evaluated_at,
    }
