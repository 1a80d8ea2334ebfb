"""One answer for all who ask the same in one moment."""

import asyncio

import pytest

from services.api.single_flights import FRESH_S, KEPT_S, MOST, SingleFlights

pytestmark = pytest.mark.asyncio


class Kitchen:
    """Answers that are counted, each as slow as the test likes, by a clock that it sets."""

    def __init__(self) -> None:
        self.made = 0
        self.now_s = 100.0
        self.may_end = asyncio.Event()
        self.fails = False
        self.flights = SingleFlights[int](now_s=lambda: self.now_s)

    async def _make(self, key: object) -> int:
        self.made += 1
        number = self.made
        await self.may_end.wait()
        if key == "burnt" or self.fails:
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
    kitchen.now_s += FRESH_S - 0.01
    found.append(await kitchen.ask())
    kitchen.now_s += KEPT_S
    found.append(await kitchen.ask())

    assert found == [1, 2, 1, 3]


async def test_renewed_behind() -> None:
    """Who asks all the time never waits: an answer that is not fresh is given once more, and renewed."""
    kitchen = Kitchen()
    kitchen.may_end.set()
    found = [await kitchen.ask()]
    kitchen.now_s += FRESH_S
    kitchen.may_end.clear()
    found += [await kitchen.ask() for _ in range(3)]
    await asyncio.sleep(0)
    made_meanwhile = kitchen.made
    kitchen.may_end.set()
    await asyncio.sleep(0.01)
    found.append(await kitchen.ask())

    assert found == [1, 1, 1, 1, 2]
    assert (made_meanwhile, kitchen.made) == (2, 2)


async def test_never_older() -> None:
    """However slow a renewal is, nobody gets an answer that began longer ago than one may."""
    kitchen = Kitchen()
    kitchen.may_end.set()
    await kitchen.ask()
    kitchen.now_s += FRESH_S
    kitchen.may_end.clear()
    await kitchen.ask()
    kitchen.now_s += KEPT_S - FRESH_S
    waiting = asyncio.ensure_future(kitchen.ask())
    await asyncio.sleep(0.01)
    is_waiting = not waiting.done()
    kitchen.may_end.set()

    assert is_waiting
    assert (await waiting, kitchen.made) == (2, 2)


async def test_a_renewal_that_fails() -> None:
    """An error behind an answer ends that answer: the next who asks is told, or gets a new one."""
    kitchen = Kitchen()
    kitchen.may_end.set()
    await kitchen.ask()
    kitchen.now_s += FRESH_S
    kitchen.fails = True
    assert await kitchen.ask() == 1
    await asyncio.sleep(0.01)
    kitchen.fails = False

    assert await kitchen.ask() == 3


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
