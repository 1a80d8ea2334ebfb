"""Pages of the table of current values, cut by a real Postgres."""

import itertools
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from services.api.http.selections import Choices, DimensionFilter
from shared.storage.current import CurrentReading
from shared.storage.current_pages import START, Position, Wanted, page
from shared.storage.engine import open_engine, reading, transaction

pytestmark = pytest.mark.asyncio

_ROWS = text("""
INSERT INTO kpi_current
SELECT slug, "window", dimensions, 1, 1, 1, now(), now(), now(), false, NULL, now(), 1, 0
FROM unnest(ARRAY['a', 'a_b', 'b']) AS slug, unnest(ARRAY['1h', '24h', 'today']) AS "window",
     unnest(ARRAY['{}', '{"x": "1"}', '{"x": "2"}', '{"x": null}', '{"x": "\\"ü,"}', '{"y": "1"}',
                  '{"x": "1", "y": "1"}', '{"x": "1", "y": null}']::jsonb[]) AS dimensions
""")

SLUGS = ("a", "a_b", "b")
Y: Choices = (("y", frozenset({"1"})),)
ONE: Choices = (("x", frozenset({"1"})),)
FEW: Choices = (("x", frozenset({"1", None})),)
ODD: Choices = (("x", frozenset({'"ü,'})),)


@pytest_asyncio.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    """A database with 72 rows: three KPIs, three windows, eight combinations of dimensions."""
    opened = open_engine(database_url, application_name="tests")
    async with transaction(opened) as connection:
        await connection.execute(_ROWS)
    yield opened
    await opened.dispose()


def _place(row: CurrentReading) -> Position:
    return row.reading.slug, row.reading.window, row.reading.dimensions


async def _pages(engine: AsyncEngine, wanted: Wanted, *, limit: int) -> list[list[CurrentReading]]:
    pages, after = list[list[CurrentReading]](), START
    async with reading(engine) as connection:
        while not pages or len(pages[-1]) == limit:
            pages.append(await page(connection, wanted, after=after, limit=limit))
            after = _place(pages[-1][-1]) if pages[-1] else after
    return pages


@pytest.mark.parametrize("limit", [1, 5, 72, 100])
async def test_everything_once(engine: AsyncEngine, limit: int) -> None:
    """Pages of any size hold every row once, by KPI and window, the total first."""
    found = list(itertools.chain(*await _pages(engine, Wanted(SLUGS), limit=limit)))

    assert [(each.reading.slug, each.reading.window) for each in found] == [
        (slug, window) for slug in SLUGS for window in ("1h", "24h", "today") for _ in range(8)
    ]
    assert len({str(_place(each)) for each in found}) == 72
    assert [dict(each.reading.dimensions) for each in found[::8]] == [{}] * 9


@pytest.mark.parametrize(
    ("wanted", "series"),
    [
        ({"windows": ["24h"]}, DimensionFilter()),
        ({"any_of": ONE}, DimensionFilter(any_of=ONE)),
        ({"any_of": FEW}, DimensionFilter(any_of=FEW)),
        ({"any_of": ODD}, DimensionFilter(any_of=ODD)),
        ({"none_of": FEW}, DimensionFilter(none_of=FEW)),
        ({"any_of": Y, "none_of": ODD}, DimensionFilter(any_of=Y, none_of=ODD)),
        ({"breakdown": ["x"]}, DimensionFilter()),
        ({"breakdown": ["y", "x"]}, DimensionFilter()),
        ({"breakdown": []}, DimensionFilter()),
    ],
    ids=["windows", "one", "few", "odd", "none of few", "two names", "breakdown", "both", "totals"],
)  # fmt: skip
async def test_filters(engine: AsyncEngine, wanted: dict[str, Any], series: DimensionFilter) -> None:
    """What the database leaves out is what the stream's filter of the same choice does."""
    everything = list(itertools.chain(*await _pages(engine, Wanted(SLUGS), limit=100)))
    found = list(itertools.chain(*await _pages(engine, Wanted(SLUGS, **wanted), limit=4)))
    breakdown = set(wanted["breakdown"]) if "breakdown" in wanted else None

    assert found == [
        each
        for each in everything
        if series.takes(each.reading.dimensions)
        and each.reading.window in wanted.get("windows", [each.reading.window])
        and breakdown in (None, set(each.reading.dimensions))
    ]
    assert found
