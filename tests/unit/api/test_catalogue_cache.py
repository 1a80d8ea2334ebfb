"""The catalogue in memory."""

import asyncio

import pytest

from services.api.catalogue_cache import CatalogueCache
from tests.unit.api.builders import Definitions, a_kpi

pytestmark = pytest.mark.asyncio


class Clock:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        """The time on it."""
        return self.now_s


def _cache(definitions: Definitions, clock: Clock) -> CatalogueCache:
    return CatalogueCache(load=definitions.load, revision=definitions.revision, now_s=clock)


async def test_within_a_second() -> None:
    """However often the catalogue is asked for, its revision is looked at once a second at most."""
    definitions, clock = Definitions(a_kpi()), Clock()
    cache = _cache(definitions, clock)
    for clock.now_s in (0.0, 0.4, 0.9):
        await cache.current()

    assert (definitions.loads, definitions.checks) == (1, 0)


async def test_changed() -> None:
    """A changed definition is served a second later at the latest."""
    definitions, clock = Definitions(a_kpi()), Clock()
    cache = _cache(definitions, clock)
    await cache.current()
    definitions.replace(a_kpi(), a_kpi("delays"))
    clock.now_s = 1.0

    assert set((await cache.current()).kpis) == {"departures", "delays"}


async def test_unchanged() -> None:
    """Definitions that have not changed are not loaded again."""
    definitions, clock = Definitions(a_kpi()), Clock()
    cache = _cache(definitions, clock)
    for clock.now_s in (0.0, 1.0, 2.0):
        await cache.current()

    assert (definitions.loads, definitions.checks) == (1, 2)


async def test_crowd() -> None:
    """Many who ask at once share one look."""
    definitions = Definitions(a_kpi())
    cache = _cache(definitions, Clock())
    await asyncio.gather(*(cache.current() for _ in range(50)))

    assert definitions.loads == 1


async def test_renewed() -> None:
    """A reader that has met an unknown KPI gets the definitions of this moment."""
    definitions, clock = Definitions(a_kpi()), Clock()
    cache = _cache(definitions, clock)
    await cache.current()
    definitions.replace(a_kpi("delays"))
    clock.now_s = 0.1

    assert set((await cache.renewed()).kpis) == {"delays"}
