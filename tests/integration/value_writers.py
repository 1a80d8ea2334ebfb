"""Writers of current values, as unruly as compute may be: open transactions, removals, everything at once."""

import asyncio
import random
from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.storage import current
from shared.storage.engine import reading, transaction

CARRIERS = [f"C{number}" for number in range(12)]

PUT = text("""
INSERT INTO kpi_current AS c
SELECT 'departures', '5m', jsonb_build_object('carrier', CAST(:carrier AS text)), 1, CAST(:value AS int), 1,
    now(), now(), now(), false, NULL, now(), nextval('kpi_current_revision'),
    pg_current_xact_id()::text::bigint
ON CONFLICT (slug, "window", dimensions) DO UPDATE SET
    value = excluded.value, revision = excluded.revision, changed_in = excluded.changed_in
""")

OUTDATE = text("UPDATE kpi_current SET version = 0 WHERE dimensions ->> 'carrier' = ANY(:carriers)")


async def write_at_random(
    engine: AsyncEngine, lot: random.Random, *, times: int, carriers: Sequence[str] = CARRIERS
) -> None:
    """Change a few rows in a transaction that stays open for a moment, or prune a few, *times* over.

    Rows of one key have one writer at a time, as in compute, where writers take turns.
    """
    for number in range(times):
        some = lot.sample(carriers, lot.randint(1, 3))
        async with transaction(engine) as connection:
            await connection.execute(text("SET LOCAL lock_timeout = '5s'"))
            if lot.random() < 0.2:
                await current.wait_for_turn(connection)
                await connection.execute(OUTDATE, {"carriers": some})
                await current.prune(connection, {"departures": 1})
            else:
                for carrier in sorted(some):
                    await connection.execute(PUT, {"carrier": carrier, "value": number})
            await asyncio.sleep(lot.random() * 0.02)


async def write_side_by_side(engine: AsyncEngine, seed: int) -> None:
    """Two writers whose transactions overlap, each with half of the rows."""
    halves = (CARRIERS[::2], CARRIERS[1::2])
    dice = [random.Random(seed * 10 + number) for number in range(2)]  # noqa: S311 - a test's dice
    writers = [write_at_random(engine, d, times=60, carriers=c) for d, c in zip(dice, halves, strict=True)]
    await asyncio.gather(*writers)


async def stored_rows(engine: AsyncEngine) -> dict[str, tuple[int, int]]:
    """Value and revision of every carrier."""
    async with reading(engine) as connection:
        rows = await current.current(connection, slugs=["departures"], windows=["5m"])
    return {str(r.reading.dimensions["carrier"]): (int(r.reading.value or 0), r.revision) for r in rows}
