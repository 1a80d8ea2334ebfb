"""What was known, what changed and what is right, from a real log on Kafka beside a real Postgres."""

import contextlib
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta

import pytest
from prometheus_client import CollectorRegistry

from services.compute.metrics import CheckMetrics
from services.compute.selfcheck import SelfCheck, SelfCheckPolicy
from shared.contracts.events import CleanEvent
from shared.domain.expressions import Operand
from shared.messaging.admin import TopicSpec, ensure_topics
from shared.messaging.producer import Outgoing, open_producer
from shared.messaging.ranges import RangeReader, open_ranges
from shared.replay.explaining import Bounds, Inquiry, Page, explained, scene
from shared.replay.known_readings import readings_then, remembered
from shared.replay.revisions import revisions, story
from shared.storage.engine import reading
from shared.storage.readings import Ask
from tests.integration.counting_rig import Counting, counting
from tests.integration.replay_rig import DISORDER
from tests.unit.compute.builders import NOW, ARecord, a_record, an_event

pytestmark = pytest.mark.asyncio

ORDERS = Ask("orders", "1h", (), NOW - timedelta(seconds=20))


class Published:
    """Counting of what lies in a topic of one partition."""

    def __init__(self, kafka: str, topic: str, mine: Counting) -> None:
        self._kafka = kafka
        self._topic = topic
        self._mine = mine
        self._next = 0

    async def flush(self, events: Sequence[CleanEvent], *, seconds: int) -> None:
        """Send *events*, count them, and let both have happened so many seconds after `NOW`."""
        at = NOW + timedelta(seconds=seconds)
        records = self._records(events, round(at.timestamp() * 1000))
        async with open_producer(self._kafka, "tests") as producer:
            await producer.send_all(
                self._topic,
                [Outgoing(r.value, r.key, partition=0, timestamp_ms=r.timestamp) for r in records],
            )
        await self._mine.count({0: records})
        await self._mine.connection.execute(
            "UPDATE flushes SET flushed_at = $1 WHERE flushed_at > now() - interval '1 hour'", at
        )

    def _records(self, events: Sequence[CleanEvent], timestamp: int) -> list[ARecord]:
        first, self._next = self._next, self._next + len(events)
        return [a_record(event, offset=n, timestamp=timestamp) for n, event in enumerate(events, first)]


@contextlib.asynccontextmanager
async def published(kafka: str, topic: str, database_url: str) -> AsyncIterator[tuple[Counting, Published]]:
    """An empty topic and an empty database."""
    await ensure_topics(kafka, [TopicSpec(topic, 1)])
    async with counting(database_url) as mine:
        await mine.take_over([0])
        yield mine, Published(kafka, topic, mine)


async def known(mine: Counting, log: RangeReader, *, seconds: float) -> tuple[int, float, bool]:
    """The orders known so many seconds after `NOW`, as of how many, and whether all are."""
    at = NOW + timedelta(seconds=seconds)
    async with reading(mine.engine) as connection:
        then = await remembered(connection, mine.catalogue, [ORDERS], at=at, most=100_000)
    (found,) = await readings_then(log, then, disorder=DISORDER)
    return found.n, (found.as_of - NOW).total_seconds(), found.complete


async def test_known_then(kafka: str, unique: str, database_url: str) -> None:
    """A value as known earlier has the events counted by then, copies left out, and says as of when."""
    early = [an_event(number, ago=timedelta(minutes=5)) for number in range(3)]
    late = [an_event(number, ago=timedelta(minutes=6)) for number in range(2, 10)]
    async with published(kafka, unique, database_url) as (mine, log):
        await log.flush(early, seconds=-15)
        await log.flush([*late, early[0]], seconds=5)
        async with open_ranges(kafka, unique) as reader:
            found = [await known(mine, reader, seconds=at) for at in (-15, 4, 5, 60)]

    assert found == [(3, -15, False), (3, 4, True), (10, 5, True), (10, 60, True)]


async def test_what_changed(kafka: str, unique: str, database_url: str) -> None:
    """The revisions of a value are the late flushes that changed it."""
    async with published(kafka, unique, database_url) as (mine, log):
        await log.flush([an_event(number, ago=timedelta(minutes=5)) for number in range(3)], seconds=-15)
        await log.flush([an_event(0, ago=timedelta(minutes=5))], seconds=1)
        await log.flush([an_event(7, ago=timedelta(minutes=9))], seconds=2)
        async with reading(mine.engine) as connection:
            told = await story(connection, mine.catalogue, ORDERS, disorder=DISORDER, most=100)
        async with open_ranges(kafka, unique) as reader:
            found = await revisions(reader, told)

    assert [(r.before.n, r.after.n, (r.changed_at - NOW).seconds) for r in found] == [(3, 4, 2)]
    assert [(o.first_offset, o.until_offset) for o in found[0].origins] == [(4, 5)]


async def test_what_is_right(kafka: str, unique: str, database_url: str) -> None:
    """The self-check agrees with the log until somebody changes a pane."""
    async with published(kafka, unique, database_url) as (mine, log):
        await log.flush([an_event(number, ago=timedelta(minutes=5)) for number in range(50)], seconds=0)
        check = SelfCheck(
            mine.engine,
            lambda: open_ranges(kafka, unique),
            CheckMetrics.on(CollectorRegistry()),
            SelfCheckPolicy(interval_s=30, most_records=1000),
            now=lambda: NOW,
        )
        before = {await check.check() for _ in range(8)}
        await mine.connection.execute("UPDATE panes SET n = n + 1")
        after = {await check.check() for _ in range(12)}

    assert False not in before
    assert False in after


async def test_why(kafka: str, unique: str, database_url: str) -> None:
    """A value is explained by the events on the topic, with their places there, and copies told."""
    inquiry = Inquiry(ORDERS, Operand("orders"), NOW, is_past=False)
    events = [an_event(number, ago=timedelta(minutes=5)) for number in range(6)]
    async with published(kafka, unique, database_url) as (mine, log):
        await log.flush([*events, events[2]], seconds=-15)
        async with reading(mine.engine) as connection:
            bounds = Bounds(DISORDER, most_records=100)
            found = await scene(connection, mine.catalogue, inquiry, bounds, is_log_read=True)
        async with open_ranges(kafka, unique) as reader:
            told = await explained(reader, found, Page(4), disorder=DISORDER)

    assert told.sift is not None
    assert (told.reading.n, told.reconciles, told.copies) == (6, True, 1)
    assert [one.offset for one in told.sift.listed] == [5, 4, 3, 2]
