"""Taking partitions over and letting them go: epoch, position, remembered ids, and where to read on."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

import numpy as np
import structlog

from services.compute.doors import Reader
from services.compute.stores import Claims, CountingStore
from shared.contracts.topics import EVENTS
from shared.domain.errors import ForeignLogError
from shared.domain.seen import Ids, Memory, Places, ids_from_bytes
from shared.messaging.records import TopicPartition
from shared.storage.flushes import SeenIn
from shared.storage.positions import Position

log = structlog.get_logger(__name__)

DRAIN_S = 4.0
"""How long a rebalance waits for the transaction in flight; the epoch makes giving up safe."""


@dataclass(slots=True)
class Owned:
    """A partition that this process counts.

    Attributes:
        next_offset: the first offset not handed to a flush yet.
        generation_from_us: when the newest generation of remembered ids began.
        activated: the revision of the catalogue whose measures it has noted.
        is_sound: whether *memory* holds the ids before *next_offset* and no others.
    """

    partition: int
    epoch: int
    next_offset: int
    memory: Memory
    generation_from_us: int
    activated: int | None = None
    is_sound: bool = True


@dataclass(frozen=True, slots=True)
class OwnershipPolicy:
    """How partitions are taken over.

    Attributes:
        owner: how operators recognise this process.
        log_id: the cluster's identity, kept beside every position.
        ids_limit: how many ids of a partition are remembered at most.
    """

    owner: str
    log_id: str
    horizon: timedelta
    ids_limit: int


@dataclass(slots=True)
class Ownership:
    """The partitions owned now; the callbacks of the consumer change them between batches.

    Attributes:
        generation: moves whenever partitions come or go: a batch read before is of no use after.
        idle: set while no flush is in flight.
        is_leaving: from the notice that partitions go until the next come: nothing new is begun.
        partitions: how many the clean topic has.
    """

    store: CountingStore
    policy: OwnershipPolicy
    now_us: Callable[[], int]
    owned: dict[int, Owned] = field(default_factory=dict)
    generation: int = 0
    idle: asyncio.Event = field(default_factory=asyncio.Event)
    consumer: Reader | None = None
    is_leaving: bool = False
    partitions: int = 0
    _parted: dict[int, Owned] = field(default_factory=dict)

    async def assigned(self, partitions: set[TopicPartition]) -> None:
        """Take *partitions* over and seek to where Postgres has counted up to.

        Raises:
            ForeignLogError: a position is not within the partition's log.
            StoreUnavailableError, BrokerUnavailableError: a door is closed.
        """
        if self.consumer is None:
            raise AssertionError("the consumer calls back before it was handed over")
        self.partitions = self.consumer.partition_count(EVENTS)
        begins = await self.consumer.begin_offsets()
        taken = await asyncio.gather(*(self._taken_over(at.partition, begins[at]) for at in partitions))
        # Asked last: until its epoch was raised, an owner before us may have counted on.
        ends = await self.consumer.end_offsets()
        for at, owned in zip(partitions, taken, strict=True):
            _check(owned, begin=begins[at], end=ends[at])
            self.consumer.seek(at.topic, at.partition, owned.next_offset)
            self.owned[at.partition] = owned
        self._parted.clear()
        self.is_leaving = False
        self.generation += 1
        log.info("partitions_taken_over", partitions=sorted(self.owned))

    async def revoked(self, partitions: set[TopicPartition]) -> None:
        """Let the flush in flight finish, for a while, and let go of *partitions*."""
        self.generation += 1
        self.is_leaving = True
        try:
            async with asyncio.timeout(DRAIN_S):
                await self.idle.wait()
        except TimeoutError:
            log.warning("flush_left_behind", partitions=sorted(at.partition for at in partitions))
        for at in partitions:
            owned = self.owned.pop(at.partition, None)
            if owned is not None and owned.is_sound:
                self._parted[at.partition] = owned

    async def _taken_over(self, partition: int, begin: int) -> Owned:
        async with self.store.claims() as claims:
            position = await self._position(claims, partition, begin)
            kept = self._kept(position)
            if kept is not None:
                return replace(kept, epoch=position.epoch, activated=None)
            limit = self.policy.ids_limit
            blobs = await claims.seen(partition, horizon=self.policy.horizon, most=limit)
            retracted = await claims.retracted(partition, most=limit)
        memory = await asyncio.to_thread(remembered, blobs, retracted, limit=limit)
        return Owned(partition, position.epoch, position.next_offset, memory, self.now_us())

    async def _position(self, claims: Claims, partition: int, begin: int) -> Position:
        policy = self.policy
        await claims.register(self.partitions, log_id=policy.log_id)
        return await claims.take_over(partition, owner=policy.owner, first_offset=begin, log_id=policy.log_id)

    def _kept(self, position: Position) -> Owned | None:
        """What was known of a partition that comes back and that nobody else has counted meanwhile."""
        parted = self._parted.get(position.partition)
        if parted is None or (parted.epoch + 1, parted.next_offset) != (position.epoch, position.next_offset):
            return None
        return parted


def _check(owned: Owned, *, begin: int, end: int) -> None:
    if not begin <= owned.next_offset <= end:
        raise ForeignLogError(
            f"{EVENTS} partition {owned.partition} holds offsets {begin} to {end}, the position is"
            f" {owned.next_offset}: the topic was recreated or has lost records that were not counted"
        )


def remembered(flushes: Sequence[SeenIn], retracted: bytes, *, limit: int) -> Memory:
    """What earlier flushes of a partition saw, oldest first, and the keys of its retractions."""
    memory = Memory.of(limit)
    memory.retracted.add(ids_from_bytes(retracted))
    for is_older in (True, False):
        chosen = [flush for flush in flushes if flush.is_older is is_older]
        memory.seen.add(*_placed(chosen))
        if is_older and chosen:
            memory.seen.begin_generation(keep=2)
    return memory


def _placed(flushes: Sequence[SeenIn]) -> tuple[Ids, Places]:
    """The ids of *flushes*, each with an offset between the beginning of its flush and its own."""
    ids = [ids_from_bytes(flush.ids) for flush in flushes]
    places = [flush.first_offset + np.arange(len(found)) for flush, found in zip(flushes, ids, strict=True)]
    if not ids:
        return ids_from_bytes(b""), np.empty(0, dtype=np.int64)
    return np.concatenate(ids), np.concatenate(places)


def renew_generation(owned: Owned, *, now_us: int, horizon: timedelta) -> None:
    """Begin a new generation of remembered ids every half horizon; three cover at least the whole of it."""
    if now_us - owned.generation_from_us >= horizon / timedelta(microseconds=1) / 2:
        owned.memory.seen.begin_generation(keep=2)
        owned.generation_from_us = now_us
