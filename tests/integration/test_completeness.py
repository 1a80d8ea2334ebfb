"""When a value is complete: nothing expected to come, and nothing that was never counted."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio

from shared.storage.completeness import Completeness, completeness
from shared.storage.engine import reading
from tests.integration.counting_rig import Counting, counting
from tests.unit.compute.builders import a_record, an_event

pytestmark = pytest.mark.asyncio

AT = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest_asyncio.fixture
async def one(database_url: str) -> AsyncIterator[Counting]:
    """Somebody who owns partition 0."""
    async with counting(database_url) as opened:
        await opened.take_over([0])
        yield opened


async def found(one: Counting) -> Completeness:
    """What is known to be counted of all measures."""
    async with reading(one.engine) as connection:
        return await completeness(connection, one.catalogue.measure_ids.values())


@pytest.mark.parametrize(
    ("since", "watermark", "covered"),
    [
        (None, AT + HOUR, True),
        (AT, AT + HOUR, True),
        (AT + timedelta(seconds=1), AT + HOUR, False),
        (None, AT + HOUR - timedelta(seconds=1), False),
        (None, None, False),
    ],
)
async def test_covers(since: datetime | None, watermark: datetime | None, *, covered: bool) -> None:
    """A window is covered when its measure was counted from its start on and the watermark is past it."""
    known = Completeness(AT, watermark, {1: since})

    assert known.covers([1], AT, AT + HOUR) is covered


async def test_a_measure_nobody_counts() -> None:
    """A measure that is not counted everywhere covers nothing."""
    assert not Completeness(AT, AT + HOUR, {}).covers([1], AT, AT + HOUR)


async def test_from_the_first_record_on(one: Counting) -> None:
    """A measure that was there before the first record has all of the log."""
    await one.count({0: [a_record(an_event(), offset=0)]})

    assert set((await found(one)).begun.values()) == {None}


async def test_a_later_measure(one: Counting) -> None:
    """A measure that came later is counted since then, and before its first flush not at all."""
    await one.count({0: [a_record(an_event(1), offset=0)]})
    await one.connection.execute("DELETE FROM activations")
    not_yet = await found(one)
    one.activated.clear()
    await one.count({0: [a_record(an_event(2), offset=1)]})
    since = (await found(one)).begun

    assert not_yet.begun == {}
    assert set(since) == set(one.catalogue.measure_ids.values())
    assert None not in since.values()
