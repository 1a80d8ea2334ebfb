"""A backlog as after a short stop: the orders of the last two minutes, and what they come to."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from benchmarks.orders import CUSTOMERS, Int64s, Orders, draw, spread_times
from shared.domain.calendars import as_datetime

CHUNK = 10_000
"""Events encoded and sent at once: full batches on every partition."""


@dataclass(frozen=True, slots=True)
class Backlog:
    """Orders with their times, in the order in which they are sent."""

    orders: Orders
    times_us: Int64s

    def __len__(self) -> int:
        return len(self.orders)

    @classmethod
    def of(
        cls, count: int, *, ending_at_us: int, span_s: float, seed: int, customers: int = CUSTOMERS
    ) -> "Backlog":
        """*count* orders within *span_s* before *ending_at_us*; the same for the same arguments."""
        begin_us = ending_at_us - round(span_s * 1_000_000)
        times_us = spread_times(count, begin_us=begin_us, end_us=ending_at_us, seed=seed)
        return cls(draw(count, seed=seed, customers=customers), times_us)

    def chunks(self) -> Iterator[list[bytes]]:
        """The events, encoded, a chunk at a time."""
        for begin in range(0, len(self), CHUNK):
            yield self.orders.encoded(begin, self.times_us[begin : begin + CHUNK])

    @property
    def newest(self) -> datetime:
        """The instant of the last event."""
        return as_datetime(int(self.times_us.max()))

    @property
    def revenue(self) -> Decimal:
        """What the orders placed come to."""
        return self.orders.revenue()
