"""Ordering backfills: of definitions that are to be put in force, and of what is in force already.

Functions take the connection and never commit.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.domain.definitions import Catalogue, Definition, Measure
from shared.domain.definitions.plans import outcome
from shared.domain.errors import UnknownKpiError
from shared.storage.backfills import BackfillState, Ordered
from shared.storage.definitions import (
    SHADOW,
    check_outcome,
    load_catalogue,
    lock_catalogue,
    measure_row,
    move_revision,
)
from shared.storage.tables import backfill_measures, backfills, measures


async def order_changes(
    conn: AsyncConnection, wanted: Sequence[Definition], now: datetime, *, rate_limit: int | None = None
) -> int | None:
    """Fill what *wanted* counts and nothing in force does; then they are put in force, all at once.

    Args:
        conn: in a transaction of the caller's, who commits.
        wanted: the new definitions that differ from what is in force, of any kinds, each once.
        now: when it is ordered.
        rate_limit: events a second at most, of all processes together.

    Returns:
        The number of the backfill; None when there is nothing to fill, and so nothing was ordered.

    Raises:
        DefinitionError: the catalogue would not hold together.
    """
    await lock_catalogue(conn)
    before = await load_catalogue(conn)
    check_outcome(outcome(before, wanted))
    ordered = Ordered.on(before, wanted)
    new = {
        print_: measure for print_, measure in ordered.measures().items() if print_ not in before.measure_ids
    }
    return await _begun(conn, ordered, new, now, rate_limit=rate_limit) if new else None


async def order_rebuild(
    conn: AsyncConnection, slugs: Iterable[str], now: datetime, *, rate_limit: int | None = None
) -> int:
    """Count what KPIs in force are made of once more, from the beginning of the log; the number of it.

    Args:
        conn: in a transaction of the caller's, who commits.
        slugs: at least one; a formula stands for the KPIs of events that it is made of.
        now: when it is ordered.
        rate_limit: events a second at most, of all processes together.

    Raises:
        UnknownKpiError: a slug is not in force.
    """
    await lock_catalogue(conn)
    catalogue = await load_catalogue(conn)
    kpis = {leaf: catalogue.kpis[leaf] for slug in slugs for leaf in _leaves(catalogue, slug)}
    ordered = Ordered(kpis, {slug: catalogue.versions[slug] for slug in kpis}, applies=False)
    return await _begun(conn, ordered, ordered.measures(), now, rate_limit=rate_limit)


def _leaves(catalogue: Catalogue, slug: str) -> tuple[str, ...]:
    if slug not in catalogue.kpis:
        raise UnknownKpiError(slug)
    return catalogue.leaves(slug)


async def _begun(
    conn: AsyncConnection,
    ordered: Ordered,
    filled: Mapping[str, Measure],
    now: datetime,
    *,
    rate_limit: int | None,
) -> int:
    running = {"state": BackfillState.RUNNING, "rate_limit": rate_limit, "created_at": now}
    begun = insert(backfills).values(wanted=ordered.as_json(), **running).returning(backfills.c.backfill_id)
    number: int = (await conn.execute(begun)).scalar_one()
    for fingerprint, measure in sorted(filled.items()):
        shadow = measure_row(measure, created_at=now) | {"fingerprint": f"{fingerprint}{SHADOW}{number}"}
        statement = insert(measures).values(shadow).returning(measures.c.measure_id)
        measure_id = (await conn.execute(statement)).scalar_one()
        fills = {"backfill_id": number, "measure_id": measure_id, "fingerprint": fingerprint}
        await conn.execute(insert(backfill_measures).values(fills))
    await move_revision(conn)
    return number
