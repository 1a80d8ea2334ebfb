"""Making panes anew from finer ones, without the log: a day is 24 hours that are right already."""

from collections.abc import Mapping, Sequence

import asyncpg

from services.compute.corrections.refolding import interval_us
from services.compute.corrections.taking import Counted
from shared.domain.aggregates import PLAIN_KINDS, Kind
from shared.domain.calendars import Calendar
from shared.domain.windows import HOUR_US, RETENTION_US, Rung
from shared.storage import pane_marks, pane_repairs, pane_unions, positions
from shared.storage.engine import driver_errors
from shared.storage.pane_repairs import Repair
from shared.storage.pane_unions import Whole


def whole_of(repair: Repair, counted: Counted, *, now_us: int) -> Whole | None:
    """The pane with the finer rung that makes it up; None where only the log can tell.

    Every event of the pane is in the finer rung too, as long as that is kept at the age of the pane's start:
    the event was no older when it was counted. A day of hours needs midnights between two of them.
    """
    measure = counted.measures[repair.measure_id]
    start_us, end_us = interval_us(repair, Calendar(measure.zone))
    is_split = repair.rung == Rung.D1 and (start_us % HOUR_US or end_us % HOUR_US)
    if repair.rung <= measure.finest or is_split:
        return None
    finer = Rung(repair.rung - 1)
    if now_us - start_us >= RETENTION_US[finer]:
        return None
    finest = measure.finest if measure.kind in PLAIN_KINDS else finer
    return Whole(repair.series_id, repair.rung, start_us, end_us, finer, finest)


async def unite(
    connection: asyncpg.Connection, repairs: Mapping[Repair, Whole], counted: Counted
) -> Sequence[Repair]:
    """Replace the panes of *repairs* by their finer ones together, but for those these are not right for.

    Raises:
        StoreUnavailableError: it may or may not have been done.
    """
    with driver_errors():
        # Asked twice, so that nobody is held up for nothing while finer panes are made anew.
        marks = await pane_marks.load(connection)
        if await pane_unions.marked(connection, list(repairs.values()), marks) == set(repairs.values()):
            return []
        async with connection.transaction():
            shard = min(await positions.hold_all(connection))
            marks = await pane_marks.load(connection)
            waiting = await pane_unions.marked(connection, list(repairs.values()), marks)
            chosen = {repair: whole for repair, whole in repairs.items() if whole not in waiting}
            await pane_repairs.clear(connection, [repair.key for repair in chosen])
            for kind in Kind:
                panes = [
                    w for repair, w in chosen.items() if counted.measures[repair.measure_id].kind is kind
                ]
                if panes:
                    await pane_unions.unite(connection, panes, kind, marks, shard=shard)
    return list(chosen)
