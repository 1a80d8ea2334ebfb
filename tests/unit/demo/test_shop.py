"""The shop's story: as long as it says, the same every time, with everything that makes events hard."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from itertools import pairwise
from typing import Any

import msgspec

from services.local.demo.shop import CAMPAIGNS, DAYS, events

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)


class Told(msgspec.Struct):
    """An event as a receiver reads it."""

    id: str
    type: str
    time: datetime
    data: Mapping[str, Any]
    retracts: str | None = None


_decode = msgspec.json.Decoder(Told, float_hook=Decimal).decode


@cache
def _told() -> Sequence[Told]:
    return [_decode(value) for _, value in events(ending_at=NOON)]


def test_the_same_every_time() -> None:
    """One end makes one story, byte by byte."""
    assert list(events(ending_at=NOON, days=3)) == list(events(ending_at=NOON, days=3))


def test_length() -> None:
    """Sixty days that end now, with something in the first and in the last hour."""
    times = [event.time for event in _told()]

    assert NOON - timedelta(days=DAYS) <= min(times) < NOON - timedelta(days=DAYS) + timedelta(hours=1)
    assert NOON - timedelta(hours=1) < max(times) <= NOON


def test_what_happens() -> None:
    """Tens of thousands of visits, some thousand orders, and all that can happen to an order."""
    kinds = Counter(event.type for event in _told())

    assert 30_000 < kinds["shop.visited"] < 60_000
    assert 1_500 < kinds["shop.order_placed"] < 6_000
    assert kinds["campaign.spent"] >= sum(campaign.days for campaign in CAMPAIGNS) * 24
    assert min(kinds["shop.order_refunded"], kinds["shop.order_voided"]) > 20


def test_hard_ones() -> None:
    """Some come twice, some out of order, and each void names an order that came before it or comes yet."""
    times = [event.time for event in _told()]
    orders = {event.id for event in _told() if event.type == "shop.order_placed"}
    twice = len(times) - len({event.id for event in _told()})

    assert 0.005 < twice / len(times) < 0.02
    assert sum(earlier > later for earlier, later in pairwise(times)) > 100
    assert {event.retracts for event in _told() if event.retracts is not None} <= orders


def test_money() -> None:
    """Amounts are euros and cents, above nothing; a refund is never more than was paid."""
    paid = {event.id: event.data["amount"] for event in _told() if event.type == "shop.order_placed"}
    back = {
        event.data["order"]: event.data["amount"] for event in _told() if event.type == "shop.order_refunded"
    }

    assert all(amount > 0 and round(amount, 2) == amount for amount in (*paid.values(), *back.values()))
    assert all(amount <= paid[order] for order, amount in back.items())


def test_trade() -> None:
    """Trade grows, weekends are busier than Tuesdays, and a campaign brings visits of its own."""
    visits = [event for event in _told() if event.type == "shop.visited"]
    half = NOON - timedelta(days=DAYS / 2)
    plain = [event for event in visits if "campaign" not in event.data]
    by_weekday = Counter(event.time.weekday() for event in plain)

    assert sum(event.time >= half for event in plain) > sum(event.time < half for event in plain)
    assert by_weekday[6] > by_weekday[1]
    assert {event.data["campaign"] for event in visits if "campaign" in event.data} == {
        campaign.name for campaign in CAMPAIGNS
    }
