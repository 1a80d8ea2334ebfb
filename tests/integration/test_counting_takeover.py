"""Taking partitions over on a real Postgres: where to go on, what is remembered, and when to refuse."""

from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
from prometheus_client import CollectorRegistry

from services.compute.catalogues import CatalogueWatch
from services.compute.metrics import Metrics
from services.compute.ownership import Ownership, OwnershipPolicy
from services.compute.postgres_store import PostgresStore
from services.compute.sessions import Surroundings
from services.compute.settings import ComputeSettings
from services.compute.touched import Touched
from services.compute.workers import Worker
from shared.contracts.topics import EVENTS
from shared.domain.errors import ForeignLogError, StoreUnavailableError
from shared.domain.seen import ids_from_bytes
from shared.messaging.consumer import open_consumer
from shared.messaging.producer import Producer
from shared.messaging.records import TopicPartition
from shared.runtime.progress import Progress
from shared.storage.engine import open_engine
from tests.integration.counting_rig import HORIZON, Counting, counting
from tests.unit.compute.builders import AConsumer, a_record, an_event

pytestmark = pytest.mark.asyncio

POLICY = OwnershipPolicy("me", "log", HORIZON, ids_limit=1000)
RECORDS = [a_record(an_event(n), offset=n) for n in range(5)]


def an_ownership(database_url: str, consumer: AConsumer, policy: OwnershipPolicy = POLICY) -> Ownership:
    """Somebody who owns nothing yet, reading by *consumer*."""
    return Ownership(PostgresStore(database_url), policy, lambda: 0, consumer=consumer)


def at(*partitions: int) -> set[TopicPartition]:
    """Partitions of the clean topic."""
    return {TopicPartition(EVENTS, partition) for partition in partitions}


async def count_five(database_url: str) -> None:
    """Let another process count five records of partition 0."""
    async with counting(database_url) as other:
        await other.take_over([0], owner="other")
        await other.count({0: RECORDS})


async def test_a_new_partition(database_url: str) -> None:
    """A partition that nobody has counted is counted from the oldest record it holds."""
    consumer = AConsumer(begins={0: 17}, ends={0: 40})
    mine = an_ownership(database_url, consumer)

    await mine.assigned(at(0))

    assert (mine.owned[0].next_offset, mine.owned[0].epoch, mine.generation) == (17, 1, 1)
    assert consumer.seeks == {0: 17}


async def test_from_another(database_url: str) -> None:
    """Counting goes on where Postgres stands, whatever Kafka has been told, and with the ids before it."""
    await count_five(database_url)
    consumer = AConsumer(begins={0: 0, 1: 0}, ends={0: 9, 1: 0})
    mine = an_ownership(database_url, consumer)

    await mine.assigned(at(0, 1))

    assert consumer.seeks == {0: 5, 1: 0}
    assert mine.owned[0].epoch == 2
    known = ids_from_bytes(b"".join(record.key or b"" for record in RECORDS))
    assert not mine.owned[0].memory.seen.fresh(known).any()
    assert mine.owned[1].memory.seen.fresh(known).all()


@pytest.mark.parametrize(
    ("begin", "end", "is_within"),
    [(0, 9, True), (5, 5, True), (0, 5, True), (0, 4, False), (6, 9, False), (0, 0, False)],
)
async def test_the_log_holds_the_position(
    database_url: str, begin: int, end: int, *, is_within: bool
) -> None:
    """A position outside of the log means that the log is another or has lost records: nothing is counted."""
    await count_five(database_url)
    mine = an_ownership(database_url, AConsumer(begins={0: begin}, ends={0: end}))

    if is_within:
        await mine.assigned(at(0))
    else:
        with pytest.raises(ForeignLogError, match=f"holds offsets {begin} to {end}, the position is 5"):
            await mine.assigned(at(0))

    assert (0 in mine.owned) is is_within


async def test_another_cluster(database_url: str) -> None:
    """A position taken in another cluster says nothing about this one."""
    await count_five(database_url)
    policy = replace(POLICY, log_id="elsewhere")
    mine = an_ownership(database_url, AConsumer(begins={0: 0}, ends={0: 9}), policy)

    with pytest.raises(ForeignLogError, match="belongs to another cluster than elsewhere"):
        await mine.assigned(at(0))


async def test_an_owner_that_counts_on_meanwhile(database_url: str) -> None:
    """What the owner before counts until its epoch is raised is no sign of another log."""
    await count_five(database_url)
    consumer = AConsumer(begins={0: 0}, ends={0: 4})
    consumer.while_asked_for_ends = lambda: consumer.ends.update({0: 5})
    mine = an_ownership(database_url, consumer)

    await mine.assigned(at(0))

    assert mine.owned[0].next_offset == 5


async def test_back_after_a_rebalance(database_url: str) -> None:
    """A partition that comes straight back is known by heart; one that another has counted is read again."""
    await count_five(database_url)
    mine = an_ownership(database_url, AConsumer(begins={0: 0}, ends={0: 9}))
    mine.idle.set()
    await mine.assigned(at(0))
    first = mine.owned[0]
    await mine.revoked(at(0))
    await mine.assigned(at(0))
    second = mine.owned[0]
    await mine.revoked(at(0))
    async with counting(database_url) as other:
        await other.take_over([0], owner="other")
    await mine.assigned(at(0))

    assert second.memory is first.memory
    assert mine.owned[0].memory is not first.memory
    assert [first.epoch, second.epoch, mine.owned[0].epoch] == [2, 3, 5]


async def test_no_database() -> None:
    """Without Postgres nothing is owned; the session ends and is tried again."""
    mine = an_ownership("postgresql://nobody@127.0.0.1:1/none", AConsumer(begins={0: 0}, ends={0: 0}))

    with pytest.raises(StoreUnavailableError):
        await mine.assigned(at(0))

    assert mine.owned == {}


async def test_ids_past_the_horizon(database_url: str) -> None:
    """Ids older than the horizon are not remembered any more; those of its older half still are."""
    await count_five(database_url)
    async with counting(database_url) as other:
        await _age(other, timedelta(hours=23))
        younger = await _remembered(database_url)
        await _age(other, timedelta(hours=2))
        older = await _remembered(database_url)

    assert (younger, older) == (5, 0)


async def _age(counting: Counting, by: timedelta) -> None:
    await counting.connection.execute("UPDATE flushes SET flushed_at = flushed_at - $1::interval", by)


async def _remembered(database_url: str) -> int:
    mine = an_ownership(database_url, AConsumer(begins={0: 0}, ends={0: 9}))
    await mine.assigned(at(0))
    return len(mine.owned[0].memory.seen)


@pytest.mark.parametrize(("partitions", "is_noted"), [(at(0), True), (at(), False)])
async def test_everything_is_refreshed(
    database_url: str, partitions: set[TopicPartition], *, is_noted: bool
) -> None:
    """With a partition comes the duty to refresh what its last owner may have left undone."""
    worker = a_worker(database_url)
    mine = an_ownership(database_url, AConsumer(begins={0: 0}, ends={0: 0}))

    await worker._assigned(mine, partitions)

    assert worker.around.touched.take_unseen() is is_noted


def a_worker(database_url: str) -> Worker:
    """A worker that does nothing yet."""
    settings = ComputeSettings.model_validate({"database_url": database_url})
    watch = CatalogueWatch(open_engine(database_url, application_name="tests"))
    metrics = Metrics.on(CollectorRegistry())
    progress = Progress(settings.compute_stuck_after_s, metrics.lag_records, metrics.progress_age_s)
    around = Surroundings(settings, watch, Producer("", client_id="tests"), metrics, Touched(), progress)
    join = partial(
        open_consumer, "", group_id="", topics=[EVENTS], client_id="tests", auto_offset_reset="none"
    )
    return Worker(POLICY, PostgresStore(database_url), join, around)
