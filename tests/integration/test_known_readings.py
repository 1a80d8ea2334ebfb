"""Values as they were known at an earlier time, against the oracle on what had been counted by then."""

from datetime import timedelta
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.contracts.events import CleanEvent
from shared.domain.definitions.kpi_files import kpis_of
from shared.domain.errors import LogLostError, ReplayTooLargeError
from shared.storage.readings import Ask
from tests.integration.counting_rig import counting, law, oracle_of
from tests.integration.replay_rig import Remembering, of_one
from tests.integration.test_aggregate_laws import KPI_FILE as AGGREGATES
from tests.integration.test_aggregate_laws import logs as aggregate_logs
from tests.integration.test_correction_laws import with_retractions
from tests.integration.test_counting_laws import batches, logs
from tests.oracle.answers import Value
from tests.shop.judging import KPI_FILE as SHOP
from tests.unit.compute.builders import NOW, an_event, clean_log

SECOND = timedelta(seconds=1)
INSTANTS = (NOW, NOW - timedelta(hours=5))


def a_retraction(number: int) -> CleanEvent:
    """The retraction of the order of that number."""
    return an_event(1000 + number, retracts=f"order-{number}")


retracting_logs = logs.flatmap(with_retractions)
both_files = pytest.mark.parametrize(
    ("kpi_file", "came"),
    [(SHOP, retracting_logs), (AGGREGATES, aggregate_logs.flatmap(with_retractions))],
    ids=["shop", "every aggregate"],
)

ORDERS = Ask("orders", "1h", (), NOW)


async def differences(mine: Remembering, flushes: int, kpi_file: Path) -> list[str]:
    """What of all values as known after the first *flushes* is not as the oracle on them has it."""
    at = NOW + flushes * SECOND
    oracle, everything = (oracle_of(mine.first(n), kpi_file) for n in (flushes, len(mine.came)))
    asks, expected = list[Ask](), list[Value]()
    places = [(slug, breakdown) for slug in oracle.slugs for breakdown in ((), *oracle.breakdowns(slug))]
    for slug, breakdown in places:
        every = everything.series(slug, breakdown) if breakdown else [{}]
        for series, window, instant in product(every, oracle.windows(slug), INSTANTS):
            asks.append(Ask(slug, window, tuple(sorted(series.items())), instant))
            expected.append(oracle.value(slug, window, series, instant, now=at))
    found = await mine.known(asks, at=at)
    return [
        f"{ask}: {reading.value} of {reading.n}, the oracle has {value.value} of {value.n}"
        for ask, reading, value in zip(asks, found, expected, strict=True)
        if reading.n != value.n or not value.agrees_with(reading.value)
    ]


@both_files
def test_every_prefix(database_url: str, kpi_file: Path, came: st.SearchStrategy[list[CleanEvent]]) -> None:
    """Whatever came later: as known after a flush, every value is that of what had been counted by then."""
    with law(database_url, kpis_of(kpi_file.read_text(encoding="utf-8"))) as place:

        @settings(max_examples=12)
        @given(
            log=came,
            partitions=st.integers(1, 3),
            sizes=st.lists(st.integers(1, 12), min_size=1, max_size=3),
            known=st.integers(0, 6),
        )
        def holds(log: list[CleanEvent], partitions: int, sizes: list[int], known: int) -> None:
            async def example() -> list[str]:
                mine = Remembering(place.counting)
                await place.counting.take_over(range(partitions))
                for part in batches(clean_log(log, partitions=partitions), sizes):
                    await mine.flush(part)
                return await differences(mine, min(known, len(mine.came)), kpi_file)

            assert place.holds(example()) == []

        holds()


@pytest.mark.asyncio
async def test_a_late_event(database_url: str) -> None:
    """Before a late event was counted its window was without it, and is so for ever."""
    async with counting(database_url) as one:
        mine = Remembering(one)
        await one.take_over([0])
        first = await mine.flush(of_one(an_event(1), an_event(2)))
        second = await mine.flush(of_one(an_event(3, ago=timedelta(minutes=30)), first=2))
        found = [
            (await mine.known([ORDERS], at=at))[0].n
            for at in (first - SECOND, first, second - SECOND / 2, second)
        ]

    assert found == [0, 2, 2, 3]


@pytest.mark.asyncio
async def test_a_retraction(database_url: str) -> None:
    """Before an event was retracted it counted, and is counted of then for ever."""
    async with counting(database_url) as one:
        mine = Remembering(one)
        await one.take_over([0])
        first = await mine.flush(of_one(an_event(1), an_event(2)))
        second = await mine.flush(of_one(a_retraction(1), first=2))
        found = [(await mine.known([ORDERS], at=at))[0].n for at in (first, second - SECOND / 2, second)]

    assert found == [2, 2, 1]


@pytest.mark.asyncio
async def test_as_of(database_url: str) -> None:
    """An answer says up to when everything that had arrived was counted: at most the time asked about."""
    millisecond = timedelta(milliseconds=1)
    async with counting(database_url) as one:
        mine = Remembering(one)
        await one.take_over([0])
        first = await mine.flush(of_one(an_event(1)))
        arrived = NOW + timedelta(milliseconds=1200)
        second = await mine.flush(of_one(an_event(2), first=1), arrived=arrived)
        found = [
            (await mine.known([ORDERS], at=at))[0].as_of
            for at in (first, arrived + millisecond, second, second + SECOND)
        ]

    assert found == [first, arrived, second, second + SECOND]


@pytest.mark.asyncio
async def test_complete(database_url: str) -> None:
    """A value was complete once everything that was to be expected up to its end had been counted."""
    async with counting(database_url) as one:
        mine = Remembering(one)
        await one.take_over([0])
        for number in range(12):
            await mine.flush(of_one(an_event(number, ago=timedelta(minutes=5)), first=number))
        # The window ends at NOW; events may be 10 s late.
        found = [(await mine.known([ORDERS], at=NOW + n * SECOND))[0] for n in (9, 10, 11)]

    assert [one.complete for one in found] == [False, True, True]
    assert [one.valid_until for one in found] == [None] * 3


@pytest.mark.asyncio
async def test_bounded(database_url: str) -> None:
    """An answer that would take more records than allowed is refused before any is read."""
    async with counting(database_url) as one:
        mine = Remembering(one)
        await one.take_over([0])
        known = await mine.flush(of_one(*(an_event(number) for number in range(20))))
        with pytest.raises(ReplayTooLargeError, match="20 records"):
            await mine.known([ORDERS], at=known, most=19)

        assert mine.log.reads == []
        assert (await mine.known([ORDERS], at=known, most=20))[0].n == 20


@pytest.mark.asyncio
async def test_only_what_is_needed(database_url: str) -> None:
    """Only flushes that may hold events of the window are read; a gap of a few records is read over."""
    async with counting(database_url) as one:
        mine = Remembering(one)
        await one.take_over([0])
        hours = [30, 40, 1, 50, 1]
        for number, ago in enumerate(hours):
            known = await mine.flush(of_one(an_event(number, ago=timedelta(hours=ago)), first=number))
        await mine.known([Ask("orders", "24h", (), NOW)], at=known)

    assert mine.log.reads == [(0, 2, 5)]


@pytest.mark.asyncio
async def test_lost(database_url: str) -> None:
    """A log that begins too late makes no smaller number: it says that it does."""
    async with counting(database_url) as one:
        mine = Remembering(one)
        await one.take_over([0])
        known = await mine.flush(of_one(an_event(1), an_event(2)))
        mine.log.begins[0] = 1
        with pytest.raises(LogLostError):
            await mine.known([ORDERS], at=known)
