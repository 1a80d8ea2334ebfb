"""One membership of the group: read, judge, send, and only then commit, always one batch ahead."""

import asyncio
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import structlog

from services.ingest.judging import Rules, Verdicts, judge
from services.ingest.metrics import Metrics
from services.ingest.observing import Observer
from services.ingest.schemas import Schemas
from shared.contracts.mappings import JsonMapping
from shared.contracts.topics import DEAD_LETTERS, EVENTS
from shared.domain.errors import BrokerUnavailableError, FencedError
from shared.messaging.consumer import Consumer
from shared.messaging.producer import Producer
from shared.messaging.records import Batch, Record, TopicPartition
from shared.runtime.clock import epoch_us, monotonic_s
from shared.runtime.lifecycle import pause
from shared.runtime.progress import Progress

log = structlog.get_logger(__name__)

IDLE_S = 0.5
"""How long an empty batch waits for its first record; stopping waits no longer either."""

SLICE_RECORDS = 500
"""Records judged in one go: about 4 ms, after which heartbeats and HTTP requests get their turn."""

LET_GO_S = 4.0
"""How long revoked partitions wait for the batch in flight; the others wait for us meanwhile."""

LONGEST_BACK_OFF_S = 5.0
"""A broker that returns is noticed within this time."""


@dataclass(frozen=True, slots=True)
class Outlets:
    """What every membership uses: where batches go, and how they are judged and counted."""

    producer: Producer
    mappings: Mapping[str, JsonMapping]
    metrics: Metrics
    progress: Progress
    batch_records: int
    observer: Observer = field(default_factory=Observer)
    schemas: Schemas = field(default_factory=Schemas)


@dataclass(frozen=True, slots=True)
class _Sending:
    """A batch on its way."""

    batch: Batch
    task: asyncio.Task[None]


@dataclass(slots=True)
class Forwarder:
    """One membership of the group; thrown away when the consumer fails, kept when only a send does."""

    outlets: Outlets
    consumer: Consumer = field(init=False)
    has_joined: bool = False
    _epoch: int = 0
    _judging: Batch = field(default_factory=dict)
    _sending: _Sending | None = None
    _failures: int = 0

    async def assigned(self, partitions: set[TopicPartition]) -> None:
        """Reading begins at the committed offsets."""
        self.has_joined = True
        log.info("partitions_assigned", partitions=sorted(partitions))

    async def revoked(self, partitions: set[TopicPartition]) -> None:
        """Let the batch in flight end, so that the next owner need not send it again; drop the one behind."""
        self._epoch += 1
        if self._sending is not None:
            await asyncio.wait({self._sending.task}, timeout=LET_GO_S)
        log.info("partitions_revoked", partitions=sorted(partitions))

    async def run(self, stopping: asyncio.Event) -> None:
        """Forward batch after batch until *stopping* is set."""
        try:
            while not stopping.is_set():
                batch = await self.consumer.batch(IDLE_S, self.outlets.batch_records)
                await self._step(batch, stopping)
            await self._arrived(stopping)
        finally:
            await self._let_go()

    async def lag(self) -> int:
        """Records of the assigned partitions that are not committed yet.

        Raises:
            TryAgainError: Kafka does not say.
        """
        ends, positions = await self.consumer.end_offsets(), await self.consumer.positions()
        positions |= self._starts()
        return sum(max(0, end - positions.get(at, end)) for at, end in ends.items())

    async def _step(self, batch: Batch, stopping: asyncio.Event) -> None:
        """Judge *batch* while the former is being sent, then let it follow."""
        began_s, epoch = monotonic_s(), self._epoch
        self._judging = batch
        verdicts = await self._judged(batch)
        arrived = await self._arrived(stopping)
        self._judging = {}
        # What was read before partitions were taken away is read again by whoever has them now.
        if batch and arrived and epoch == self._epoch:
            task = asyncio.create_task(self._forward(batch, verdicts, began_s), name="forward")
            self._sending = _Sending(batch, task)

    async def _judged(self, batch: Batch) -> Verdicts:
        verdicts = Verdicts()
        if batch:
            partitions = await self.outlets.producer.partitions(EVENTS)
            rules = Rules(self.outlets.mappings, partitions, epoch_us(), self.outlets.schemas.rules)
            for at, records in _slices(batch):
                verdicts.add(judge(at, records, rules, self.outlets.observer))
                await asyncio.sleep(0)
        return verdicts

    async def _forward(self, batch: Batch, verdicts: Verdicts, began_s: float) -> None:
        """Send the outcome of *batch*; when Kafka has acknowledged all of it, commit."""
        producer, metrics = self.outlets.producer, self.outlets.metrics
        await producer.send_all(EVENTS, verdicts.clean)
        await producer.send_all(DEAD_LETTERS, verdicts.dead)
        await self.consumer.commit({at: records[-1].offset + 1 for at, records in batch.items()})
        self.outlets.progress.moved(monotonic_s())
        self.outlets.observer.count(verdicts.sight)
        metrics.events.labels("accepted").inc(len(verdicts.clean))
        metrics.events.labels("dead_lettered").inc(len(verdicts.dead))
        metrics.schema_flagged.labels("kafka").inc(verdicts.sight.flagged.total())
        for reason, count in verdicts.reasons.items():
            metrics.dead_letters.labels(reason.value).inc(count)
        metrics.batch_s.observe(monotonic_s() - began_s)
        _tell(verdicts, took_s=monotonic_s() - began_s)

    async def _arrived(self, stopping: asyncio.Event) -> bool:
        """Wait for the batch in flight; when it failed, go back to where it began, and say so."""
        if self._sending is None:
            return True
        epoch = self._epoch
        try:
            await self._sending.task
        except FencedError:
            # All of it was acknowledged; whoever reads it again sends copies, which compute drops.
            log.info("commit_refused", reason="the group has moved on")
        except BrokerUnavailableError as error:
            self._failures += 1
            log.warning("batch_failed", reason=str(error), failures=self._failures)
            if epoch == self._epoch:
                self._go_back()
            self._sending = None
            await pause(stopping, back_off_s(self._failures))
            return False
        self._sending = None
        self._failures = 0
        return True

    def _go_back(self) -> None:
        assigned = self.consumer.assignment()
        for at, offset in self._starts().items():
            if at in assigned:
                self.consumer.seek(at.topic, at.partition, offset)

    def _starts(self) -> dict[TopicPartition, int]:
        """Where what is read and not known to be committed begins."""
        starts: dict[TopicPartition, int] = {}
        for batch in (self._sending.batch if self._sending else {}, self._judging):
            for at, records in batch.items():
                starts[at] = min(records[0].offset, starts.get(at, records[0].offset))
        return starts

    async def _let_go(self) -> None:
        """End the batch in flight; nothing of it counts as done unless it was committed."""
        if self._sending is not None:
            self._sending.task.cancel()
            await asyncio.gather(self._sending.task, return_exceptions=True)
            self._sending = None


def back_off_s(failures: int) -> float:
    """How long to wait after so many failures in a row, spread so that processes do not come all at once."""
    longest: float = min(LONGEST_BACK_OFF_S, 0.1 * 2 ** min(failures, 10))
    return longest * (500 + secrets.randbelow(500)) / 1000


def _slices(batch: Batch) -> Iterator[tuple[TopicPartition, Sequence[Record]]]:
    for at, records in batch.items():
        for start in range(0, len(records), SLICE_RECORDS):
            yield at, records[start : start + SLICE_RECORDS]


def _tell(verdicts: Verdicts, *, took_s: float) -> None:
    log.info(
        "batch_forwarded",
        accepted=len(verdicts.clean),
        dead_lettered=len(verdicts.dead),
        took_s=round(took_s, 4),
    )
