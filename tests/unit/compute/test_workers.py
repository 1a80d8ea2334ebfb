"""One step of the worker after the other, with the transaction played by a list."""

import asyncio
import math
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import cast

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy.ext.asyncio import AsyncEngine

from services.compute import sessions
from services.compute.catalogues import CatalogueWatch
from services.compute.flushing import Work
from services.compute.metrics import Metrics
from services.compute.ownership import Owned, Ownership, OwnershipPolicy
from services.compute.sessions import Session, Surroundings
from services.compute.settings import ComputeSettings
from services.compute.stores import CountingSession, CountingStore
from services.compute.touched import Touched
from shared.counting.programmes import Programme
from shared.domain.errors import FencedError
from shared.domain.seen import Memory
from shared.messaging.producer import Outgoing, Producer
from shared.runtime.progress import Progress, StuckError
from tests.unit.compute.builders import AConsumer, ARecord, a_record, an_event
from tests.unit.domain.kpi_builders import a_catalogue, a_kpi

pytestmark = pytest.mark.asyncio


class Ears:
    """A producer that remembers what it was given."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, Sequence[Outgoing]]] = []

    async def send_all(self, topic: str, records: Sequence[Outgoing]) -> None:
        """Take *records*."""
        self.sent.append((topic, records))


class Numbers:
    """A connection that knows which series were counted: none."""

    def counted(self, _: object) -> dict[int, set[str]]:
        """Nothing."""
        return {}


class Desk:
    """A worker's session on a consumer and a list of what it has written."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.written: list[Work] = []
        self.failure: Exception | None = None
        self.consumer, self.ears = AConsumer(), Ears()
        policy = OwnershipPolicy("me", "log", timedelta(hours=1), 1000)
        self.ownership = Ownership(cast("CountingStore", None), policy, lambda: 0)
        self.ownership.idle.set()
        self.own(0)
        self.session = self._session()
        monkeypatch.setattr(sessions, "write", self._write)

    def own(self, partition: int, *, next_offset: int = 0) -> Owned:
        """Take *partition* over, as after an assignment."""
        owned = Owned(partition, 1, next_offset, Memory.of(1000), 0)
        self.ownership.owned[partition] = owned
        self.ownership.generation += 1
        return owned

    def lose(self, partition: int) -> None:
        """Let go of *partition*, as at a revocation."""
        self.ownership.owned.pop(partition)
        self.ownership.generation += 1

    async def step(self, records: Mapping[int, Sequence[ARecord]]) -> None:
        """Let the session take *records*, and wait until they are written."""
        await self.session._step(records)
        await self.session._landed()

    def _session(self) -> Session:
        metrics = Metrics.on(CollectorRegistry())
        watch = CatalogueWatch(cast("AsyncEngine", None))
        watch.programme = Programme.of(a_catalogue(a_kpi()))
        around = Surroundings(
            ComputeSettings.model_validate({"database_url": "postgresql://nowhere/none"}), watch,
            cast("Producer", self.ears), metrics, Touched(),
            Progress(60.0, metrics.lag_records, metrics.progress_age_s),
        )  # fmt: skip
        return Session(around, self.ownership, self.consumer, cast("CountingSession", Numbers()))

    async def _write(self, _: object, work: Work) -> int:
        if self.failure is not None:
            raise self.failure
        self.written.append(work)
        return 1


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A session that owns partition 0 from offset 0 on."""
    return Desk(monkeypatch)


async def test_a_step(desk: Desk) -> None:
    """Records are counted from where the partition stood, and the next ones from where they ended."""
    await desk.step({0: [a_record(an_event(1), offset=0), a_record(an_event(2), offset=1)]})
    await desk.step({0: [a_record(an_event(2), offset=2)]})

    moves = [work.moves[0] for work in desk.written]
    assert [(m.from_offset, m.to_offset, m.applied, m.duplicate) for m in moves] == [
        (0, 2, 2, 0),
        (2, 3, 0, 1),
    ]


async def test_counting_goes_on_during_a_flush(desk: Desk) -> None:
    """The next batch is counted while the former is on its way, and sent only after it."""
    await desk.session._step({0: [a_record(an_event(1), offset=0)]})
    before = list(desk.written)
    await desk.session._step({0: [a_record(an_event(2), offset=1)]})
    await desk.session._landed()

    assert before == []
    assert [work.moves[0].from_offset for work in desk.written] == [0, 1]


async def test_a_quiet_partition_is_noted(desk: Desk) -> None:
    """A partition counted to its end says up to when, although nothing came."""
    desk.consumer.ends[0] = 0

    await desk.step({})

    move = desk.written[0].moves[0]
    assert (move.from_offset, move.to_offset, move.consumed) == (0, 0, 0)
    assert move.watermark is not None


async def test_a_failed_flush_ends_the_session(desk: Desk) -> None:
    """What a flush raises comes out at the next step: nothing is built on an offset that is not written."""
    desk.failure = FencedError(frozenset({0}))
    await desk.session._step({0: [a_record(an_event(1), offset=0)]})

    with pytest.raises(FencedError):
        await desk.session._step({0: [a_record(an_event(2), offset=1)]})


async def test_lost_while_ends_are_asked_for(desk: Desk) -> None:
    """A partition that goes to another owner in the middle of a step is left out of it."""
    desk.consumer.while_asked_for_ends = lambda: desk.lose(0)

    await desk.step({0: [a_record(an_event(1), offset=0)]})

    assert desk.written == []


async def test_back_while_ends_are_asked_for(desk: Desk) -> None:
    """Events read before a rebalance leave no trace: read again after it, they are no duplicates."""
    records = {0: [a_record(an_event(1), offset=0)]}

    def rebalance() -> None:
        desk.lose(0)
        desk.own(0)

    desk.consumer.while_asked_for_ends = rebalance
    await desk.step(records)
    await desk.step(records)

    assert [(m.applied, m.duplicate) for work in desk.written for m in work.moves] == [(1, 0)]


async def test_dead_letters_come_first(desk: Desk) -> None:
    """A record that cannot be counted is parked before the position passes it, and counted as such."""
    await desk.step({0: [a_record(value=b"no event", offset=0)]})

    (topic, letters) = desk.ears.sent[0]
    assert topic == "tidemark.deadletter"
    assert dict(letters[0].headers)["tidemark-reason"] == b"not_clean"
    assert letters[0].value == b"no event"
    assert desk.written[0].moves[0].dead_lettered == 1


async def test_stopping_flushes(desk: Desk) -> None:
    """What was read when the process is told to stop is still written."""
    stopping = asyncio.Event()
    desk.consumer.batches = [{0: [a_record(an_event(1), offset=0)]}]
    desk.consumer.meanwhile[0] = stopping.set

    await desk.session.run(stopping)

    assert [work.moves[0].to_offset for work in desk.written] == [1]


async def test_nothing_is_told_of_nothing(desk: Desk) -> None:
    """When the group takes everything away during a flush, the next step tells Kafka no offsets at all."""
    await desk.session._step({0: [a_record(an_event(1), offset=0)]})
    desk.lose(0)
    desk.session._commit_s = -math.inf

    await desk.step({})

    assert desk.session._commit_s > 0


async def test_a_dead_fetcher_is_noticed(desk: Desk) -> None:
    """Lag is what Kafka says, not what the client has last fetched: standing still ends the process."""
    desk.consumer.ends[0] = 1000
    desk.session.around.progress.stuck_after_s = -1.0

    with pytest.raises(StuckError, match="1000 records wait"):
        await desk.step({})


async def test_nothing_is_begun_while_partitions_leave(desk: Desk) -> None:
    """From the notice that partitions go, no flush begins: it would only be fenced."""
    desk.consumer.ends[0] = 0
    desk.ownership.is_leaving = True

    await desk.step({})

    assert desk.written == []


async def test_what_is_dropped_is_not_trusted(desk: Desk) -> None:
    """Ids of a batch that never went on its way are not kept for the next time the partition comes."""
    owned = desk.ownership.owned[0]
    await desk.step({0: [a_record(an_event(1), offset=0)]})
    after_a_flush = owned.is_sound
    desk.ownership.is_leaving = True
    await desk.step({0: [a_record(an_event(2), offset=1)]})

    assert (after_a_flush, owned.is_sound) == (True, False)
