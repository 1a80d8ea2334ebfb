"""An open-loop sender: what is due is sent when it is due, however slow the answers; it reads nothing."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.orders import CUSTOMERS, Orders, draw
from benchmarks.probes import probe
from benchmarks.topics import HEADERS, records
from shared.messaging.producer import Outgoing, open_producer
from shared.runtime.clock import epoch_us, monotonic_s

TICK_S = 0.047
"""Between two probes; no divisor of compute's 100 ms, so that probes fall on every phase of its flushes."""

_SEED = 20_130_101


@dataclass(frozen=True, slots=True)
class Schedule:
    """What is due when: every tick a chunk of orders and one probe.

    Attributes:
        unjudged: the first so many probes are there to warm up.
        customers: who place the orders.
        first: the number of the first order: ids of others are less.
    """

    rate: float
    ticks: int
    unjudged: int
    customers: int = CUSTOMERS
    first: int = 0

    @classmethod
    def of(
        cls, *, rate: float, probes: int, warm_up_s: float, customers: int = CUSTOMERS, first: int = 0
    ) -> "Schedule":
        """A schedule with *probes* to be judged after *warm_up_s*."""
        unjudged = round(warm_up_s / TICK_S)
        return cls(rate, probes + unjudged, unjudged, customers, first)

    @property
    def chunk(self) -> int:
        """Orders in a tick; the probe is the rest of the rate."""
        return max(round(self.rate * TICK_S) - 1, 1)


@dataclass(frozen=True, slots=True)
class Sent:
    """What was sent.

    Attributes:
        scheduled_s: when each probe was due, on the monotonic clock.
        latest_s: by how much the last moment before a send was past its due time, at worst.
    """

    events: int
    scheduled_s: Sequence[float]
    latest_s: float


async def send(servers: str, topic: str, schedule: Schedule, names: Sequence[str]) -> Sent:
    """Carry out *schedule* with probes of these *names*.

    A tick that is late does not move the next one, and its probe keeps the time it was due: what it waited
    here counts as waiting (Tene, "How NOT to measure latency": coordinated omission).
    """
    orders = draw(
        schedule.chunk * schedule.ticks, seed=_SEED, first=schedule.first, customers=schedule.customers
    )
    async with open_producer(servers, "tidemark-benchmarks-live") as producer:
        await producer.partitions(topic)
        begin_s, begin_us = monotonic_s(), epoch_us()
        scheduled, latest_s = [], 0.0
        for tick, name in enumerate(names):
            due_s = begin_s + (tick + 1) * TICK_S
            await asyncio.sleep(due_s - monotonic_s())
            latest_s = max(latest_s, monotonic_s() - due_s)
            due_us = begin_us + round((due_s - begin_s) * 1_000_000)
            scheduled.append(due_s)
            await producer.send_all(topic, _due(orders, schedule.chunk, tick, due_us, name))
    return Sent((schedule.chunk + 1) * len(names), scheduled, latest_s)


def _due(orders: Orders, chunk: int, tick: int, due_us: int, name: str) -> list[Outgoing]:
    """The orders of a tick, spread over the time since the one before, and its probe."""
    begin_us = due_us - round(TICK_S * 1_000_000)
    times_us = np.linspace(begin_us, due_us, num=chunk, endpoint=False).astype(np.int64)
    marked = Outgoing(probe(name, tick, due_us), partition=0, headers=HEADERS)
    return [*records(orders.encoded(tick * chunk, times_us)), marked]
