"""A Kafka of one topic in memory: logs, and a group whose members come, go, fall silent and are replaced."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiokafka import TopicPartition as ClientPartition
from aiokafka.errors import NoOffsetForPartitionError

from services.compute.doors import Reader
from shared.contracts.topics import EVENTS
from shared.messaging.consumer import CALL_DEADLINE_S, Consumer, OnChange
from shared.messaging.failures import broker_call
from shared.messaging.records import TopicPartition
from tests.unit.compute.builders import ARecord

SESSION_S = 6.0
"""A member silent for so long is replaced."""

HEARTBEAT_S = 1.0

UNKNOWN: tuple[int, set[int]] = (-1, set())
"""What a member hears that the group has given up meanwhile: join again."""


@dataclass(slots=True)
class _Member:
    """A client as the group knows it."""

    heard_s: float
    generation: int = -1
    joining: asyncio.Future[tuple[int, set[int]]] | None = None


@dataclass(slots=True)
class Broker:
    """The clean topic and the group that reads it.

    Attributes:
        logs: the records of each partition.
        parked: (partition, offset) of the records that the dead letters tell of.
        generation: moves with every assignment.
        is_down: nobody is answered meanwhile.
    """

    loop: Any
    whims: random.Random
    logs: list[list[ARecord]]
    parked: set[tuple[int, int]] = field(default_factory=set)
    generation: int = 0
    is_down: bool = False
    _members: dict[int, _Member] = field(default_factory=dict)
    _is_rebalancing: bool = False
    _since_s: float = 0.0
    _numbers: int = 0

    def enter(self) -> int:
        """A new member's number."""
        self._numbers += 1
        self._members[self._numbers] = _Member(self.loop.time())
        self._rebalance()
        return self._numbers

    def leave(self, number: int) -> None:
        """Forget a member, whether it said so or fell silent."""
        gone = self._members.pop(number, None)
        if gone is None:
            return
        if gone.joining is not None and not gone.joining.done():
            gone.joining.set_result(UNKNOWN)
        self._rebalance()
        self._complete()

    def heard(self, number: int) -> bool:
        """Note a heartbeat; false when the member has to join again."""
        member = self._members.get(number)
        if member is None:
            return False
        member.heard_s = self.loop.time()
        return not self._is_rebalancing and member.generation == self.generation

    def joining(self, number: int) -> "asyncio.Future[tuple[int, set[int]]]":
        """The (generation, partitions) that the next assignment gives to a member."""
        member = self._members.setdefault(number, _Member(self.loop.time()))
        member.heard_s = self.loop.time()
        joining: asyncio.Future[tuple[int, set[int]]]
        joining = member.joining = self.loop.create_future()
        if member.generation in (-1, self.generation):
            self._rebalance()
        self._complete()
        return joining

    def shake(self) -> None:
        """Give everything out anew, for no reason that the members know."""
        self._rebalance()

    async def watch(self) -> None:
        """Replace members that have fallen silent; never returns."""
        while True:
            await asyncio.sleep(0.5)
            late_s = self.loop.time() - SESSION_S
            for number in [n for n, member in self._members.items() if member.heard_s < late_s]:
                self.leave(number)
            self._complete()

    def _rebalance(self) -> None:
        if not self._is_rebalancing:
            self._is_rebalancing, self._since_s = True, self.loop.time()

    def _complete(self) -> None:
        """Hand the partitions out once every member has joined."""
        members = self._members
        if not self._is_rebalancing or not members or any(m.joining is None for m in members.values()):
            return
        self._is_rebalancing = False
        self.generation += 1
        shares: dict[int, set[int]] = {number: set() for number in members}
        for partition in range(len(self.logs)):
            shares[self.whims.choice(list(members))].add(partition)
        for number, member in members.items():
            joining, member.joining, member.generation = member.joining, None, self.generation
            if joining is not None and not joining.done():
                joining.set_result((self.generation, shares[number]))


class Client:
    """One member, with the surface of the Kafka client that `Consumer` uses."""

    def __init__(self, broker: Broker, process: Any) -> None:
        self._broker, self._process = broker, process
        self._positions: dict[int, int | None] = {}
        self._ends: dict[int, int] = {}
        self._number = 0
        self._jobs: list[asyncio.Task[None]] = []

    async def start(self, consumer: Consumer) -> None:
        """Join the group; the partitions come through the callbacks of *consumer*."""
        await self._answer()
        self._number = self._broker.enter()
        create = asyncio.get_running_loop().create_task
        self._jobs = [create(self._coordinate(consumer)), create(self._beat())]
        # A coordinator that fails is a mistake of this file: it must not pass for a member that hangs.
        self._jobs[0].add_done_callback(lambda done: done.cancelled() or done.result())

    async def stop(self) -> None:
        """Leave the group, unless the process is dead: then nobody hears of it."""
        # Once may not be enough: a gather within whose child has just failed forgets that it was cancelled.
        while left := [job for job in self._jobs if not job.done()]:
            for job in left:
                job.cancel()
            await asyncio.wait(left, timeout=1.0)
        if not self._process.is_dead:
            self._broker.leave(self._number)

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT_S)
            if not self._process.is_dead and not self._broker.is_down:
                self._broker.heard(self._number)

    async def _coordinate(self, consumer: Consumer) -> None:
        """Join, hand the share over, wait for the next rebalance, let go: again and again."""
        while True:
            generation, share = await self._broker.joining(self._number)
            if generation == UNKNOWN[0]:
                continue
            self._positions = dict.fromkeys(share)
            await consumer.assigned({TopicPartition(EVENTS, p) for p in share})
            while self._broker.is_down or self._broker.heard(self._number):  # noqa: ASYNC110 - heartbeats
                await asyncio.sleep(self._broker.whims.uniform(0.1, HEARTBEAT_S))
            await consumer.revoked({TopicPartition(EVENTS, p) for p in self._positions})

    async def _answer(self) -> None:
        """The time that a question takes."""
        await asyncio.sleep(self._broker.whims.uniform(0.001, 0.05))
        if self._broker.is_down or self._process.is_dead:
            raise OSError("no broker")

    async def getmany(self, *only: Any, timeout_ms: int, max_records: int) -> dict[Any, list[ARecord]]:
        """Records of the partitions held now, or of *only*; what lies ready is not all there is."""
        loop = asyncio.get_running_loop()
        until_s = loop.time() + timeout_ms / 1000
        while True:
            left_s = until_s - loop.time()
            # No call is free of time, or a caller that asks without waiting would stop the clock.
            await asyncio.sleep(min(max(left_s, 0.001), self._broker.whims.uniform(0.01, 0.3)))
            # As with the real client, nothing can happen between the taking and the answer.
            found = {} if only or self._broker.is_down else self._taken(max_records)
            if found or left_s <= 0.001:
                return found

    def _taken(self, most: int) -> dict[Any, list[ARecord]]:
        found: dict[Any, list[ARecord]] = {}
        for partition, position in sorted(self._positions.items()):
            if position is None:
                raise NoOffsetForPartitionError(partition)
            log = self._broker.logs[partition]
            self._ends[partition] = len(log)
            records = log[position : position + self._broker.whims.randint(0, most)]
            if records:
                found[ClientPartition(EVENTS, partition)] = records
                self._positions[partition] = position + len(records)
                most -= len(records)
            if most <= 0:
                break
        return found

    def assignment(self) -> set[Any]:
        """What this client believes it holds."""
        return {ClientPartition(EVENTS, partition) for partition in self._positions}

    def seek(self, at: Any, offset: int) -> None:
        """Read on at *offset*."""
        self._positions[at.partition] = offset

    def partitions_for_topic(self, _: str) -> set[int]:
        """All of them."""
        return set(range(len(self._broker.logs)))

    def highwater(self, at: Any) -> int | None:
        """The end as of the last fetch."""
        return self._ends.get(at.partition)

    async def end_offsets(self, partitions: list[Any]) -> dict[Any, int]:
        """The ends now."""
        await self._answer()
        return {at: len(self._broker.logs[at.partition]) for at in partitions}

    async def beginning_offsets(self, partitions: list[Any]) -> dict[Any, int]:
        """Nothing is forgotten here."""
        await self._answer()
        return dict.fromkeys(partitions, 0)

    async def commit(self, _: Any) -> None:
        """Only lag tools care."""
        await self._answer()


@asynccontextmanager
async def joined(
    broker: Broker, process: Any, *, on_assigned: OnChange, on_revoked: OnChange
) -> AsyncIterator[Reader]:
    """The product's own consumer as a member of the group of *broker*, run by *process*."""
    client = Client(broker, process)
    consumer = Consumer(client, on_assigned=on_assigned, on_revoked=on_revoked)
    try:
        async with broker_call("connecting", deadline_s=CALL_DEADLINE_S):
            await client.start(consumer)
        yield consumer
    finally:
        await client.stop()
