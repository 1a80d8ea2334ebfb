"""The generator: the same for the same seed, of the size and shape that is stated, and its sums are right."""

import json
from collections import Counter
from decimal import Decimal

import numpy as np
import pytest

from benchmarks.backlogs import CHUNK, Backlog
from benchmarks.orders import DISORDER_US, TYPES, draw, spread_times
from shared.contracts.events import CleanEvent, us_of_text
from shared.contracts.intake import decode_structured

END_US = 1_767_225_600_000_000


def a_backlog(count: int = 2_000, seed: int = 1) -> Backlog:
    """Orders within two minutes."""
    return Backlog.of(count, ending_at_us=END_US, span_s=120, seed=seed)


def sent(backlog: Backlog) -> list[bytes]:
    """All of its events."""
    return [event for chunk in backlog.chunks() for event in chunk]


def test_same_seed() -> None:
    """Two runs with one seed send the same bytes, so that they can be compared."""
    assert sent(a_backlog()) == sent(a_backlog())


def test_other_seed() -> None:
    """Another seed makes other events."""
    assert sent(a_backlog(seed=1)) != sent(a_backlog(seed=2))


def test_acceptable() -> None:
    """Every event keeps the rules of intake and has the time it was given."""
    backlog = a_backlog()
    found = [decode_structured(event, timestamp_us=0) for event in sent(backlog)]
    times = [us_of_text(event.time) for event in found if isinstance(event, CleanEvent)]

    assert times == backlog.times_us.tolist()


def test_size() -> None:
    """An event has about 250 bytes."""
    sizes = [len(event) for event in sent(a_backlog())]

    assert 240 <= sum(sizes) / len(sizes) <= 260


def test_ids_differ() -> None:
    """No event is another's duplicate, across chunks as well."""
    ids = {json.loads(event)["id"] for event in sent(a_backlog(CHUNK + 10))}

    assert len(ids) == CHUNK + 10


def test_sums() -> None:
    """What the generator says the orders come to is what its bytes say, to the cent."""
    backlog = a_backlog()
    events = [json.loads(event, parse_float=Decimal) for event in sent(backlog)]
    placed = [event["data"]["amount"] for event in events if event["type"] == "order.placed"]

    assert (backlog.revenue, backlog.orders.placed()) == (sum(placed), len(placed))


def test_shares() -> None:
    """All four types come, placed orders most often, and the first product outsells the tenth tenfold."""
    orders = draw(20_000, seed=3)
    kinds = Counter(TYPES[kind] for kind in orders.kind.tolist())
    products = Counter(orders.product.tolist())

    assert [kind for kind, _ in kinds.most_common()] == list(TYPES)
    assert 8 < products[0] / products[9] < 12


def test_times() -> None:
    """Times fill their interval, never pass its end, and are out of order by no more than is stated."""
    times = spread_times(5_000, begin_us=0, end_us=10_000_000, seed=1)
    overtaken = np.maximum.accumulate(times) - times

    assert times.min() >= 0
    assert times.max() < 10_000_000
    assert 0 < overtaken.max() <= DISORDER_US


@pytest.mark.parametrize("begin", [0, 7, 1_995])
def test_any_stretch(begin: int) -> None:
    """A stretch encoded by itself is the same as within the whole."""
    backlog = a_backlog()
    times = backlog.times_us[begin:]

    assert backlog.orders.encoded(begin, times) == sent(backlog)[begin:]
