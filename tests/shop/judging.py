"""Every value of every KPI by the product and by the oracle, and whatever differs between them."""

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared.domain.definitions import Catalogue, Kpi
from shared.domain.definitions.kpi_files import kpis_of
from shared.domain.readings import Reading
from shared.storage import current
from shared.storage.engine import reading
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


Told = tuple[Reading, datetime]
"""What the product says, and the instant it was asked about."""


async def differences(
    engine: AsyncEngine,
    catalogue: Catalogue,
    oracle: Oracle,
    *,
    instants: Sequence[datetime],
    now: datetime,
) -> list[str]:
    """A line for every value that is not the oracle's: each KPI, window and series at each of *instants*."""
    async with reading(engine) as connection:
        told = await everything(connection, catalogue, oracle, instants=instants, now=now)
    # The oracle takes its time: no transaction waits for it.
    return differing(oracle, told, now=now)


async def everything(
    connection: AsyncConnection,
    catalogue: Catalogue,
    oracle: Oracle,
    *,
    instants: Sequence[datetime],
    now: datetime,
) -> list[Told]:
    """What the product says of each KPI, window and series at each of *instants*."""
    places = [place async for place in _places(connection, catalogue, oracle)]
    asks = [Ask(slug, window, series, at) for slug, window, series in places for at in instants]
    assert asks, "there is nothing to compare"
    readings: list[Reading] = []
    for start in range(0, len(asks), _ASKED_AT_ONCE):
        readings += await evaluate(connection, catalogue, asks[start : start + _ASKED_AT_ONCE], now=now)
    return list(zip(readings, [ask.at for ask in asks], strict=True))


def differing(oracle: Oracle, told: Iterable[Told], *, now: datetime | None = None) -> list[str]:
    """A line for every value that is not the oracle's, asked at *now*; without it, at its own instant."""
    return [line for reading, at in told for line in _difference(oracle, reading, at=at, now=now or at)]


async def current_values(
    connection: AsyncConnection, catalogue: Catalogue, oracle: Oracle
) -> tuple[list[str], list[Told]]:
    """A line for every row that `kpi_current` lacks, and its rows, each with an instant of its own window.

    To be asked when everything is counted: a row that no later event touched still tells of its own window.
    """
    rows = [row.reading for row in await current.current(connection)]
    stored = {(r.slug, r.window, tuple(sorted(r.dimensions.items()))) for r in rows}
    wanted = {place async for place in _places(connection, catalogue, oracle)}
    missing = [f"no row of {slug} {window} {dict(series)}" for slug, window, series in wanted - stored]
    return missing, [(row, _instant_of(row)) for row in rows]


def _instant_of(row: Reading) -> datetime:
    """An instant of the window of *row*: a previous period is that of the moment it ends with.

    Other windows end at an instant rounded up, so a moment before their end asks for the same one.
    """
    is_over = row.window.startswith("previous_") or row.window == "yesterday"
    return row.window_end if is_over else row.window_end - timedelta(microseconds=1)


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
