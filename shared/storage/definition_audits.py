"""Changes of definitions in the audit log, in one form for whoever made them.

Functions take the connection and never commit.
"""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from shared.domain.definitions import Action, Change, Key, Kind
from shared.storage.audit import Entry, record
from shared.storage.backfills import cancel

_NOUNS = {
    Kind.KPI: "kpi",
    Kind.OBJECTIVE: "objective",
    Kind.SCORECARD: "scorecard",
    Kind.EVENT_TYPE: "event_type",
}


async def record_changes(conn: AsyncConnection, actor: str, changes: Iterable[Change]) -> None:
    """Tell of *changes* that the transaction has made, an entry for each; call it after them."""
    for change in changes:
        if change.action is not Action.UNCHANGED:
            detail = {
                "version": change.version,
                "differences": {
                    each.field: {"before": each.before, "after": each.after} for each in change.differences
                },
                "starts_counting": [list(names) for names in change.starts_counting],
            }
            action = f"{_NOUNS[change.kind]}.{change.action}"
            await record(conn, Entry(actor, action, change.slug, detail))


async def record_backfill(conn: AsyncConnection, actor: str, number: int, keys: Iterable[Key]) -> None:
    """Tell of the backfill *number*, which puts definitions of *keys* in force when it is done."""
    names = [f"{_NOUNS[kind]}:{name}" for kind, name in keys]
    await record(conn, Entry(actor, "backfill.order", str(number), {"definitions": names}))


async def call_off(conn: AsyncConnection, actor: str, number: int, now: datetime) -> None:
    """Call the backfill *number* off, and tell of it.

    Raises:
        UnknownBackfillError, BackfillStateError: there is none, or it is over.
    """
    await cancel(conn, number, now)
    await record(conn, Entry(actor, "backfill.cancel", str(number), {}))
