"""Pages of the table of current values, cut by the database in the order of its key."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.domain.readings import Dimensions
from shared.storage.current import CurrentReading, stored

Position = tuple[str, str, Dimensions | None]
"""Slug, window and dimensions of a row, which is where it stands; None stands before all dimensions."""

START: Position = ("", "", None)
"""Before the first row."""

Values = Sequence[tuple[str, frozenset[str | None]]]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which rows are wanted.

    Attributes:
        slugs: of these KPIs.
        windows: over these windows; None is any.
        breakdown: kept by exactly these dimensions; None is any.
        any_of: kept by these dimensions, each with one of the values.
        none_of: kept by these dimensions, each with none of the values.
    """

    slugs: Sequence[str]
    windows: Sequence[str] | None = None
    breakdown: Sequence[str] | None = None
    any_of: Values = ()
    none_of: Values = ()


_PAGE = text("""
-- page: current values in the order of their key, those that follow a place in it.
SELECT * FROM kpi_current c
WHERE slug = ANY(CAST(:slugs AS text[]))
  AND (slug, "window", dimensions) > (:after_slug, :after_window, CAST(:after_dimensions AS jsonb))
  AND (CAST(:windows AS text[]) IS NULL OR "window" = ANY(CAST(:windows AS text[])))
  AND (CAST(:breakdown AS text[]) IS NULL OR (
      jsonb_exists_all(dimensions, CAST(:breakdown AS text[]))
      AND (SELECT count(*) FROM jsonb_object_keys(dimensions)) = cardinality(CAST(:breakdown AS text[]))))
  AND NOT EXISTS (
      SELECT FROM jsonb_each(CAST(:any_of AS jsonb)) AS f
      WHERE NOT jsonb_exists(dimensions, f.key) OR NOT f.value @> jsonb_build_array(dimensions -> f.key))
  AND NOT EXISTS (
      SELECT FROM jsonb_each(CAST(:none_of AS jsonb)) AS f
      WHERE NOT jsonb_exists(dimensions, f.key) OR f.value @> jsonb_build_array(dimensions -> f.key))
ORDER BY slug, "window", dimensions
LIMIT :limit
""")


async def page(
    connection: AsyncConnection, wanted: Wanted, *, after: Position = START, limit: int
) -> list[CurrentReading]:
    """At most *limit* rows that are *wanted* and follow *after*, by slug, window and dimensions.

    Dimensions are in the database's order of them, in which the total comes first.
    """
    parameters: dict[str, Any] = {
        "slugs": list(wanted.slugs),
        "windows": None if wanted.windows is None else list(wanted.windows),
        "breakdown": None if wanted.breakdown is None else list(wanted.breakdown),
        "any_of": _json(wanted.any_of),
        "none_of": _json(wanted.none_of),
        "after_slug": after[0],
        "after_window": after[1],
        "after_dimensions": msgspec.json.encode(after[2]).decode(),
        "limit": limit,
    }
    return stored((await connection.execute(_PAGE, parameters)).all())


def _json(values: Values) -> str:
    return msgspec.json.encode({name: list(found) for name, found in values}).decode()
