"""Events into the source topic while the services count them, and how long that takes; it judges nothing."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from itertools import islice

from services.local.demo.failures import TooSlowError
from services.local.demo.flights import CONTENT_TYPE
from shared.messaging.producer import Outgoing, Producer
from shared.runtime.clock import monotonic_s
from shared.storage.ledger import Ledger

CHUNK = 5_000
"""Events sent at once: enough for full batches on every partition, few enough to watch the bar move."""

STANDSTILL_S = 60.0
"""Counting that does not move for so long has failed; that it is slow is no failure."""

_POLL_S = 0.1


@dataclass(frozen=True, slots=True)
class Flow:
    """What went through, and the seconds from the first event sent to the last one counted."""

    events: int
    seconds: float
    ledger: Ledger

    @property
    def events_per_second(self) -> float:
        """From end to end."""
        return self.events / self.seconds


async def stream(
    producer: Producer,
    topic: str,
    events: Iterable[tuple[bytes, bytes]],
    *,
    ledger: Callable[[], Awaitable[Ledger]],
    on_sent: Callable[[int], None],
    on_counted: Callable[[int], None],
) -> Flow:
    """Send *events* and wait until as many have been counted.

    Args:
        producer: a connection to Kafka.
        topic: the source topic.
        events: keys and values, in the order they are to be sent.
        ledger: reads the ledger of the positions.
        on_sent: is told how many are sent so far.
        on_counted: is told how many are counted so far.

    Raises:
        TooSlowError: counting stood still.
    """
    began_s = monotonic_s()
    counting = asyncio.create_task(_watched(ledger, on_counted), name="watch-ledger")
    try:
        sent = await _sent(producer, topic, events, on_sent)
    finally:
        counting.cancel()
        await asyncio.gather(counting, return_exceptions=True)
    final = await _counted(sent, ledger, on_counted)
    return Flow(sent, monotonic_s() - began_s, final)


async def _sent(
    producer: Producer, topic: str, events: Iterable[tuple[bytes, bytes]], on_sent: Callable[[int], None]
) -> int:
    remaining, sent = iter(events), 0
    while chunk := list(islice(remaining, CHUNK)):
        records = [Outgoing(value, key, headers=[("content-type", CONTENT_TYPE)]) for key, value in chunk]
        await producer.send_all(topic, records)
        sent += len(chunk)
        on_sent(sent)
    return sent


async def _watched(ledger: Callable[[], Awaitable[Ledger]], on_counted: Callable[[int], None]) -> None:
    while True:
        on_counted((await ledger()).consumed)
        await asyncio.sleep(_POLL_S)


async def _counted(
    sent: int, ledger: Callable[[], Awaitable[Ledger]], on_counted: Callable[[int], None]
) -> Ledger:
    moved_s, before = monotonic_s(), -1
    while True:
        found = await ledger()
        on_counted(found.consumed)
        if found.consumed >= sent:
            return found
        if found.consumed != before:
            moved_s, before = monotonic_s(), found.consumed
        if monotonic_s() - moved_s > STANDSTILL_S:
            raise TooSlowError(
                f"Of {sent} events {found.consumed} are counted, and none more for {STANDSTILL_S:g} s."
            )
        await asyncio.sleep(_POLL_S)
