"""A machine whose every step is one thing that can happen to counting; after each, the tables must be right.

It drives the flush and the take-over of the product by hand, one member at a time, against any store.
"""

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Literal, Protocol, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from services.compute.batches import count_batch
from services.compute.flushing import Standing, Work, move_of, write
from services.compute.ownership import remembered
from services.compute.stores import CountingStore
from shared.contracts.events import CleanEvent, clean_key, encode_clean
from shared.contracts.rfc3339 import time_text
from shared.counting.programmes import Programme
from shared.domain.calendars import instant_us
from shared.domain.definitions import Catalogue
from shared.domain.errors import FencedError
from shared.domain.events import partition_of
from shared.domain.seen import Memory
from tests.failpoints import FLUSH_FAILPOINTS, ToldStore
from tests.simulation.kpis import REVISIONS, plains
from tests.simulation.recounts import AGES_S, Told, differences
from tests.simulation.tables import Tables
from tests.unit.compute.builders import NOW, ARecord

PARTITIONS = 2
MEMBERS = 3
IDS_LIMIT = 10_000

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Sale:
    """A new event."""

    age_s: float
    price: int
    shop: str


@dataclass(frozen=True, slots=True)
class Again:
    """A copy of the event that came so many events ago."""

    back: int


@dataclass(frozen=True, slots=True)
class Undo:
    """A retraction of the event that came so many events ago; -1 is the next to come."""

    back: int


class DeadError(Exception):
    """The process ends here."""


members = st.integers(0, MEMBERS - 1)
sales = st.builds(
    Sale, st.sampled_from(AGES_S), st.integers(-3, 12), st.sampled_from("ab"),
)  # fmt: skip
arrivals = st.lists(
    sales | sales | st.builds(Again, st.integers(0, 9)) | st.builds(Undo, st.integers(-1, 9)),
    min_size=1,
    max_size=8,
)

partitions = st.sets(st.integers(0, PARTITIONS - 1), min_size=1)


class Bench(Protocol):
    """A store under test, and how to look at it."""

    def run(self, work: Coroutine[Any, Any, _T]) -> _T:
        """What *work* returns, on the store's own loop."""

    def store(self) -> CountingStore:
        """The store as a process reaches it."""

    async def publish(self, revision: int) -> Catalogue:
        """Put the KPIs of *revision* in force."""

    async def tables(self) -> Tables:
        """What is committed."""

    async def correct(self, logs: Sequence[Sequence[ARecord]], owner: "Member") -> None:
        """Undo what is to be undone in the partitions of *owner*, if this store can."""


@dataclass(slots=True, eq=False)
class Member:
    """What one process knows.

    Attributes:
        held: a flush that it has counted and not yet sent.
    """

    catalogue: Catalogue
    standings: dict[int, Standing] = field(default_factory=dict)
    memories: dict[int, Memory] = field(default_factory=dict)
    activated: dict[int, int] = field(default_factory=dict)
    held: Work | None = None


class CountingMachine(RuleBasedStateMachine):
    """Everything that can happen, in any order; `bench` is set by the tests."""

    bench: Bench

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.sent: list[tuple[CleanEvent, float]] = []
        self.logs: list[list[ARecord]] = [[] for _ in range(PARTITIONS)]
        self.told: list[list[Told]] = [[] for _ in range(PARTITIONS)]

    @initialize()
    def begin(self) -> None:
        """One KPI is in force, and the first member owns everything."""
        self.revision = 1
        self.newest = self.bench.run(self.bench.publish(1))
        self.members = [Member(self.newest) for _ in range(MEMBERS)]
        self.steal(0, set(range(PARTITIONS)))
        self.produce([Sale(0.0, price, "a") for price in range(4, 8)])

    @rule(came=arrivals)
    def produce(self, came: list[Sale | Again | Undo]) -> None:
        """Events come, now or late or early, again, or to undo others that came or will come."""
        for one in came:
            match one:
                case Sale():
                    self._produce(one)
                case Again():
                    self._append(*self.sent[-1 - one.back % len(self.sent)])
                case Undo():
                    self._retract(self._number(one))

    def _produce(self, sale: Sale) -> None:
        event = CleanEvent(
            id=f"{len(self.sent)}", source="/s", type="order.paid",
            time=time_text(self.now - timedelta(seconds=sale.age_s)),
            data={"price": sale.price, "shop": sale.shop},
        )  # fmt: skip
        self.sent.append((event, sale.age_s))
        self._append(event, sale.age_s)

    def _number(self, undo: Undo) -> int:
        return len(self.sent) if undo.back < 0 else len(self.sent) - 1 - undo.back % len(self.sent)

    def _retract(self, number: int) -> None:
        place = sum(map(len, self.logs))
        self._append(
            CleanEvent(
                id=f"not {number}, {place}", source="/s", type="order.paid", time=time_text(self.now),
                retracts=f"{number}", data={},
            ),
            0.0,
        )  # fmt: skip

    def _append(self, event: CleanEvent, age_s: float) -> None:
        key = clean_key(event)
        partition = partition_of(key, PARTITIONS)
        log = self.logs[partition]
        log.append(ARecord(len(log), key, encode_clean(event)))
        at = datetime.fromisoformat(event.time)
        what: Literal["event", "retraction"] = "retraction" if event.retracts else "event"
        self.told[partition].append(Told(key, at, age_s, event.data, what))

    @rule(seconds=st.sampled_from((1, 10, 60)))
    def advance(self, seconds: int) -> None:
        """Time passes."""
        self.now += timedelta(seconds=seconds)

    @rule(number=members, most=st.integers(1, 5))
    def deliver(self, number: int, most: int) -> None:
        """A member counts what it believes to be next, and writes it."""
        member = self._owner(number)
        member.held = member.held or self._counted(member, most)
        self._written(member, self.bench.store())

    @rule(came=arrivals, most=st.integers(1, 8))
    def catch_up(self, came: list[Sale | Again | Undo], most: int) -> None:
        """More comes, and every member counts what it believes to be next."""
        self.produce(came)
        for number in range(MEMBERS):
            self.deliver(number, most)

    @rule(number=members, most=st.integers(1, 5))
    def hold(self, number: int, most: int) -> None:
        """A member counts, and stands still before it writes: whatever comes now, it does not notice."""
        member = self._owner(number)
        member.held = member.held or self._counted(member, most)

    @rule(number=members)
    def resume(self, number: int) -> None:
        """A member that stood still writes what it had counted."""
        holding = [member for member in self.members if member.held is not None]
        if holding:
            self._written(holding[number % len(holding)], self.bench.store())

    @rule(number=members, most=st.integers(1, 5), failpoint=st.sampled_from(FLUSH_FAILPOINTS))
    def crash(self, number: int, most: int, failpoint: str) -> None:
        """A member dies in the middle of a flush; another begins with nothing, by the newest catalogue."""
        member = self._owner(number)
        member.held = member.held or self._counted(member, most)

        async def reached(name: str) -> None:
            if name == failpoint:
                raise DeadError

        self._written(member, ToldStore(self.bench.store(), reached))
        self.members[self.members.index(member)] = Member(self.newest)

    @rule(number=members, chosen=partitions)
    def steal(self, number: int, chosen: set[int]) -> None:
        """A member takes partitions over; who owned them is not told."""
        member = self.members[number]
        if member.held is not None:
            # What was counted and is dropped now is remembered in vain: as in the product, all of it goes.
            member.held = None
            member.standings.clear()
        self.bench.run(self._taken_over(member, chosen))

    @precondition(lambda self: self.revision < len(REVISIONS))
    @rule()
    def change(self) -> None:
        """A KPI comes, or one changes its windows; no member has heard of it yet."""
        self.revision += 1
        self.newest = self.bench.run(self.bench.publish(self.revision))

    @rule(number=members)
    def hear(self, number: int) -> None:
        """A member hears of the newest catalogue."""
        self.members[number].catalogue = self.newest

    @rule(number=members)
    def correct(self, number: int) -> None:
        """A member undoes what was retracted after it had been counted."""
        self.bench.run(self.bench.correct(self.logs, self._owner(number)))

    def _owner(self, number: int) -> Member:
        """One of the members that believe to own something; the first, when none does."""
        owners = [member for member in self.members if member.standings] or self.members
        return owners[number % len(owners)]

    def _counted(self, member: Member, most: int) -> Work | None:
        batch = {
            p: self.logs[p][standing.next_offset : standing.next_offset + most]
            for p, standing in member.standings.items()
        }
        batch = {p: records for p, records in batch.items() if records}
        programme = Programme.of(member.catalogue)
        now_us = instant_us(self.now)
        found = count_batch(batch, programme, {p: member.memories[p] for p in batch}, now_us=now_us)
        moves = [
            move_of(
                member.standings[tally.partition], tally,
                caught_up_at_us=None, disorder=timedelta(seconds=10), revision=programme.revision,
            )
            for tally in found.tallies
        ]  # fmt: skip
        new = {p: member.standings[p].next_offset for p in batch}
        new = {p: offset for p, offset in new.items() if member.activated.get(p) != programme.revision}
        return Work(found, [move for move in moves if move], programme, new) if batch else None

    def _written(self, member: Member, store: CountingStore) -> None:
        work, member.held = member.held, None
        if work is None:
            return
        try:
            self.bench.run(_write(store, work))
        except (FencedError, DeadError):
            member.standings.clear()
            return
        for tally in work.batch.tallies:
            before = member.standings[tally.partition]
            member.standings[tally.partition] = replace(before, next_offset=tally.to_offset)
            member.activated[tally.partition] = work.programme.revision

    async def _taken_over(self, member: Member, chosen: set[int]) -> None:
        async with self.bench.store().claims() as claims:
            await claims.register(PARTITIONS, log_id="log")
            for partition in sorted(chosen):
                position = await claims.take_over(partition, owner="me", first_offset=0, log_id="log")
                seen = await claims.seen(partition, horizon=timedelta(hours=1), most=IDS_LIMIT)
                keys = await claims.retracted(partition, most=IDS_LIMIT)
                member.memories[partition] = remembered(seen, keys, limit=IDS_LIMIT)
                member.standings[partition] = Standing(partition, position.epoch, position.next_offset)
                member.activated.pop(partition, None)

    @invariant()
    def it_is_right(self) -> None:
        """What is committed is what the log says."""
        tables = self.bench.run(self.bench.tables())

        assert differences(self.told, tables, plains(self.newest)) == []


async def _write(store: CountingStore, work: Work) -> None:
    async with asyncio.timeout(30), store.session() as session:
        await write(session, work)
