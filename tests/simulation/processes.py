"""A compute process as the simulation runs it: the product's worker, its doors, and the ways it can end."""

import asyncio
import random
from collections.abc import Callable, Sequence
from contextvars import copy_context
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache, partial
from typing import cast

from prometheus_client import CollectorRegistry

from services.compute.catalogues import CatalogueWatch
from services.compute.metrics import Metrics
from services.compute.ownership import OwnershipPolicy
from services.compute.sessions import Surroundings
from services.compute.settings import ComputeSettings
from services.compute.touched import Touched
from services.compute.workers import Worker
from shared.contracts.deadletters import HEADER_PREFIX
from shared.counting.programmes import Programme
from shared.domain.errors import BrokerUnavailableError, StoreUnavailableError
from shared.messaging.producer import Outgoing, Producer
from shared.runtime.progress import Progress
from tests.failpoints import ToldStore
from tests.simulation.brokers import Broker, joined
from tests.simulation.kpis import catalogue
from tests.simulation.loops import PROCESS, SimulatedLoop
from tests.simulation.stores import MemoryStore, Server


@cache
def settings() -> ComputeSettings:
    """Small batches, so that a few dozen events make many flushes."""
    return ComputeSettings.model_validate(
        {
            "database_url": "postgresql://nowhere/none",
            "compute_flush_interval_s": 0.3,
            "compute_flush_max_events": 8,
        }
    )


@cache
def metrics() -> Metrics:
    """Shared by all: nobody looks at them here."""
    return Metrics.on(CollectorRegistry())


@cache
def programme(revision: int) -> Programme:
    """The programme of a revision, compiled once for all seeds."""
    return Programme.of(catalogue(revision))


class Watch:
    """The catalogue as one process has last heard of it."""

    def __init__(self, revision: int) -> None:
        self.programme = programme(revision)


@dataclass(frozen=True, slots=True)
class Letters:
    """A producer of dead letters, as one process reaches the broker."""

    broker: Broker
    process: "Process"

    async def send_all(self, _: str, records: Sequence[Outgoing]) -> None:
        """Let *records* arrive one after the other, unless the broker is away."""
        for record in records:
            await asyncio.sleep(0.01)
            if self.broker.is_down or self.process.is_dead:
                raise BrokerUnavailableError("no broker")
            told = dict(record.headers)
            place = (told[f"{HEADER_PREFIX}partition"] or b"", told[f"{HEADER_PREFIX}offset"] or b"")
            self.broker.parked.add((int(place[0]), int(place[1])))


@dataclass(slots=True)
class Process:
    """One process, from start to its end; a restart is another process.

    Attributes:
        number: unique in the simulation.
        at_failpoint: says what happens when a failpoint is reached: None, or a name of `FATES`.
        is_dead: nothing of it reaches the outside any more.
    """

    number: int
    loop: SimulatedLoop
    broker: Broker
    server: Server
    whims: random.Random
    at_failpoint: Callable[[str], str | None]
    is_dead: bool = False
    is_frozen: bool = False
    failure: Exception | None = None
    watch: Watch = field(init=False)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _root: "asyncio.Task[None] | None" = None

    def start(self, revision: int) -> None:
        """Begin to count by the catalogue of *revision*."""
        self.watch = Watch(revision)
        context = copy_context()
        context.run(PROCESS.set, self.number)
        self._root = self.loop.create_task(self._run(), context=context)

    def hear_of(self, revision: int) -> None:
        """Count by the catalogue of *revision* from now on, or from when it is thawed."""
        if self.is_frozen:
            self.loop.call_later(1.0, self.hear_of, revision, context=self.server.world)
        elif revision > self.watch.programme.revision:
            self.watch.programme = programme(revision)

    @property
    def has_ended(self) -> bool:
        """Whether it runs no more."""
        return self._root is not None and self._root.done()

    async def _run(self) -> None:
        store = ToldStore(MemoryStore(self.server, self), self._reached)
        policy = OwnershipPolicy(f"process {self.number}", "log", timedelta(hours=1), 100_000)
        producer = cast("Producer", Letters(self.broker, self))
        around = Surroundings(
            settings(), cast("CatalogueWatch", self.watch), producer, metrics(), Touched(),
            Progress(60.0, metrics().lag_records, metrics().progress_age_s),
        )  # fmt: skip
        worker = Worker(policy, store, partial(joined, self.broker, self), around)
        try:
            await worker.run(self.stopping)
        except Exception as error:  # noqa: BLE001 - whatever it is, the world judges it
            self.failure = error

    async def _reached(self, failpoint: str) -> None:
        match self.at_failpoint(failpoint):
            case "kill":
                self.kill()
                await asyncio.Event().wait()
            case "freeze":
                self.freeze(self.whims.choice((0.5, 4.0, 8.0, 20.0)))
                await asyncio.sleep(0)
            case "raise":
                raise StoreUnavailableError(failpoint)

    def freeze(self, seconds: float) -> None:
        """Stand still for *seconds*, everything it does, as after SIGSTOP."""
        if not self.is_frozen and not self.is_dead:
            self.is_frozen = True
            self.loop.freeze(self.number)
            self.loop.call_later(seconds, self._thaw, context=self.server.world)

    def _thaw(self) -> None:
        self.is_frozen = False
        self.loop.thaw(self.number)

    def kill(self) -> None:
        """End at once: its doors are shut first, so that whatever its last steps do is seen by nobody."""
        self.is_dead = True
        for session in [s for s in self.server.sessions if s.process is self]:
            session.hang_up()
        self.server.spawn(self._bury())

    async def _bury(self) -> None:
        if self.is_frozen:
            self._thaw()
        self.stopping.set()
        mine = self.loop.tasks.get(self.number, [])
        while left := [task for task in mine if not task.done()]:
            for task in left:
                task.cancel()
            await asyncio.wait(left, timeout=1.0)
