"""How complete values changed, worked out of the log, against the oracle on every prefix of it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import groupby

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.contracts.events import CleanEvent
from shared.domain.errors import LogLostError, ReplayTooLargeError
from shared.replay.changes import ChangeReason, Origin
from shared.replay.revisions import Revision
from shared.storage.readings import Ask
from tests.integration.counting_rig import counting, law, oracle_of
from tests.integration.replay_rig import DISORDER, Remembering, of_one
from tests.integration.test_counting_laws import batches
from tests.integration.test_known_readings import SECOND, a_retraction, retracting_logs
from tests.unit.compute.builders import NOW, an_event, clean_log

AT = NOW - timedelta(seconds=8)
"""Events of before it are late from the third flush on: the second one comes 10 s after it."""

TOTAL = Ask("orders", "5m", (), AT)
ASKS = (
    TOTAL,
    Ask("orders", "1h", (("shop", "Köln"),), AT),
    Ask("revenue", "24h", (), AT),
    Ask("lowest_price", "1h", (), AT),
    Ask("mean_price", "5m", (), AT),
    Ask("refund_share", "1h", (), AT),
)

Change = tuple[datetime, int, int]


def expected(mine: Remembering, ask: Ask) -> list[datetime]:
    """When the value of *ask* changed from one prefix of the log to the next, by brute force."""
    values = [
        oracle_of(mine.first(n)).value(ask.slug, ask.window, dict(ask.dimensions), ask.at, now=ask.at)
        for n in range(len(mine.came) + 1)
    ]
    return [
        NOW + n * SECOND
        for n in range(1, len(values))
        if NOW + n * SECOND >= AT + DISORDER and values[n].value != values[n - 1].value
    ]


def of_instants(found: Sequence[Revision]) -> list[tuple[datetime, Decimal | None, Decimal | None]]:
    """The changes by instant, without those that took each other back: a flush and an undoing share one."""
    whole = [
        (at, revisions[0].before.value, revisions[-1].after.value)
        for at, group in groupby(found, key=lambda one: one.changed_at)
        for revisions in [list(group)]
    ]
    return [(at, before, after) for at, before, after in whole if before != after]


def test_every_change(database_url: str) -> None:
    """Whatever came late, was copied or retracted: revisions are the changes between prefixes of the log."""
    with law(database_url) as place:

        @settings(max_examples=6)
        @given(
            came=retracting_logs,
            partitions=st.integers(1, 3),
            sizes=st.lists(st.integers(1, 6), min_size=1, max_size=3),
        )
        def holds(came: list[CleanEvent], partitions: int, sizes: list[int]) -> None:
            async def example() -> None:
                mine = Remembering(place.counting)
                await place.counting.take_over(range(partitions))
                for part in batches(clean_log(came, partitions=partitions), sizes):
                    await mine.flush(part)
                for ask in ASKS:
                    found = of_instants(await mine.revisions(ask))

                    assert [at for at, _, _ in found] == expected(mine, ask), ask
                    assert [after for *_, after in found[:-1]] == [before for _, before, _ in found[1:]]

            place.holds(example())

        holds()


@pytest.mark.asyncio
async def test_a_late_event_and_its_retraction(database_url: str) -> None:
    """A revision says what the value was, what it became, when, why, and where in the log that is."""
    late = an_event(3, ago=timedelta(seconds=40))
    async with counting(database_url) as one:
        mine = Remembering(one)
        await one.take_over([0])
        await mine.flush(of_one(an_event(1), an_event(2)))
        came = await mine.flush(of_one(late, an_event(4, ago=timedelta(hours=2)), first=2))
        went = await mine.flush(of_one(a_retraction(3), first=4))
        found = await mine.revisions(TOTAL)

    assert [(r.changed_at, r.reason, r.before.value, r.after.value, r.origins) for r in found] == [
        (came, ChangeReason.LATE_EVENT, Decimal(2), Decimal(3), (Origin(0, 2, 4),)),
        (went, ChangeReason.RETRACTION, Decimal(3), Decimal(2), (Origin(0, 2, 3),)),
    ]
    assert [(r.before.n, r.after.n) for r in found] == [(2, 3), (3, 2)]


@pytest.mark.asyncio
async def test_not_every_change_is_one(database_url: str) -> None:
    """What leaves a value as it was is none: an event of another time, a copy, one that is not the lowest."""
    async with counting(database_url) as one:
        mine = Remembering(one)
        await one.take_over([0])
        data = {"price": 5, "channel": "web"}
        await mine.flush(of_one(an_event(1, data=data)))
        more = [
            an_event(1, data=data),
            an_event(2, data=data | {"price": 7}),
            an_event(3, ago=timedelta(days=2)),
        ]
        await mine.flush(of_one(*more, first=1))
        found = await mine.revisions(Ask("lowest_price", "1h", (), AT))

    assert found == []


@pytest.mark.asyncio
async def test_counted_late_is_not_late(database_url: str) -> None:
    """An event that arrived in time makes none, however late it was counted: nothing was complete before."""
    async with counting(database_url) as one:
        mine = Remembering(one)
        await one.take_over([0])
        for number in range(4):
            await mine.flush(of_one(an_event(number), first=number), arrived=AT)

        assert await mine.revisions(TOTAL) == []


@pytest.mark.asyncio
async def test_bounded_and_lost(database_url: str) -> None:
    """Too many records, or such as are no longer there, are told as what they are."""
    async with counting(database_url) as one:
        mine = Remembering(one)
        await one.take_over([0])
        await mine.flush(of_one(an_event(1), an_event(2)))
        with pytest.raises(ReplayTooLargeError):
            await mine.revisions(TOTAL, most=1)
        mine.log.begins[0] = 1
        with pytest.raises(LogLostError):
            await mine.revisions(TOTAL)
