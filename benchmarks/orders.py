"""Seeded orders of a shop as CloudEvents of about 250 bytes; it sends nothing and reads no clock."""

from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import numpy.typing as npt

Int64s = npt.NDArray[np.int64]

SOURCE = "/shop/checkout"
TYPES = ("order.placed", "order.paid", "order.shipped", "order.cancelled")
REGIONS = ("north", "east", "south", "west")
CHANNELS = ("web", "app", "shop")
PRODUCTS = 50
CUSTOMERS = 500

_TYPE_SHARES = (0.5, 0.3, 0.15, 0.05)
_REGION_SHARES = (0.4, 0.3, 0.2, 0.1)
_CHANNEL_SHARES = (0.6, 0.3, 0.1)

DISORDER_US = 200_000
"""By how much an event may have happened before one sent ahead of it: a few sending hosts."""


@dataclass(frozen=True, slots=True)
class Orders:
    """What the events say, one element each; their times are given when they are encoded."""

    first: int
    kind: Int64s
    product: Int64s
    region: Int64s
    channel: Int64s
    customer: Int64s
    quantity: Int64s
    cents: Int64s

    def __len__(self) -> int:
        return len(self.kind)

    def encoded(self, begin: int, times_us: Int64s) -> list[bytes]:
        """The events from place *begin* on, one for each of *times_us*, as structured CloudEvents."""
        end = begin + len(times_us)
        columns = (
            self.kind,
            self.product,
            self.region,
            self.channel,
            self.customer,
            self.quantity,
            self.cents,
        )
        rows = zip(
            range(self.first + begin, self.first + end),
            np.datetime_as_string(times_us.astype("datetime64[us]")).tolist(),
            *(column[begin:end].tolist() for column in columns),
            strict=True,
        )
        return [
            f'{{"specversion":"1.0","id":"o-{number:09d}","source":"{SOURCE}","type":"{TYPES[kind]}",'
            f'"time":"{time}Z","data":{{"product":"p-{product:02d}","region":"{REGIONS[region]}",'
            f'"channel":"{CHANNELS[channel]}","customer":"c-{customer:04d}","quantity":{quantity},'
            f'"amount":{cents // 100}.{cents % 100:02d},"currency":"EUR"}}}}'.encode()
            for number, time, kind, product, region, channel, customer, quantity, cents in rows
        ]

    def placed(self) -> int:
        """How many orders were placed."""
        return int((self.kind == 0).sum())

    def revenue(self) -> Decimal:
        """What the orders placed come to."""
        return Decimal(int(self.cents[self.kind == 0].sum())).scaleb(-2)


def draw(count: int, *, seed: int, first: int = 0, customers: int = CUSTOMERS) -> Orders:
    """*count* orders, the same for the same *seed*; ids are numbered from *first* on.

    Products follow Zipf's law over 50, the n-th being bought 1/n times as often as the first; amounts are
    log-normal around 40 with two decimals.
    """
    generator = np.random.default_rng(seed)
    popularity = 1 / np.arange(1, PRODUCTS + 1)
    return Orders(
        first=first,
        kind=generator.choice(len(TYPES), size=count, p=_TYPE_SHARES),
        product=generator.choice(PRODUCTS, size=count, p=popularity / popularity.sum()),
        region=generator.choice(len(REGIONS), size=count, p=_REGION_SHARES),
        channel=generator.choice(len(CHANNELS), size=count, p=_CHANNEL_SHARES),
        customer=generator.integers(customers, size=count),
        quantity=generator.integers(1, 6, size=count),
        cents=np.maximum(generator.lognormal(np.log(4000), 0.8, size=count).astype(np.int64), 1),
    )


def spread_times(count: int, *, begin_us: int, end_us: int, seed: int) -> Int64s:
    """*count* instants evenly over [begin, end), in order but for a little disorder, none after the end."""
    even = np.linspace(begin_us + DISORDER_US, end_us, num=count, endpoint=False)
    late = np.random.default_rng(seed).integers(0, DISORDER_US, size=count)
    return even.astype(np.int64) - late
