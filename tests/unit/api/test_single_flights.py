"""One answer for all who ask the same in one moment."""

import asyncio

import pytest

from services.api.single_flights import MOST, SingleFlights

pytestmark = pytest.mark.asyncio


class Kitchen:
    """Answers that are counted, each as slow as the test likes, by a clock that it sets."""

    def __init__(self) -> None:
        self.made = 0
        self.now_s = 100.0
        self.may_end = asyncio.Event()
        self.flights = SingleFlights[int](kept_s=0.25, now_s=lambda: self.now_s)

    async def _make(self, key: object) -> int:
        self.made += 1
        number = self.made
        await self.may_end.wait()
        if key == "burnt":
            raise ValueError(key)
        return number

    async def ask(self, key: object = "board") -> int:
        """An answer."""
        return await self.flights.answer(key, lambda: self._make(key))


async def test_together() -> None:
    """Who asks while an answer is under way gets that one."""
    kitchen = Kitchen()
    asking = [asyncio.ensure_future(kitchen.ask()) for _ in range(5)]
    await asyncio.sleep(0)
    kitchen.may_end.set()

    assert await asyncio.gather(*asking) == [1] * 5


async def test_apart() -> None:
    """Another key is another answer, and so is the same one when its moment is over."""
    kitchen = Kitchen()
    kitchen.may_end.set()
    found = [await kitchen.ask(), await kitchen.ask("other")]
    kitchen.now_s += 0.2
    found.append(await kitchen.ask())
    kitchen.now_s += 0.05
    found.append(await kitchen.ask())

    assert found == [1, 2, 1, 3]


async def test_going_away() -> None:
    """Who goes away does not take the answer along."""
    kitchen = Kitchen()
    first, second = (asyncio.ensure_future(kitchen.ask()) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.sleep(0)
    kitchen.may_end.set()

    assert await second == 1


async def test_failing() -> None:
    """An error is told to all who waited, and the next one asks anew."""
    kitchen = Kitchen()
    asking = [asyncio.ensure_future(kitchen.ask("burnt")) for _ in range(2)]
    await asyncio.sleep(0)
    kitchen.may_end.set()
    found = await asyncio.gather(*asking, return_exceptions=True)

    assert [type(each) for each in found] == [ValueError, ValueError]
    with pytest.raises(ValueError, match="burnt"):
        await kitchen.ask("burnt")
    assert kitchen.made == 2


async def test_bounded() -> None:
    """So many answers are kept and no more; the others are made, but for themselves."""
    kitchen = Kitchen()
    kitchen.may_end.set()
    for number in range(MOST + 1):
        await kitchen.ask(number)

    assert [await kitchen.ask(0), await kitchen.ask(MOST)] == [1, MOST + 2]
