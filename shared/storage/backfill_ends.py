"""The end of a backfill: its measures take over, its definitions come into force, all by one transaction.

Functions take the connection and never commit.
"""

from datetime import datetime

from sqlalchemy import Row, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.domain.definitions import DefinitionError
from shared.domain.errors import BadInputError
from shared.storage.backfills import BackfillState, Ordered, end, filled_by, locked_state
from shared.storage.definitions import (
    apply_changes,
    load_catalogue,
    lock_catalogue,
    move_revision,
    set_aside,
)
from shared.storage.tables import backfill_cursors, backfill_measures, measures


class SupersededError(BadInputError):
    """The catalogue has changed since; `tidemark backfill resume` goes on from what is in force now."""


_LEFT = text("""
-- left: the partitions that have not reached the hand-over, or have none yet.
SELECT count(*) FROM positions p
LEFT JOIN backfill_cursors c ON c.partition = p.partition AND c.backfill_id = :backfill_id
WHERE c.partition IS NULL OR c.next_offset < c.until_offset
""")

_TAKE_OVER = text("""
-- take_over_fingerprints: the measures that were filled become the ones that KPIs find.
UPDATE measures m SET fingerprint = b.fingerprint
FROM backfill_measures b WHERE b.backfill_id = :backfill_id AND b.measure_id = m.measure_id
""")

_REACH_BACK = text("""
-- reach_back: they count from where the backfill began; in a log without its beginning, they are whole since
-- its first record was sent.
UPDATE activations a SET from_offset = c.first_offset, activated_at = coalesce(c.first_at, a.activated_at)
FROM backfill_cursors c, backfill_measures b
WHERE c.backfill_id = :backfill_id AND b.backfill_id = :backfill_id
  AND a.measure_id = b.measure_id AND a.partition = c.partition
""")


async def settle(conn: AsyncConnection, backfill_id: int, now: datetime) -> BackfillState:
    """Put a backfill that has nothing left to count in force, and tell what has become of it.

    What no longer holds together with the catalogue makes it fail: then nothing else is changed.

    Raises:
        UnknownBackfillError: there is none.
        UnreadableDefinitionError: a definition was written by another release.
    """
    await lock_catalogue(conn)
    row = await locked_state(conn, backfill_id)
    if row.state != BackfillState.RUNNING or await _is_left(conn, backfill_id):
        return BackfillState(row.state)
    try:
        async with conn.begin_nested():
            await _put_in_force(conn, row, now)
    except (DefinitionError, SupersededError) as error:
        await end(conn, backfill_id, BackfillState.FAILED, now, error=str(error))
        return BackfillState.FAILED
    await end(conn, backfill_id, BackfillState.DONE, now)
    return BackfillState.DONE


async def give_up(conn: AsyncConnection, backfill_id: int, reason: str, now: datetime) -> None:
    """Let a backfill that cannot go on fail, unless it is over already.

    Raises:
        UnknownBackfillError: there is none.
    """
    await lock_catalogue(conn)
    row = await locked_state(conn, backfill_id)
    if row.state == BackfillState.RUNNING:
        await end(conn, backfill_id, BackfillState.FAILED, now, error=reason)


async def _is_left(conn: AsyncConnection, backfill_id: int) -> bool:
    """Whether something is left to count; the cursors stay as they are until the transaction ends."""
    mine = select(backfill_cursors).where(backfill_cursors.c.backfill_id == backfill_id)
    await conn.execute(mine.order_by(backfill_cursors.c.partition).with_for_update())
    left: int = (await conn.execute(_LEFT, {"backfill_id": backfill_id})).scalar_one()
    return left > 0


async def _put_in_force(conn: AsyncConnection, row: Row[tuple[object, ...]], now: datetime) -> None:
    ordered = Ordered.of(row.wanted)
    if ordered.applies:
        await _check_unchanged(conn, ordered)
    await _swap(conn, row.backfill_id)
    if ordered.applies:
        await _check_counted(conn, ordered)
        await apply_changes(conn, [*ordered.kpis.values(), *ordered.others.values()], now)
    await _drop_unused(conn, row.backfill_id)
    await move_revision(conn)


async def _check_unchanged(conn: AsyncConnection, ordered: Ordered) -> None:
    in_force = await load_catalogue(conn)
    key = ordered.superseded_by(in_force)
    if key is not None:
        version = in_force.version_of(key)
        found = "retired" if version is None else f"put in force as version {version}"
        raise SupersededError(f"{key[1]!r} was {found} while this was being filled")


async def _check_counted(conn: AsyncConnection, ordered: Ordered) -> None:
    """A measure that another KPI counted when this was ordered may be gone, and its history with it."""
    wanted = ordered.measures().keys()
    found = await conn.execute(select(measures.c.fingerprint).where(measures.c.fingerprint.in_(wanted)))
    if wanted - {row.fingerprint for row in found}:
        raise SupersededError(
            "a KPI that shared its counts with these was changed while this was being filled"
        )


async def _swap(conn: AsyncConnection, backfill_id: int) -> None:
    """Hand the fingerprints over and set aside who had them; then say from when on the new ones count."""
    names = select(backfill_measures.c.fingerprint).where(backfill_measures.c.backfill_id == backfill_id)
    await set_aside(conn, measures.c.fingerprint.in_(names))
    await conn.execute(_TAKE_OVER, {"backfill_id": backfill_id})
    await conn.execute(_REACH_BACK, {"backfill_id": backfill_id})


async def _drop_unused(conn: AsyncConnection, backfill_id: int) -> None:
    """Set aside what was filled for a KPI that is gone, or counts something else by now."""
    used = list((await load_catalogue(conn)).measure_ids.values())
    filled = measures.c.measure_id.in_(filled_by(backfill_id))
    await set_aside(conn, filled & measures.c.measure_id.not_in(used))
