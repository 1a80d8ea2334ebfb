"""One simulation: a seed decides the events, the processes, the network, the faults and every order."""

import asyncio
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from unittest import mock

import structlog

from shared.contracts.events import CleanEvent, clean_key, encode_clean
from shared.contracts.rfc3339 import time_text
from shared.domain.events import partition_of
from shared.runtime import clock
from tests.simulation.brokers import Broker
from tests.simulation.kpis import REVISIONS, catalogue, plains
from tests.simulation.loops import EPOCH_S, SimulatedLoop, VirtualTime
from tests.simulation.processes import Process
from tests.simulation.recounts import AGES_S, Told, differences, sent_at
from tests.simulation.stores import Server
from tests.unit.compute.builders import ARecord

TROUBLE_S = 30.0
"""For so long things go wrong; then everything heals and the rest is counted."""

PATIENCE_S = 300.0
"""Counting that has not caught up by then has stopped for ever."""

FATES = ("kill", "freeze", "raise")


@dataclass(slots=True)
class World:
    """Everything there is in one simulation."""

    loop: SimulatedLoop
    whims: random.Random
    broker: Broker = field(init=False)
    server: Server = field(init=False)
    told: list[list[Told]] = field(init=False)
    processes: list[Process] = field(default_factory=list)
    reached: dict[str, int] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    revision: int = 1
    is_healed: bool = False

    def __post_init__(self) -> None:
        partitions = self.whims.randint(1, 3)
        self.told = [[] for _ in range(partitions)]
        self.broker = Broker(self.loop, self.whims, [[] for _ in range(partitions)])
        self.server = Server(self.whims, lose_answers=self.whims.choice((0.0, 0.05, 0.3)))

    async def run(self) -> None:
        """Let everything happen, heal, wait for the rest to be counted, and judge."""
        background = [asyncio.ensure_future(self.broker.watch())]
        self._keep_alive(self.whims.randint(1, 3))
        await asyncio.gather(self._send(), self._trouble(), self._judge_meanwhile())
        await self._heal()
        for job in background:
            job.cancel()
        self.failures += self._wrong()
        await self._end()

    async def _send(self) -> None:
        """Events come, late and early, some of them again."""
        sent: list[CleanEvent] = []
        ages: list[float] = []
        for number in range(self.whims.randint(5, 60)):
            await asyncio.sleep(self.whims.expovariate(3.0))
            if sent and self.whims.random() < 0.3:
                place = self.whims.randrange(len(sent))
            else:
                place = len(sent)
                ages.append(self.whims.choice(AGES_S))
                sent.append(self._event(number, ages[-1]))
            if self.whims.random() < 0.1:
                self._retract(sent[place])
            if self.whims.random() < 0.9:
                self._append(sent[place], ages[place])
            if self.whims.random() < 0.05:
                self._append_foreign()

    def _event(self, number: int, age_s: float) -> CleanEvent:
        at = sent_at(EPOCH_S + self.loop.now_s, age_s)
        data = {"price": self.whims.randint(-3, 12), "shop": self.whims.choice(("a", "b"))}
        return CleanEvent(id=f"{number}", source="/s", type="order.paid", time=time_text(at), data=data)

    def _retract(self, event: CleanEvent) -> None:
        """A retraction of *event*, which may not have come yet, or never comes."""
        time = time_text(sent_at(EPOCH_S + self.loop.now_s, 0.0))
        name = f"not {event.id}, {self.loop.now_s}"
        self._append(
            CleanEvent(id=name, source="/s", type="order.paid", time=time, retracts=event.id, data={}), 0.0
        )

    def _append(self, event: CleanEvent, age_s: float) -> None:
        key = clean_key(event)
        partition = partition_of(key, len(self.told))
        log = self.broker.logs[partition]
        log.append(ARecord(len(log), key, encode_clean(event), timestamp=self._now_ms()))
        at = datetime.fromisoformat(event.time)
        what: Literal["event", "retraction"] = "retraction" if event.retracts else "event"
        self.told[partition].append(Told(key, at, age_s, event.data, what))

    def _append_foreign(self) -> None:
        """A record that ingest has not written."""
        partition = self.whims.randrange(len(self.told))
        log, key = self.broker.logs[partition], self.whims.choice((b"no key", bytes(15) + b"k"))
        log.append(ARecord(len(log), key, b"no event", timestamp=self._now_ms()))
        self.told[partition].append(Told(key, sent_at(0, 0), 0.0, {}, "foreign"))

    def _now_ms(self) -> int:
        return round((EPOCH_S + self.loop.now_s) * 1000)

    async def _trouble(self) -> None:
        """Now and then something breaks; dead processes are replaced."""
        until_s = self.loop.now_s + TROUBLE_S
        while self.loop.now_s < until_s:
            await asyncio.sleep(self.whims.expovariate(0.7))
            await self.whims.choice(
                (self._kill, self._freeze, self._shake, self._cut, self._close_store, self._close_broker,
                 self._change, self._stop)
            )()  # fmt: skip
            self._keep_alive(self.whims.randint(0, 3))

    def _keep_alive(self, least: int) -> None:
        """Start processes until *least* live."""
        self.failures += [f"{p.failure!r}" for p in self.processes if p.failure is not None and not p.is_dead]
        self.processes = [p for p in self.processes if not (p.is_dead or p.has_ended)]
        while len(self.processes) < least:
            self._start()

    def _start(self) -> None:
        number = max(self.loop.tasks, default=-1) + 1
        process = Process(number, self.loop, self.broker, self.server, self.whims, self._fate)
        self.processes.append(process)
        process.start(self.revision)

    def _fate(self, failpoint: str) -> str | None:
        self.reached[failpoint] = self.reached.get(failpoint, 0) + 1
        if self.is_healed or self.whims.random() > 0.02:
            return None
        return self.whims.choice(FATES)

    async def _kill(self) -> None:
        for process in self._one():
            process.kill()

    async def _freeze(self) -> None:
        for process in self._one():
            process.freeze(self.whims.choice((1.0, 8.0, 20.0)))

    async def _stop(self) -> None:
        for process in self._one():
            process.stopping.set()

    def _one(self) -> list[Process]:
        return self.whims.sample(self.processes, min(1, len(self.processes)))

    async def _shake(self) -> None:
        self.broker.shake()

    async def _cut(self) -> None:
        for session in self.whims.sample(self.server.sessions, min(1, len(self.server.sessions))):
            session.hang_up()

    async def _close_store(self) -> None:
        self.server.is_down = True
        self.server.cut()
        await asyncio.sleep(self.whims.choice((0.2, 3.0)))
        self.server.is_down = False

    async def _close_broker(self) -> None:
        self.broker.is_down = True
        await asyncio.sleep(self.whims.choice((0.2, 3.0, 8.0)))
        self.broker.is_down = False

    async def _change(self) -> None:
        """A KPI more, which every process hears of in its own time."""
        self.revision = min(self.revision + 1, len(REVISIONS))
        for process in self.processes:
            later_s = self.whims.choice((0.0, 0.5, 2.0))
            self.loop.call_later(later_s, process.hear_of, self.revision, context=self.server.world)

    async def _judge_meanwhile(self) -> None:
        """At any instant the tables say exactly what the log says up to the positions."""
        for _ in range(2):
            await asyncio.sleep(self.whims.uniform(1.0, TROUBLE_S / 2))
            self.failures += [f"meanwhile: {wrong}" for wrong in self._wrong()]

    async def _heal(self) -> None:
        self.is_healed = True
        self.server.lose_answers = 0.0
        until_s = self.loop.now_s + PATIENCE_S
        while not self._caught_up() and self.loop.now_s < until_s:
            self._keep_alive(1)
            await asyncio.sleep(1.0)
        if not self._caught_up():
            self.failures.append(f"counting has stopped: {self.server.tables.positions}")

    def _caught_up(self) -> bool:
        rows = self.server.tables.positions
        return all(
            rows[p].next_offset == len(log) if p in rows else not log for p, log in enumerate(self.told)
        )

    def _wrong(self) -> list[str]:
        return self._unparked() + differences(self.told, self.server.tables, plains(catalogue(self.revision)))

    def _unparked(self) -> list[str]:
        """Foreign records that were passed before the dead letters had them."""
        return [
            f"partition {partition}: {offset} was not parked"
            for partition, row in self.server.tables.positions.items()
            for offset, record in enumerate(self.told[partition][: max(row.next_offset, 0)])
            if record.what == "foreign" and (partition, offset) not in self.broker.parked
        ]

    async def _end(self) -> None:
        """Bring the processes down; nobody looks at what they do any more."""
        for process in self.processes:
            process.kill()
        left = [task for tasks in self.loop.tasks.values() for task in tasks if not task.done()]
        while left:
            await asyncio.wait(left, timeout=5.0)
            left = [task for task in left if not task.done()]


@contextmanager
def _virtual(loop: SimulatedLoop) -> Iterator[None]:
    """The product's clock shows the time of *loop*, and its log is silent."""
    silent = structlog.make_filtering_bound_logger(50)
    before = structlog.get_config()
    structlog.configure(wrapper_class=silent, cache_logger_on_first_use=False)
    try:
        with mock.patch.object(clock, "time", VirtualTime(loop)):
            yield
    finally:
        structlog.configure(**before)


def simulate(seed: int) -> World:
    """The world of *seed*, at its end; `failures` says what was wrong."""
    whims = random.Random(seed)  # noqa: S311 - a seed makes it repeatable, which is all it has to be
    loop = SimulatedLoop(whims)
    strays: list[str] = []
    loop.set_exception_handler(lambda _, context: strays.append(repr(context.get("exception") or context)))
    asyncio.set_event_loop(loop)
    try:
        with _virtual(loop):
            world = World(loop, whims)
            loop.run_until_complete(world.run())
            world.failures += [f"nobody caught {stray}" for stray in strays]
            return world
    finally:
        asyncio.set_event_loop(None)
        loop.close()
