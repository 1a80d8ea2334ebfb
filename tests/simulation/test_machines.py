"""The counting machine on the store in memory."""

import asyncio
import random
from collections.abc import Coroutine, Iterator, Sequence
from types import SimpleNamespace
from typing import Any, TypeVar

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from services.compute.stores import CountingStore
from shared.domain.definitions import Catalogue
from tests.simulation.kpis import catalogue
from tests.simulation.loops import SimulatedLoop
from tests.simulation.machines import CountingMachine, Member
from tests.simulation.stores import MemoryStore, Server
from tests.simulation.tables import Tables
from tests.unit.compute.builders import ARecord

_T = TypeVar("_T")


class MemoryBench:
    """The store in memory, on an event loop without any time of its own."""

    def __init__(self, loop: SimulatedLoop) -> None:
        self._loop = loop
        self._server = Server(random.Random(0))  # noqa: S311 - repeatable is all it has to be

    def run(self, work: Coroutine[Any, Any, _T]) -> _T:
        """What *work* returns."""
        return self._loop.run_until_complete(work)

    def store(self) -> CountingStore:
        """The store as a process that lives for ever reaches it."""
        return MemoryStore(self._server, SimpleNamespace(is_dead=False))

    async def publish(self, revision: int) -> Catalogue:
        """The catalogue of *revision*; this store keeps none."""
        return catalogue(revision)

    async def tables(self) -> Tables:
        """The tables themselves, when everybody has let go."""
        await asyncio.sleep(0)
        return self._server.tables

    async def correct(self, logs: Sequence[Sequence[ARecord]], owner: Member) -> None:
        """Nothing: only Postgres corrects."""


@pytest.fixture
def loop() -> Iterator[SimulatedLoop]:
    """A loop in virtual time."""
    loop = SimulatedLoop(random.Random(0))  # noqa: S311 - repeatable is all it has to be
    yield loop
    loop.close()


def machine_on(loop: SimulatedLoop) -> type[CountingMachine]:
    """The machine, with a store of its own for every life."""

    class Machine(CountingMachine):
        def __init__(self) -> None:
            super().__init__()
            self.bench = MemoryBench(loop)

    return Machine


def test_any_steps(loop: SimulatedLoop) -> None:
    """Whatever happens in whatever order, what is committed is what the log says, after every step."""
    run_state_machine_as_test(machine_on(loop), settings=settings(max_examples=200, stateful_step_count=25))


@pytest.mark.nightly
@pytest.mark.timeout(1800)
def test_many_steps(loop: SimulatedLoop) -> None:
    """The same by night, for longer and with other examples every time."""
    by_night = settings(max_examples=3000, stateful_step_count=50, derandomize=False)
    run_state_machine_as_test(machine_on(loop), settings=by_night)
