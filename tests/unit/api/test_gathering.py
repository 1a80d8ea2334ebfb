"""Questions that come at the same time are answered together, each with its own answer."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from services.api.gathering import AT_ONCE, MOST, Gathering
from shared.domain.definitions import Catalogue
from shared.domain.errors import StoreUnavailableError, UnknownKpiError
from shared.domain.readings import Reading
from shared.storage.readings import Ask
from tests.unit.api.builders import NOW, a_kpi, a_reading

pytestmark = pytest.mark.asyncio

CATALOGUE = Catalogue(1, {"departures": a_kpi()}, {"departures": 3}, {})


class Store:
    """Answers each ask with its own series, as soon as it may.

    Attributes:
        rounds: what was asked together, and at which instant.
    """

    def __init__(self) -> None:
        self.rounds: list[tuple[int, list[Ask], datetime]] = []
        self.may_end = asyncio.Event()
        self.is_away = False
        self.gathering = Gathering(self.evaluate)

    async def evaluate(self, catalogue: Catalogue, asks: Sequence[Ask], now: datetime) -> list[Reading]:
        """A reading of each ask."""
        self.rounds.append((catalogue.revision, list(asks), now))
        await self.may_end.wait()
        if self.is_away:
            raise StoreUnavailableError("gone")
        if any(("carrier", "bad") in ask.dimensions for ask in asks):
            raise UnknownKpiError("bad")
        return [a_reading(dimensions=dict(ask.dimensions), window_end=ask.at) for ask in asks]

    def ask(
        self, *carriers: str, ms: int = 0, catalogue: Catalogue = CATALOGUE
    ) -> asyncio.Task[list[Reading]]:
        """A question about these carriers, so many milliseconds after `NOW`."""
        now = NOW + timedelta(milliseconds=ms)
        asks = [Ask("departures", "1h", (("carrier", carrier),), now) for carrier in carriers]
        return asyncio.create_task(self.gathering.evaluate(catalogue, asks, now=now))


async def _settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def _carriers(readings: Sequence[Reading]) -> list[str | None]:
    return [reading.dimensions["carrier"] for reading in readings]


async def test_alone() -> None:
    """With nobody else there a question is asked at once, as it is."""
    store = Store()
    store.may_end.set()

    assert _carriers(await store.ask("B", "A")) == ["B", "A"]
    assert [(len(asks), now) for _, asks, now in store.rounds] == [(2, NOW)]


async def test_together() -> None:
    """What waits while rounds are under way goes into one, equal asks once, each with its own answer."""
    store = Store()
    first = [store.ask(f"{number}") for number in range(AT_ONCE)]
    await _settled()
    others = [store.ask("A", "B", ms=1), store.ask("B", ms=3), store.ask("A", "C", "A", ms=2)]
    await _settled()
    assert len(store.rounds) == AT_ONCE
    store.may_end.set()
    found = [_carriers(readings) for readings in await asyncio.gather(*others)]
    await asyncio.gather(*first)

    assert found == [["A", "B"], ["B"], ["A", "C", "A"]]
    _, asks, now = store.rounds[AT_ONCE]
    assert [dict(ask.dimensions)["carrier"] for ask in asks] == ["A", "B", "C"]
    assert {ask.at for ask in asks} == {now} == {NOW + timedelta(milliseconds=3)}
    assert len(store.rounds) == AT_ONCE + 1


async def test_nobody_joins_a_round_under_way() -> None:
    """A question is answered by a round that began after it came: what was written before it is seen."""
    store = Store()
    store.ask("A")
    await _settled()
    late = store.ask("A")
    await _settled()
    store.may_end.set()
    await late

    assert len(store.rounds) == 2


async def test_catalogues_apart() -> None:
    """Questions of different definitions are never one round."""
    store = Store()
    newer = replace(CATALOGUE, revision=2)
    under_way = [store.ask("A") for _ in range(AT_ONCE)]
    await _settled()
    waiting = [store.ask("B"), store.ask("B", catalogue=newer), store.ask("C")]
    store.may_end.set()
    await asyncio.gather(*under_way, *waiting)

    assert [(revision, len(asks)) for revision, asks, _ in store.rounds[AT_ONCE:]] == [(1, 2), (2, 1)]


async def test_bounded() -> None:
    """A round has so many asks and no more; the rest makes the next one."""
    store = Store()
    under_way = [store.ask("A") for _ in range(AT_ONCE)]
    await _settled()
    waiting = [store.ask(f"{number}") for number in range(MOST + 5)]
    store.may_end.set()
    await asyncio.gather(*under_way, *waiting)

    assert [len(asks) for _, asks, _ in store.rounds[AT_ONCE:]] == [MOST, 5]


async def test_failing() -> None:
    """When a round fails all of it are told, and the next one is tried anew."""
    store = Store()
    store.is_away = True
    asking = [store.ask(name) for name in "ABCD"]
    await _settled()
    store.may_end.set()
    found = await asyncio.gather(*asking, return_exceptions=True)
    store.is_away = False

    assert [type(each) for each in found] == [StoreUnavailableError] * 4
    assert _carriers(await store.ask("A")) == ["A"]


async def test_one_bad_question() -> None:
    """What cannot be answered is told to who asked it, and to nobody else."""
    store = Store()
    under_way = [store.ask("A") for _ in range(AT_ONCE)]
    await _settled()
    good, bad, other = store.ask("B"), store.ask("bad"), store.ask("C")
    store.may_end.set()
    await asyncio.gather(*under_way)

    assert [_carriers(await good), _carriers(await other)] == [["B"], ["C"]]
    with pytest.raises(UnknownKpiError):
        await bad


async def test_going_away() -> None:
    """Who goes away takes nobody's answer along."""
    store = Store()
    under_way = [store.ask("A") for _ in range(AT_ONCE)]
    await _settled()
    gone, stays = store.ask("B"), store.ask("C")
    await _settled()
    gone.cancel()
    under_way[0].cancel()
    await _settled()
    store.may_end.set()

    assert _carriers(await stays) == ["C"]
