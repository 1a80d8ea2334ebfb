"""One membership of the group and the connection it writes by: count, write, one batch ahead of the flush."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import structlog

from services.compute.batches import CountedBatch, count_batch
from services.compute.catalogues import CatalogueWatch
from services.compute.collecting import Collector, is_history
from services.compute.doors import Reader
from services.compute.flushing import Standing, Work, move_of, write
from services.compute.metrics import Metrics
from services.compute.ownership import Owned, Ownership, renew_generation
from services.compute.parking import park
from services.compute.rhythm import Rhythm
from services.compute.settings import ComputeSettings
from services.compute.stores import CountingSession
from services.compute.touched import Touched
from shared.contracts.topics import EVENTS
from shared.counting.programmes import Programme
from shared.domain.errors import TryAgainError
from shared.messaging.producer import Producer
from shared.messaging.records import Record, TopicPartition
from shared.runtime.clock import epoch_us, monotonic_s
from shared.runtime.progress import Progress

log = structlog.get_logger(__name__)

HEARTBEAT_S = 1.0
"""How often quiet partitions are noted as counted up to now."""

COMMIT_S = 5.0
"""How often Kafka is told the positions, for lag tools only."""

NO_RECORDS = CountedBatch((), (), (), 0)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What every session of a process counts by, and whom it tells."""

    settings: ComputeSettings
    catalogue: CatalogueWatch
    producer: Producer
    metrics: Metrics
    touched: Touched
    progress: Progress


@dataclass(slots=True)
class Session:
    """One membership of the group with the connection it writes by; thrown away on the first failure."""

    around: Surroundings
    ownership: Ownership
    consumer: Reader
    writer: CountingSession
    _rhythm: Rhythm = field(default_factory=Rhythm)
    _in_flight: asyncio.Task[None] | None = None
    _heartbeat_s: float = 0.0
    _told_ends: Mapping[TopicPartition, int] = field(default_factory=dict)
    _commit_s: float = field(default_factory=monotonic_s)

    async def run(self, stopping: asyncio.Event) -> None:
        """Count until *stopping* is set; what was read by then is still written.

        Raises:
            TryAgainError: a door was closed or a partition lost; begin another session.
            StopError: going on could make numbers wrong.
        """
        settings = self.around.settings
        collector = Collector(
            self.consumer,
            self.ownership,
            settings.compute_flush_interval_s,
            settings.compute_flush_max_events,
            self._rhythm,
        )
        try:
            while not stopping.is_set():
                records = await collector.next_batch(stopping)
                await self._step(records)
                collector.is_catching_up = self.around.progress.is_catching_up
        finally:
            # The transaction in flight ends before the connection is closed under it.
            await self._landed()

    async def _step(self, records: Mapping[int, Sequence[Record]]) -> None:
        """Count *records* while the former batch is being written, then let this one follow it."""
        generation = self.ownership.generation
        ends, asked_us = await self._ends()
        # After a rebalance the records are read again; their ids must not be remembered by who is owner then.
        if generation != self.ownership.generation:
            return
        records = {p: found for p, found in records.items() if p in self.ownership.owned}
        work = await self._prepared(records, ends, asked_us)
        await self._landed()
        self._observe()
        if generation != self.ownership.generation or self.ownership.is_leaving or work is None:
            return
        self._advance(work)
        self.ownership.idle.clear()
        # Here rather than where it is written: the next batch is gathered before that task has begun.
        self._rhythm.flush_began(monotonic_s())
        self._in_flight = asyncio.create_task(self._flush(work), name="flush")

    async def _prepared(
        self, records: Mapping[int, Sequence[Record]], ends: Mapping[TopicPartition, int], asked_us: int
    ) -> Work | None:
        owned = dict(self.ownership.owned)
        programme = self.around.catalogue.programme
        batch = await self._counted(records, owned, programme) if records else NO_RECORDS
        self.around.progress.is_catching_up = is_history(
            batch.tallies, full=self.around.settings.compute_flush_max_events, now_us=asked_us
        )
        tallies = {tally.partition: tally for tally in batch.tallies}
        moves = []
        for partition, mine in owned.items():
            tally = tallies.get(partition)
            to_offset = tally.to_offset if tally else mine.next_offset
            at_end = ends.get(TopicPartition(EVENTS, partition)) == to_offset
            move = move_of(
                Standing(partition, mine.epoch, mine.next_offset),
                tally,
                caught_up_at_us=asked_us if at_end else None,
                disorder=timedelta(seconds=self.around.settings.compute_disorder_s),
                revision=programme.revision,
            )
            moves += [move] if move else []
        # A quiet partition, too, says from where on it counts new measures: else no backfill could end.
        moving = (move.partition for move in moves)
        new = {p: owned[p].next_offset for p in moving if owned[p].activated != programme.revision}
        return Work(batch, moves, programme, new) if moves else None

    async def _counted(
        self, records: Mapping[int, Sequence[Record]], owned: Mapping[int, Owned], programme: Programme
    ) -> CountedBatch:
        now_us, horizon = epoch_us(), self.around.settings.dedupe_horizon
        for partition in records:
            renew_generation(owned[partition], now_us=now_us, horizon=horizon)
            # Until the batch is on its way, more ids are remembered than the position says.
            owned[partition].is_sound = False
        memories = {partition: owned[partition].memory for partition in records}
        started_s = monotonic_s()
        batch = await asyncio.to_thread(count_batch, records, programme, memories, now_us=now_us)
        self._rhythm.counted(monotonic_s() - started_s)
        return batch

    async def _ends(self) -> tuple[Mapping[TopicPartition, int], int]:
        """The ends of the partitions and an instant before they were asked for; once a second."""
        asked_us = epoch_us()
        if monotonic_s() < self._heartbeat_s or not self.ownership.owned:
            return {}, asked_us
        self._heartbeat_s = monotonic_s() + HEARTBEAT_S
        self._told_ends = await self.consumer.end_offsets()
        return self._told_ends, asked_us

    def _advance(self, work: Work) -> None:
        for partition in work.activate_from:
            self.ownership.owned[partition].activated = work.programme.revision
        for tally in work.batch.tallies:
            owned = self.ownership.owned[tally.partition]
            owned.next_offset, owned.is_sound = tally.to_offset, True

    async def _flush(self, work: Work) -> None:
        started_s = monotonic_s()
        try:
            await park(self.around.producer, work.batch.refused)
            rows = await write(self.writer, work)
        finally:
            self.ownership.idle.set()
        self._rhythm.flushed(ended_s := monotonic_s())
        self._account(work, rows, took_s=ended_s - started_s)

    def _account(self, work: Work, rows: int, *, took_s: float) -> None:
        metrics, tallies = self.around.metrics, work.batch.tallies
        metrics.record(tallies)
        metrics.expression_errors.inc(work.batch.failures)
        metrics.pane_rows.inc(rows)
        if not tallies:
            return
        self.around.progress.moved(monotonic_s())
        metrics.flush_s.observe(took_s)
        self.around.touched.add(self.writer.counted(work.batch.additions))
        log.debug("batch_committed", events=sum(t.consumed for t in tallies), rows=rows, took_s=took_s)

    async def _landed(self) -> None:
        """Wait for the transaction in flight; raise what it raised."""
        task, self._in_flight = self._in_flight, None
        if task is not None:
            await task
            await self._tell_kafka()

    async def _tell_kafka(self) -> None:
        if monotonic_s() - self._commit_s < COMMIT_S:
            return
        self._commit_s = monotonic_s()
        offsets = {TopicPartition(EVENTS, p): owned.next_offset for p, owned in self.ownership.owned.items()}
        try:
            # The client refuses to commit nothing, which is what is owned in the middle of a rebalance.
            if offsets:
                await self.consumer.commit(offsets)
        except TryAgainError as error:
            log.info("offsets_not_told", reason=str(error))

    def _ends_known(self) -> Mapping[TopicPartition, int]:
        """The furthest end that Kafka was heard to have: a client that fetches no more hears of none."""
        heard = self.consumer.known_ends()
        return {at: max(end, heard.get(at, end)) for at, end in (dict(heard) | dict(self._told_ends)).items()}

    def _observe(self) -> None:
        """Lag and memory as gauges; a lag that does not shrink for too long ends the process."""
        owned = self.ownership.owned
        lag = sum(
            max(end - owned[at.partition].next_offset, 0)
            for at, end in self._ends_known().items()
            if at.partition in owned
        )
        self.around.metrics.owned_partitions.set(len(owned))
        self.around.metrics.remembered_ids.set(sum(len(one.memory) for one in owned.values()))
        self.around.progress.observe(lag, monotonic_s())
