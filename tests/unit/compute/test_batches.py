"""A batch in memory: what is applied, what is a copy, what is refused, and that nothing else can happen."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.compute.batches import CountedBatch, count_batch
from shared.counting.programmes import Programme
from shared.domain.calendars import instant_us
from shared.domain.fold import pane_partials
from shared.domain.seen import Memory
from tests.unit.compute.builders import NOW, ARecord, a_record, an_event
from tests.unit.domain.kpi_builders import a_catalogue, a_kpi

PROGRAMME = Programme.of(
    a_catalogue(
        a_kpi("orders", breakdowns=["shop"]), a_kpi("revenue", aggregate="sum", value="data.price", scale=2)
    )
)


def counted(records: Sequence[ARecord], memory: Memory | None = None) -> CountedBatch:
    """*records* of partition 0, counted."""
    memories = {0: Memory.of(1000) if memory is None else memory}
    return count_batch({0: records}, PROGRAMME, memories, now_us=instant_us(NOW))


def outcome(records: Sequence[ARecord], memory: Memory | None = None) -> tuple[int, int, int, int]:
    """Consumed, applied, duplicate, dead-lettered."""
    tally = counted(records, memory).tallies[0]
    return tally.consumed, tally.applied, tally.duplicate, tally.dead_lettered


def an_envelope(**fields: Any) -> bytes:
    """JSON that looks like a clean event, unless *fields* say otherwise."""
    good = {
        "specversion": "1.0", "id": "1", "source": "/shop", "type": "order.paid",
        "time": "2026-03-04T05:05:37.000000Z", "data": {"price": 1},
    }  # fmt: skip
    return json.dumps(good | fields).encode()


FOREIGN = {
    "no value": a_record(value=None),
    "empty": a_record(value=b""),
    "not JSON": a_record(value=b"{"),
    "not UTF-8": a_record(value=b'{"specversion":"1.0","id":"\xff"}'),
    "no event": a_record(value=b"[1, 2]"),
    "lines of its own": a_record(value=an_envelope() + b"\n" + an_envelope(id="2")),
    "no key": a_record(key=None),
    "short key": a_record(key=b"order-1"),
    "no data": a_record(value=an_envelope(data=None)),
    "no time": a_record(value=an_envelope(time=None)),
    "time in words": a_record(value=an_envelope(time="yesterday")),
    "time without digits": a_record(value=an_envelope(time="2026-03-04T05:05:37Z")),
    "time with an offset": a_record(value=an_envelope(time="2026-03-04T05:05:37.00+00:00")),
    "time of right length": a_record(value=an_envelope(time="2026-03-04T05:05:3x.000000Z")),
    "time of other digits": a_record(value=an_envelope(time="2026-03-04T05:05:37.00000\u0663Z")),
    "time that is none": a_record(value=an_envelope(time="9999-99-99T99:99:99.999999Z")),
    "year nought": a_record(value=an_envelope(time="0000-03-04T05:05:37.000000Z")),
    "too deep": a_record(value=b'{"specversion":"1.0","data":' + b"[" * 5000),
}


@pytest.mark.parametrize("foreign", FOREIGN.values(), ids=FOREIGN)
def test_foreign_records(foreign: ARecord) -> None:
    """What ingest has not written is refused, and what stands around it is counted."""
    good = [a_record(an_event(n), offset=n) for n in (10, 11)]

    batch = counted([good[0], foreign, good[1]])

    assert [(one.record, one.reason) for one in batch.refused] == [(foreign, "not_clean")]
    assert batch.tallies[0].applied == 2


@pytest.mark.parametrize("price", ["92000000000000001", "1e400", "-1e30", "1" + "0" * 37])
def test_values_beyond_64_bits(price: str) -> None:
    """A value that 64 bits do not hold at its scale is refused with its event, which counts nowhere."""
    value = an_envelope().replace(b'"price": 1', b'"price": ' + price.encode())
    batch = counted([a_record(an_event(7)), a_record(value=value, offset=1)])

    assert [one.reason for one in batch.refused] == ["value_out_of_range"]
    assert [{pane.n for pane in pane_partials(addition.deltas).values()} for addition in batch.additions] == [
        {1}
    ] * 3
    assert len(batch.tallies[0].ids) == 16


def test_a_refused_event_may_come_again() -> None:
    """The id of a refused event is not remembered: sent again with a value that fits, it counts."""
    memory = Memory.of(1000)
    large = a_record(an_event(1, data={"price": 10**18}))

    assert outcome([large], memory) == (1, 0, 0, 1)
    assert outcome([a_record(an_event(1))], memory) == (1, 1, 0, 0)


def test_copies() -> None:
    """Of copies within a batch or of an earlier one, the first counts; the position passes all of them."""
    memory = Memory.of(1000)
    first = counted([a_record(an_event(1), offset=4), a_record(an_event(1), offset=6)], memory)

    assert (first.tallies[0].to_offset, first.tallies[0].applied, first.tallies[0].duplicate) == (7, 1, 1)
    assert outcome([a_record(an_event(1), offset=7), a_record(an_event(2), offset=8)], memory) == (2, 1, 1, 0)


def test_an_id_belongs_to_its_source() -> None:
    """The same id from another source is another event."""
    assert outcome([a_record(an_event(1)), a_record(an_event(1, source="/other"), offset=1)]) == (2, 2, 0, 0)


def test_events_that_nobody_measures() -> None:
    """An event of a type without a KPI is applied all the same: a KPI that comes later may ask for it."""
    batch = counted([a_record(an_event(1, type="order.lost"))])

    assert batch.tallies[0].applied == 1
    assert batch.additions == []


def test_a_dimension_with_a_nul() -> None:
    """A dimension value that Postgres cannot show is counted under the overflow series."""
    batch = counted([a_record(an_event(1, data={"shop": "a\0b"}))])

    assert {text for addition in batch.additions for text in addition.series.values()} == {
        "[]",
        '["__overflow__"]',
    }


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.decimals().map(str)
anything = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)  # fmt: skip
envelopes = st.fixed_dictionaries(
    {},
    optional={
        "specversion": st.just("1.0") | anything,
        "id": st.just("1") | anything,
        "source": st.just("/shop") | anything,
        "type": st.just("order.paid") | anything,
        "time": st.just("2026-03-04T05:05:37.000000Z") | st.text() | anything,
        "data": anything | st.fixed_dictionaries({"price": anything, "shop": anything}),
        "retracts": anything,
    },
)
values = (
    st.binary()
    | envelopes.map(lambda tree: json.dumps(tree).encode())
    | envelopes.map(lambda tree: an_envelope(**tree))
)
records = st.lists(
    st.builds(
        ARecord,
        offset=st.just(0),
        key=st.none() | st.binary(max_size=20) | st.binary(min_size=16, max_size=16),
        value=st.none() | values,
    ),
    min_size=1,
    max_size=6,
)


@given(foreign=records)
def test_anything_is_accounted_for(foreign: Sequence[ARecord]) -> None:
    """Whatever lies in the clean topic, nothing but a balanced ledger comes of it."""
    consumed, applied, duplicate, dead_lettered = outcome(foreign)

    assert consumed == len(foreign) == applied + duplicate + dead_lettered
