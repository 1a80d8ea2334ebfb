"""Current values on a real Kafka: whatever happens to publishers, the last record of a key is its value."""

import asyncio
import contextlib
import random
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal

import pytest
from prometheus_client import CollectorRegistry

from services.api.publishing.jobs import topic_of_values
from services.api.publishing.metrics import PublishingMetrics
from services.api.publishing.publisher import Publisher, Sender
from services.api.settings import ApiSettings
from shared.contracts.values import REVISION_HEADER, decode_value, parsed_key
from shared.domain.errors import BrokerUnavailableError
from shared.domain.targets import Status
from shared.messaging.admin import ensure_topics
from shared.messaging.producer import Outgoing, open_producer
from shared.messaging.reader import read_topic
from shared.storage.engine import transaction
from tests.integration.api_rig import Api, serving_api
from tests.integration.value_writers import PUT, stored_rows, write_side_by_side

pytestmark = pytest.mark.asyncio

SHORT = timedelta(seconds=0.6)
"""A turn that another takes over soon after its holder has died."""


@dataclass(slots=True)
class Told:
    """What the topic holds.

    Attributes:
        last: value and revision by carrier; no entry where the last record says that the series is gone.
        revisions: of all records of a carrier, in their order.
    """

    last: dict[str, tuple[int, int]] = field(default_factory=dict)
    revisions: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))


async def told(kafka: str, topic: str) -> Told:
    """What *topic* holds, as somebody reads it who begins at the beginning."""
    found = Told()
    async for batch in read_topic(kafka, topic):
        for records in batch.values():
            for record in records:
                carrier = str(parsed_key(record.key or b"")[2]["carrier"])
                found.revisions[carrier].append(int(dict(record.headers)[REVISION_HEADER] or b""))
                if record.value is None:
                    found.last.pop(carrier, None)
                else:
                    value = decode_value(record.value)
                    found.last[carrier] = int(value.value or 0), value.revision
    return found


def a_publisher(api: Api, producer: Sender, topic: str, name: str) -> Publisher:
    """A publisher on *api*'s database."""
    return Publisher(
        api.engine,
        readings=api.state.readings,
        catalogue=api.state.catalogue,
        producer=producer,
        topic=topic,
        holder=name,
        metrics=PublishingMetrics.on(CollectorRegistry()),
        lasting=SHORT,
    )


@dataclass(slots=True)
class Unlucky:
    """A producer that does *before* each sending, and gives up after a part of some."""

    producer: Sender
    lot: random.Random
    risk: float = 0.3
    before: Callable[[], Awaitable[None]] | None = None

    async def send_all(self, topic: str, records: Sequence[Outgoing]) -> None:
        """Send all or the first of *records*."""
        if self.before is not None:
            await self.before()
        fails = self.lot.random() < self.risk
        most = self.lot.randint(0, len(records)) if fails else len(records)
        await self.producer.send_all(topic, records[:most])
        if fails:
            raise BrokerUnavailableError("the connection broke")


async def _made(kafka: str, topic: str) -> None:
    settings = ApiSettings.model_validate({"kafka_bootstrap_servers": kafka})
    await ensure_topics(kafka, [topic_of_values(settings, topic)])


async def _publish(publisher: Publisher, *, stopping: asyncio.Event) -> None:
    while not stopping.is_set():
        await publisher.attempt()
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("seed", [1, 2])
async def test_killed_publishers(database_url: str, kafka: str, unique: str, seed: int) -> None:
    """Publishers die in the middle of whatever they do, sendings break: in the end the table is told."""
    lot = random.Random(seed)  # noqa: S311 - a test's dice
    await _made(kafka, unique)
    async with serving_api(database_url) as api, open_producer(kafka, "tests") as producer:
        writing = asyncio.create_task(write_side_by_side(api.engine, seed), name="writing")
        number = 0
        while not writing.done():
            number += 1
            publisher = a_publisher(api, Unlucky(producer, lot), unique, f"publisher {number}")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(lot.random() * 0.4):
                    await _publish(publisher, stopping=asyncio.Event())
        await writing
        last = a_publisher(api, producer, unique, "the last")
        turns = [await last.round()]
        await asyncio.sleep(SHORT.total_seconds())
        turns.append(await last.round())
        found, expected = await told(kafka, unique), await stored_rows(api.engine)

    assert turns[-1]
    assert number > 1
    assert found.last == expected
    assert all(revisions == sorted(revisions) for revisions in found.revisions.values())


async def test_overtaken(database_url: str, kafka: str, unique: str) -> None:
    """A publisher that froze and writes old values after its turn has them put right when it wakes."""
    await _made(kafka, unique)
    frozen, woken = asyncio.Event(), asyncio.Event()

    async def freeze() -> None:
        frozen.set()
        await woken.wait()

    async with serving_api(database_url) as api, open_producer(kafka, "tests") as producer:
        lot = random.Random(1)  # noqa: S311 - a test's dice
        sleeper = a_publisher(api, Unlucky(producer, lot, risk=0, before=freeze), unique, "sleeper")
        other = a_publisher(api, producer, unique, "other")
        await _put(api, 1)
        sleeping = asyncio.create_task(sleeper.round(), name="sleeper")
        await frozen.wait()
        await asyncio.sleep(SHORT.total_seconds())
        await _put(api, 2)
        assert await other.round()
        woken.set()
        await sleeping
        wrong = (await told(kafka, unique)).last["C1"]
        assert not await sleeper.round()
        assert await other.round()
        right, expected = (await told(kafka, unique)).last, await stored_rows(api.engine)

    assert wrong[0] == 1
    assert right == expected


async def _put(api: Api, value: int) -> None:
    async with transaction(api.engine) as connection:
        await connection.execute(PUT, {"carrier": "C1", "value": value})


async def test_one_at_a_time(database_url: str, kafka: str, unique: str) -> None:
    """While one publishes the others rest; when it lets go another goes on, and tells no other state.

    What is told once more is what a transaction of anybody on the server holds back.
    """
    await _made(kafka, unique)
    async with serving_api(database_url) as api, open_producer(kafka, "tests") as producer:
        first, second = (a_publisher(api, producer, unique, name) for name in ("first", "second"))
        await _put(api, 3)
        turns = [await first.round(), await second.round(), await first.round()]
        stopping = asyncio.Event()
        stopping.set()
        await first.run(stopping, interval_s=1)
        turns.append(await second.round())
        found = await told(kafka, unique)

    assert turns == [True, False, True, True]
    assert {carrier: len(set(revisions)) for carrier, revisions in found.revisions.items()} == {"C1": 1}


async def test_record(database_url: str, kafka: str, unique: str) -> None:
    """A record says what the API says of the value: its target and status, too."""
    await _made(kafka, unique)
    async with serving_api(database_url) as api, open_producer(kafka, "tests") as producer:
        await _put(api, 1)
        await a_publisher(api, producer, unique, "one").round()
        batches = [batch async for batch in read_topic(kafka, unique)]
        async with api.client() as client:
            served = (await client.get("/v1/values?carrier=C1")).json()["items"][0]
    [[record]] = [records for batch in batches for records in batch.values() if records]
    found = decode_value(record.value or b"")

    assert record.key == b'departures|5m|{"carrier":"C1"}'
    assert (found.value, found.unit, found.version) == (Decimal(1), "flights", 1)
    assert found.target is not None
    assert (found.target.value, found.status) == (Decimal(2), Status.OFF_TRACK)
    assert (served["value"], served["target"]["value"], served["status"]) == (1, 2, found.status)


async def test_compacted(kafka: str, unique: str) -> None:
    """The topic is made to keep the last record of every key."""
    settings = ApiSettings.model_validate({"kafka_bootstrap_servers": kafka})
    spec = topic_of_values(settings, unique)

    assert await ensure_topics(kafka, [spec]) == {unique: 4}
    assert spec.config["cleanup.policy"] == "compact"
