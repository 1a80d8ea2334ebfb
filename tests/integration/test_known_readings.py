"""Values as they were known at an earlier time, against the oracle on what had been counted by then."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.contracts.events import CleanEvent
from shared.domain.errors import LogLostError, ReplayTooLargeError
from shared.storage.readings import Ask
from tests.integration.counting_rig import counting, law, oracle_of
from tests.integration.replay_rig import Remembering
from tests.integration.test_counting_laws import batches, logs
from tests.unit.compute.builders import NOW, ARecord, a_record, an_event, clean_log

SECOND = timedelta(seconds=1)
ORDERS = Ask("orders", "1h", (), NOW)


def of_one(*events: CleanEvent, first: int = 0) -> dict[int, list[ARecord]]:
    """A batch of the partition 0."""
    return {0: [a_record(event, offset=offset) for offset, event in enumerate(events, first)]}


async def differences(
    mine: Remembering, parts: Sequence[Mapping[int, Sequence[ARecord]]], known: int
) -> list[str]:
    """What of all values as known after the first *known* of *parts* is not as the oracle on them has it."""
    at = NOW + known * SECOND
    oracle = oracle_of(mine.events(parts[:known]))
    everything = oracle_of(mine.events(parts))
    asks, expected = [], []
    for slug in oracle.slugs:
        for breakdown in ((), *oracle.breakdowns(slug)):
            for series in everything.series(slug, breakdown) if breakdown else [{}]:
                for window in oracle.windows(slug):
                    for instant in (NOW, NOW - timedelta(hours=5)):
                        asks.append(Ask(slug, window, tuple(sorted(series.items())), instant))
                        expected.append(oracle.value(slug, window, series, instant, now=at))
    found = await mine.known(asks, at=at)
    return [
        f"{ask}: {reading.value} of {reading.n}, the oracle has {value.value} of {value.n}"
        for ask, reading, value in zip(asks, found, expected, strict=True)
        if reading.n != value.n or not value.agrees_with(reading.value)
    ]


def test_every_prefix(database_url: str) -> None:
    """Whatever came later: as known after a flush, every value is that of what had been counted by then."""
    with law(database_url) as place:

        @settings(max_examples=20)
        @given(
            came=logs,
            partitions=st.integers(1, 3),
            sizes=st.lists(st.integers(1, 12), min_size=1, max_size=3),
            known=st.integers(0, 6),
        )
        def holds(came: list[CleanEvent], partitions: int, sizes: list[int], known: int) -> None:
            async def example() -> list[str]:
                mine = Remembering(place.counting)
                parts = batches(clean_log(came, partitions=partitions), sizes)
                await place.counting.take_over(range(partitions))
                for part in parts:
                    await mine.flush(part)
                return await differences(mine, parts, min(known, len(parts)))

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
async def test_as_of(database_url: str) -> None:
    """An answer says up to when everything that had arrived was counted: at most the time asked about."""
    millisecond = timedelta(milliseconds=1)
    async with counting(database_url) as one:
        mine = Remembering(one)
        await one.take_over([0])
        first = await mine.flush(of_one(an_event(1)))
        arrived = NOW + timedelta(milliseconds=1200)
        late = a_record(an_event(2), offset=1, timestamp=round(arrived.timestamp() * 1000))
        second = await mine.flush({0: [late]})
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
            sent = NOW + (number + 1) * SECOND
            event = an_event(number, ago=timedelta(minutes=5))
            await mine.flush({0: [a_record(event, offset=number, timestamp=round(sent.timestamp() * 1000))]})
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
        mine.log.begins = 1
        with pytest.raises(LogLostError):
            await mine.known([ORDERS], at=known)
