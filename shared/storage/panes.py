"""Adding deltas of every kind to panes and dropping panes past their retention; it never commits."""

from dataclasses import dataclass
from typing import assert_never

import asyncpg

from shared.domain.aggregates import Kind
from shared.domain.windows import WRITTEN_US, Rung
from shared.storage import pane_marks, pane_numbers, pane_sketches, pane_sums_and_ends
from shared.storage.pane_rows import KindRows, PaneRows, pane_rows
from shared.storage.pane_sketches import PaneKey

__all__ = ["PaneKey", "PaneRows", "StagedRows", "add", "expire", "pane_rows", "prepare", "stage"]


async def prepare(connection: asyncpg.Connection) -> None:
    """Make *connection* ready for `stage`; once after it is opened, outside a transaction."""
    await pane_numbers.prepare(connection)


@dataclass(frozen=True, slots=True)
class StagedRows:
    """Rows on their way into panes.

    Attributes:
        is_copied: those of the kind numbers lie on the server already.
    """

    rows: PaneRows
    is_copied: bool


async def stage(connection: asyncpg.Connection, rows: PaneRows) -> StagedRows:
    """Bring a large flush to the server: in the transaction of `add`, before anything that takes a lock.

    In the middle of a COPY the server waits for the rest without any limit (measured: neither the statement's
    nor the transaction's timeout ends it), so a client that is frozen there would keep its locks for ever.
    """
    numbers = rows.of(Kind.NUMBERS)
    is_copied = numbers is not None and pane_numbers.is_large(numbers)
    if numbers is not None and is_copied:
        await pane_numbers.copy(connection, numbers)
    return StagedRows(rows, is_copied)


async def add(connection: asyncpg.Connection, staged: StagedRows, *, shard: int) -> list[PaneKey]:
    """Add *staged* to their panes under *shard*, a partition whose position this transaction has moved.

    Returns:
        The panes, of the kind distinct, that something was taken away from and that did not hold it: only the
        log can tell what they are now. None after an ordinary flush, which takes nothing away.

    Raises:
        MarksMovedError: coarser panes were derived since the rows were chosen; roll back, choose again.
    """
    if staged.rows.marks is not None:
        await pane_marks.check(connection, staged.rows.marks)
    unsettled: list[PaneKey] = []
    for part in staged.rows.parts:
        if part.kind is Kind.NUMBERS and staged.is_copied:
            await pane_numbers.add_copied(connection, shard=shard)
        elif len(part):
            unsettled += await _add(connection, part, shard=shard)
    return unsettled


async def _add(connection: asyncpg.Connection, part: KindRows, *, shard: int) -> list[PaneKey]:
    match part.kind:
        case Kind.NUMBERS:
            await pane_numbers.add(connection, part, shard=shard)
        case Kind.SQUARES:
            await pane_sums_and_ends.add_squares(connection, part, shard=shard)
        case Kind.ENDS:
            await pane_sums_and_ends.add_ends(connection, part, shard=shard)
        case Kind.QUANTILES | Kind.DISTINCT:
            return await pane_sketches.add(connection, part, shard=shard)
        case _:
            assert_never(part.kind)
    return []


_EXPIRE = {
    table: f"""
-- expire_{table}: panes of one rung and shard that no reader looks at any more, and nothing is made of.
DELETE FROM {table} WHERE rung = $1::smallint AND shard = $3::smallint
AND start_us < least($2, (SELECT min(until_us) FROM pane_marks WHERE rung = $1::smallint + 1))
"""  # noqa: S608 - of two constants
    for table in ("panes", "pane_sketches")
}


async def expire(connection: asyncpg.Connection, *, shard: int, now_us: int) -> int:
    """Delete what *shard* has past the time it is written; the number of rows."""
    deleted = 0
    for rung in Rung:
        for statement in _EXPIRE.values():
            status = await connection.execute(statement, int(rung), now_us - 2 * WRITTEN_US[rung], shard)
            deleted += int(status.rpartition(" ")[2])
    return deleted
