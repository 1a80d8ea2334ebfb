"""The table of current values: written by compute, read by everybody who wants the newest number at once."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.domain.readings import Reading

REFRESH_LOCK = 7_403_882
"""Refreshes take turns, so that the one that reads the panes later also writes later."""

Place = tuple[str, str, tuple[tuple[str, str | None], ...]]
"""Slug, window and sorted dimensions of a row."""


@dataclass(frozen=True, slots=True)
class CurrentReading:
    """A stored reading.

    Attributes:
        revision: larger than that of every earlier change of the value.
        refreshed_at: when compute last worked it out.
    """

    reading: Reading
    revision: int
    refreshed_at: datetime


_WAIT = text("SELECT pg_advisory_xact_lock(:lock)")
_TRY = text("SELECT pg_try_advisory_xact_lock(:lock)")

_STORE = text("""
-- store: new readings over old ones; the revision moves only when what a reader sees has changed.
INSERT INTO kpi_current AS c (
    slug, "window", dimensions, version, value, n, window_start, window_end, as_of, complete, valid_until,
    refreshed_at, revision, changed_in
)
SELECT a.*, now(), nextval('kpi_current_revision'), pg_current_xact_id()::text::bigint
FROM unnest(
    CAST(:slug AS text[]), CAST(:window AS text[]), CAST(:dimensions AS jsonb[]), CAST(:version AS int[]),
    CAST(:value AS numeric[]), CAST(:n AS bigint[]), CAST(:window_start AS timestamptz[]),
    CAST(:window_end AS timestamptz[]), CAST(:as_of AS timestamptz[]), CAST(:complete AS bool[]),
    CAST(:valid_until AS timestamptz[])
) AS a
ON CONFLICT (slug, "window", dimensions) DO UPDATE SET
    version = excluded.version, value = excluded.value, n = excluded.n,
    window_start = excluded.window_start, window_end = excluded.window_end,
    as_of = greatest(c.as_of, excluded.as_of), complete = excluded.complete,
    valid_until = excluded.valid_until, refreshed_at = excluded.refreshed_at,
    revision = CASE WHEN (c.value, c.n, c.version) IS NOT DISTINCT FROM
        (excluded.value, excluded.n, excluded.version) THEN c.revision ELSE excluded.revision END,
    changed_in = CASE WHEN (c.value, c.n, c.version) IS NOT DISTINCT FROM
        (excluded.value, excluded.n, excluded.version) THEN c.changed_in ELSE excluded.changed_in END
""")

_DUE = text("""
-- due: rows whose value may have changed by the passing of time alone.
SELECT slug, "window", dimensions FROM kpi_current WHERE valid_until <= :now
ORDER BY valid_until LIMIT :most
""")

_PRUNE = text("""
-- prune: rows of KPIs that are gone, and of versions that are no longer in force; who follows is told.
WITH pruned AS (
    DELETE FROM kpi_current c WHERE NOT EXISTS (
        SELECT FROM unnest(CAST(:slugs AS text[]), CAST(:versions AS int[])) AS k (slug, version)
        WHERE k.slug = c.slug AND k.version = c.version
    )
    RETURNING slug, "window", dimensions
)
INSERT INTO kpi_gone (slug, "window", dimensions, revision, changed_in, gone_at)
SELECT slug, "window", dimensions, nextval('kpi_current_revision'), pg_current_xact_id()::text::bigint, now()
FROM pruned
ON CONFLICT (slug, "window", dimensions) DO UPDATE SET
    revision = excluded.revision, changed_in = excluded.changed_in, gone_at = excluded.gone_at
""")

_CURRENT = text("""
-- current: the newest readings, by slug, window and dimensions.
SELECT * FROM kpi_current
WHERE (CAST(:slugs AS text[]) IS NULL OR slug = ANY(CAST(:slugs AS text[])))
  AND (CAST(:windows AS text[]) IS NULL OR "window" = ANY(CAST(:windows AS text[])))
ORDER BY slug, "window", dimensions
""")

_CHANGED = text("""
-- changed: what transactions from :cursor on have changed; the oldest one still open is the next cursor.
SELECT c.*, pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS next_cursor
FROM (SELECT) AS once LEFT JOIN kpi_current c ON c.changed_in >= :cursor
ORDER BY c.revision
""")


async def wait_for_turn(connection: AsyncConnection) -> None:
    """Wait until no other refresh is under way; what is read after this is newest."""
    await connection.execute(_WAIT, {"lock": REFRESH_LOCK})


async def take_turn(connection: AsyncConnection) -> bool:
    """Whether no other refresh is under way; if so, none begins before this transaction ends."""
    return bool((await connection.execute(_TRY, {"lock": REFRESH_LOCK})).scalar_one())


async def store(connection: AsyncConnection, readings: Sequence[Reading]) -> None:
    """Store *readings*; the transaction must have waited for its turn before it read them."""
    if readings:
        await connection.execute(_STORE, _columns(readings))


def _columns(readings: Sequence[Reading]) -> dict[str, list[Any]]:
    names = ("slug", "window", "version", "value", "n", "window_start", "window_end", "as_of", "complete")
    columns: dict[str, list[Any]] = {name: [getattr(r, name) for r in readings] for name in names}
    columns["valid_until"] = [r.valid_until for r in readings]
    columns["dimensions"] = [msgspec.json.encode(dict(r.dimensions)).decode() for r in readings]
    return columns


async def due(connection: AsyncConnection, *, now: datetime, most: int) -> list[Place]:
    """The rows that *now* may have made wrong, the longest overdue first."""
    rows = (await connection.execute(_DUE, {"now": now, "most": most})).all()
    return [(row.slug, row.window, tuple(sorted(row.dimensions.items()))) for row in rows]


async def prune(connection: AsyncConnection, versions: Mapping[str, int]) -> None:
    """Delete the rows of KPIs and versions other than *versions*."""
    await connection.execute(_PRUNE, {"slugs": list(versions), "versions": list(versions.values())})


async def current(
    connection: AsyncConnection, *, slugs: Sequence[str] | None = None, windows: Sequence[str] | None = None
) -> list[CurrentReading]:
    """The newest readings, sorted by slug, window and dimensions; all where nothing is named."""
    parameters = {
        "slugs": None if slugs is None else list(slugs),
        "windows": None if windows is None else list(windows),
    }
    return stored((await connection.execute(_CURRENT, parameters)).all())


async def changed_since(connection: AsyncConnection, cursor: int) -> tuple[list[CurrentReading], int]:
    """What changed in transactions from *cursor* on, oldest first, and the cursor for the next call.

    A row may come twice, with the same revision; none is missed, in whatever order transactions end.
    Begin with 0 for everything.
    """
    rows = (await connection.execute(_CHANGED, {"cursor": cursor})).all()
    return stored(row for row in rows if row.slug is not None), rows[0].next_cursor


def stored(rows: Iterable[Row[Any]]) -> list[CurrentReading]:
    """The readings in *rows* of the table."""
    names = (
        "slug", "version", "window", "dimensions", "value", "n", "window_start", "window_end", "as_of",
        "complete", "valid_until",
    )  # fmt: skip
    return [
        CurrentReading(Reading(**{name: getattr(r, name) for name in names}), r.revision, r.refreshed_at)
        for r in rows
    ]
