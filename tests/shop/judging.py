"""Every value of every KPI by the product and by the oracle, and whatever differs between them."""

from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncConnection

from shared.domain.definitions import Catalogue, Kpi
from shared.domain.definitions.kpi_files import kpis_of
from shared.domain.readings import Reading
from shared.storage import current
from shared.storage.readings import Ask, evaluate, known_combinations
from tests.oracle import Oracle

KPI_FILE = Path(__file__).with_name("kpis.yaml")

_ASKED_AT_ONCE = 500
"""Questions of one statement: a few seconds of work on a busy machine."""

Place = tuple[str, str, tuple[tuple[str, str | None], ...]]
"""Slug, window and sorted dimensions."""


def shop_kpis() -> tuple[Kpi, ...]:
    """The KPIs of the shop."""
    return kpis_of(KPI_FILE.read_text(encoding="utf-8"))


async def differences(
    connection: AsyncConnection,
    catalogue: Catalogue,
    oracle: Oracle,
    *,
    instants: Sequence[datetime],
    now: datetime,
) -> list[str]:
    """A line for every value that is not the oracle's: each KPI, window and series at each of *instants*."""
    places = [place async for place in _places(connection, catalogue, oracle)]
    asks = [Ask(slug, window, series, at) for slug, window, series in places for at in instants]
    assert asks, "there is nothing to compare"
    found: list[str] = []
    for start in range(0, len(asks), _ASKED_AT_ONCE):
        part = asks[start : start + _ASKED_AT_ONCE]
        readings = await evaluate(connection, catalogue, part, now=now)
        for ask, reading in zip(part, readings, strict=True):
            found += _difference(oracle, reading, at=ask.at, now=now)
    return found


async def current_differences(connection: AsyncConnection, catalogue: Catalogue, oracle: Oracle) -> list[str]:
    """A line for every row of `kpi_current` that is missing, or not the oracle's value for its own window.

    To be asked when everything is counted: a row that no later event touched still tells of its own window.
    """
    rows = [row.reading for row in await current.current(connection)]
    stored = {(r.slug, r.window, tuple(sorted(r.dimensions.items()))) for r in rows}
    wanted = {place async for place in _places(connection, catalogue, oracle)}
    missing = [f"no row of {slug} {window} {dict(series)}" for slug, window, series in wanted - stored]
    # A window ends at an instant rounded up: a moment before its end asks for the same one.
    ends = [(row, row.window_end - timedelta(microseconds=1)) for row in rows]
    return missing + [line for row, at in ends for line in _difference(oracle, row, at=at, now=at)]


async def _places(connection: AsyncConnection, catalogue: Catalogue, oracle: Oracle) -> AsyncIterator[Place]:
    for slug in oracle.slugs:
        for breakdown in ((), *oracle.breakdowns(slug)):
            known = set(await known_combinations(connection, catalogue, slug, breakdown))
            expected = {tuple(sorted(one.items())) for one in oracle.series(slug, breakdown)}
            for series in sorted(known | expected, key=str):
                for window in oracle.windows(slug):
                    yield slug, window, series


def _difference(oracle: Oracle, reading: Reading, *, at: datetime, now: datetime) -> Iterator[str]:
    expected = oracle.value(reading.slug, reading.window, _in_order(oracle, reading), at, now=now)
    ours = (reading.n, reading.window_start, reading.window_end)
    theirs = (expected.n, expected.window_start, expected.window_end)
    if ours != theirs or not expected.agrees_with(reading.value):
        yield (
            f"{reading.slug} {reading.window} {dict(reading.dimensions)} at {at.isoformat()}: "
            f"{reading.value} of {ours}, the oracle has {expected.value} of {theirs}"
        )


def _in_order(oracle: Oracle, reading: Reading) -> dict[str, str | None]:
    """The dimensions in the order of the breakdown, by which the oracle knows them."""
    names = next((b for b in oracle.breakdowns(reading.slug) if set(b) == set(reading.dimensions)), ())
    return {name: reading.dimensions[name] for name in names}
