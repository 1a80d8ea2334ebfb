"""The delivery rule: nothing is committed before all of it is acknowledged, and everything arrives."""

import asyncio
from collections.abc import Callable

import pytest

from services.ingest import forwarding
from services.ingest.forwarding import Forwarder
from shared.contracts.topics import EVENTS
from tests.builders import ARecord
from tests.unit.ingest.fakes import A, B, FakeConsumer, FakeProducer, a_forwarder, records, until

pytestmark = pytest.mark.asyncio


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forwarding, "back_off_s", lambda _: 0.0)


async def forward(forwarder: Forwarder, condition: Callable[[], bool]) -> None:
    """Run *forwarder* until *condition* holds or it ends, then stop it in order."""
    stopping = asyncio.Event()
    running = asyncio.create_task(forwarder.run(stopping))
    await until(lambda: condition() or running.done())
    stopping.set()
    await running


async def test_everything_once() -> None:
    """With no fault every event arrives once, and the last offset is committed."""
    consumer, producer = FakeConsumer({A: records(25), B: records(7, prefix="b")}), FakeProducer()

    await forward(a_forwarder(consumer, producer), lambda: consumer.committed() == {A: 25, B: 7})

    assert len(producer.sent[EVENTS]) == len(producer.keys(EVENTS)) == 32


async def test_bad_ones_are_set_aside() -> None:
    """A record that cannot be used becomes a dead letter of its own; the others go on."""
    topic = [ARecord(b"no json", 0), *(ARecord(r.value, r.offset + 1) for r in records(3))]
    consumer, producer = FakeConsumer({A: topic}), FakeProducer()

    await forward(a_forwarder(consumer, producer), lambda: consumer.committed() == {A: 4})

    assert [letter.value for letter in producer.dead()] == [b"no json"]
    assert len(producer.keys(EVENTS)) == 3


async def test_nothing_committed_before_acknowledged() -> None:
    """While Kafka has not acknowledged a batch, no offset of it is committed."""
    consumer, producer = FakeConsumer({A: records(5)}), FakeProducer()
    producer.held = asyncio.Event()
    forwarder = a_forwarder(consumer, producer)
    stopping = asyncio.Event()
    running = asyncio.create_task(forwarder.run(stopping))
    for _ in range(50):
        await asyncio.sleep(0)
    before = list(consumer.commits)

    producer.held.set()
    stopping.set()
    await running

    assert (before, consumer.commits) == ([], [{A: 5}])


@pytest.mark.parametrize("failures", [1, 2, 5])
async def test_failure_in_the_middle(failures: int) -> None:
    """When half of a batch arrives and then a send fails, the batch is sent again from its beginning."""
    consumer, producer = FakeConsumer({A: records(40), B: records(15, prefix="b")}), FakeProducer()
    producer.failures = failures

    await forward(a_forwarder(consumer, producer), lambda: consumer.committed() == {A: 40, B: 15})

    assert len(producer.keys(EVENTS)) == 55


async def test_failure_commits_nothing() -> None:
    """A batch that failed is not committed, and neither is the one behind it."""
    consumer, producer = FakeConsumer({A: records(40)}), FakeProducer()
    producer.failures = 10**6

    await forward(a_forwarder(consumer, producer), lambda: producer.failures < 10**6 - 5)

    assert consumer.commits == []


async def test_offsets_only_grow() -> None:
    """Commits come in the order of the batches, failures or not."""
    consumer, producer = FakeConsumer({A: records(60)}), FakeProducer()
    producer.failures = 2

    await forward(a_forwarder(consumer, producer), lambda: consumer.committed() == {A: 60})

    offsets = [commit[A] for commit in consumer.commits]
    assert offsets == sorted(set(offsets))


async def test_revoked_during_a_batch() -> None:
    """What was read of partitions that are taken away meanwhile is not committed; they are let go in time."""
    consumer, producer = FakeConsumer({A: records(30), B: records(30, prefix="b")}), FakeProducer()
    producer.held = asyncio.Event()
    forwarder = a_forwarder(consumer, producer)
    stopping = asyncio.Event()
    running = asyncio.create_task(forwarder.run(stopping))
    for _ in range(50):
        await asyncio.sleep(0)
    revoking = asyncio.create_task(forwarder.revoked({A, B}))
    await asyncio.sleep(0)
    # The group gives B to another member; A stays and is read again from what was committed.
    producer.held.set()
    await revoking
    committed_by_then = consumer.committed()
    consumer.owned = {A}
    consumer.position[A] = committed_by_then[A]
    await until(lambda: consumer.committed().get(A) == 30)
    stopping.set()
    await running

    assert consumer.committed()[B] == committed_by_then[B] == 10
    assert len({record.key for record in producer.sent[EVENTS]}) >= 40


async def test_refused_commit() -> None:
    """A commit that the group refuses is no failure: all of it has arrived, and others may send copies."""
    consumer, producer = FakeConsumer({A: records(10)}), FakeProducer()
    consumer.refuse_commits = True

    await forward(a_forwarder(consumer, producer), lambda: len(producer.keys(EVENTS)) == 10)

    assert consumer.commits == []


async def test_lag_counts_what_is_not_committed() -> None:
    """Records that are read and on their way still wait, as far as the lag is concerned."""
    consumer, producer = FakeConsumer({A: records(25)}), FakeProducer()
    producer.held = asyncio.Event()
    forwarder = a_forwarder(consumer, producer)
    stopping = asyncio.Event()
    running = asyncio.create_task(forwarder.run(stopping))
    for _ in range(50):
        await asyncio.sleep(0)
    held = await forwarder.lag()
    producer.held.set()
    await until(lambda: consumer.committed() == {A: 25})
    stopping.set()
    await running

    assert (held, await forwarder.lag()) == (25, 0)


async def test_a_fault_of_ours_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """An error that nobody expected comes out and ends the process, and nothing is committed."""
    consumer, producer = FakeConsumer({A: records(10)}), FakeProducer()

    async def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(producer, "send_all", broken)

    with pytest.raises(ZeroDivisionError):
        await forward(a_forwarder(consumer, producer), lambda: False)
    assert consumer.commits == []
