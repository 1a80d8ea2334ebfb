"""The oracle against numbers worked out by hand: whoever judges others has to be right first."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.oracle import Oracle, Record

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)

SALES = """
apiVersion: tidemark/v1
kind: KPI
slug: sales
event_type: sale
where: data.paid
value: data.amount
aggregate: sum
scale: 2
breakdowns: [[shop], [shop, till]]
windows: [5m, 1h]
---
slug: orders
event_type: sale
aggregate: count
breakdowns: [[shop]]
windows: [5m, 1h]
---
slug: mean_sale
event_type: sale
value: data.amount
aggregate: avg
scale: 2
windows: [1h]
---
slug: best_sale
event_type: sale
value: data.amount
aggregate: max
scale: 1
windows: [1h]
---
slug: sales_per_order
formula: sales / orders
breakdowns: [[shop]]
windows: [5m, 1h]
"""


def a_sale(number: int = 1, *, minutes_ago: float = 10, **data: Any) -> Record:
    """A sale of 2.50 in shop a, paid, *minutes_ago* before noon."""
    time = NOON - timedelta(minutes=minutes_ago)
    event = {
        "specversion": "1.0",
        "id": str(number),
        "source": "/till",
        "type": "sale",
        "time": time.isoformat(),
        "data": {"amount": 2.5, "paid": True, "shop": "a", "till": "1"} | data,
    }
    return Record(json.dumps(event).encode())


def changed(record: Record, **attributes: Any) -> Record:
    """*record* with other attributes of the envelope."""
    return Record(json.dumps(json.loads(record.value or b"") | attributes).encode())


def value(
    *records: Record, slug: str = "sales", window: str = "1h", **dimensions: str | None
) -> Decimal | None:
    oracle = Oracle(SALES, records, ingested_at=NOON)
    return oracle.value(slug, window, dimensions, NOON).value


def test_sums_are_exact() -> None:
    """Sums are those of the decimals as written, not of floats."""
    sales = [a_sale(number, amount=0.1) for number in range(3)]

    assert Decimal("0.30") == value(*sales)


@pytest.mark.parametrize(
    ("amount", "expected"),
    [("0.125", "0.12"), ("0.135", "0.14"), ("-0.125", "-0.12"), ("0.1250000001", "0.13")],
    ids=["tie to even below", "tie to even above", "negative tie", "just above a tie"],
)
def test_values_are_rounded_half_even(amount: str, expected: str) -> None:
    """Each value is rounded to the scale, ties to the even digit, before it is added."""
    sale = a_sale(amount="AMOUNT")
    raw = (sale.value or b"").replace(b'"AMOUNT"', amount.encode())

    assert Decimal(expected) == value(Record(raw))


def test_filter() -> None:
    """Events that do not pass, or lack the field, are not counted."""
    records = [a_sale(1), a_sale(2, paid=False), a_sale(3, paid=None), a_sale(4, paid="yes")]

    assert Decimal("2.50") == value(*records)


def test_first_of_an_identity_wins() -> None:
    """Of two events with the same source and id the first in the log counts; another source is another."""
    again = changed(a_sale(1, amount=100), source="/other")

    assert Decimal("102.50") == value(a_sale(1), a_sale(1, amount=7), again)


def test_retraction() -> None:
    """A retraction undoes the event of its source that it names, even one that comes after it."""
    undo = changed(a_sale(9), retracts="1")

    assert Decimal("2.50") == value(undo, a_sale(1), a_sale(2))


def test_a_retraction_is_told_by_what_it_names() -> None:
    """The id of a retraction takes no other event's place, and naming it undoes nothing."""
    undo = changed(a_sale(2), retracts="1")
    redo = changed(a_sale(9), retracts="2", source="/other")

    assert Decimal("2.50") == value(a_sale(1), undo, a_sale(2), redo)


def test_windows_are_half_open() -> None:
    """An event at the end of the window is outside, one at its start inside.

    |11:00 in [----1h----) 12:00 out|
    """
    assert Decimal("2.50") == value(a_sale(1, minutes_ago=60), a_sale(2, minutes_ago=0))


def test_the_end_is_rounded_up_and_the_start_down() -> None:
    """At 12:00:00.5 the KPI with a 5m window ends at 12:00:01, and its hour begins at 11:00:00."""
    oracle = Oracle(SALES, [], ingested_at=NOON)
    found = oracle.value("sales", "1h", {}, NOON + timedelta(seconds=0.5))

    assert (NOON - timedelta(hours=1), NOON + timedelta(seconds=1)) == (found.window_start, found.window_end)


def test_dimensions() -> None:
    """A combination of dimension values gets what carries all of them; a missing one is null."""
    records = [a_sale(1), a_sale(2, till="2"), a_sale(3, shop="b"), a_sale(4, shop=None)]

    assert [Decimal("5.00"), Decimal("2.50"), Decimal("2.50")] == [
        value(*records, shop="a"),
        value(*records, shop="a", till="2"),
        value(*records, shop=None),
    ]


def test_dimensions_of_other_types() -> None:
    """Numbers and truth values are dimensions as JSON writes them, lists are none, long texts overflow."""
    records = [
        a_sale(number, shop=shop) for number, shop in enumerate([7, True, 1.5, ["a"], "x" * 129, "e\u0301"])
    ]
    oracle = Oracle(SALES, records, ingested_at=NOON)

    assert oracle.series("orders", ("shop",)) == [
        {"shop": shop} for shop in (None, "1.5", "7", "__overflow__", "true", "\u00e9")
    ]


def test_series() -> None:
    """The series are the combinations that occur among the events that count, null first."""
    records = [a_sale(1, shop="b"), a_sale(2), a_sale(3, shop=None), a_sale(4, shop="c", paid=False)]
    oracle = Oracle(SALES, records, ingested_at=NOON)

    assert oracle.series("sales", ("shop",)) == [{"shop": None}, {"shop": "a"}, {"shop": "b"}]


def test_empty_windows() -> None:
    """Without events count and sum are 0 and everything else is null."""
    slugs = ("sales", "orders", "mean_sale", "best_sale", "sales_per_order")

    assert [value(slug=slug) for slug in slugs] == [0, 0, None, None, None]


def test_quotients_carry_twelve_digits() -> None:
    """An average and a formula are given to 12 significant digits: 10/3, and 3.33 * 3 / 3 exactly."""
    records = [a_sale(1, amount=2), a_sale(2, amount=3), a_sale(3, amount=5)]

    assert [Decimal("3.33333333333")] * 2 == [
        value(*records, slug="mean_sale"),
        value(*records, slug="sales_per_order"),
    ]


def test_scale_of_extremes() -> None:
    """The largest value is given at the measure's scale."""
    assert Decimal("2.7") == value(a_sale(1, amount=2.66), a_sale(2, amount=-9), slug="best_sale")


@pytest.mark.parametrize(
    "bad",
    [
        changed(a_sale(), id=""),
        changed(a_sale(), source=None),
        changed(a_sale(), type="a\nb"),
        changed(a_sale(), time="2026-03-10T11:50:00"),
        changed(a_sale(), time=(NOON + timedelta(minutes=6)).isoformat()),
        changed(a_sale(), time=(NOON - timedelta(days=401)).isoformat()),
        changed(a_sale(), data=[1]),
        Record((a_sale().value or b"").replace(b"2.5", b"NaN")),
        Record((a_sale().value or b"").replace(b'"till"', b'"shop"')),
        Record(b"{"),
        Record(None),
    ],
    ids=[
        "no id",
        "no source",
        "control",
        "naive",
        "future",
        "past",
        "list",
        "nan",
        "twice",
        "cut",
        "tombstone",
    ],
)
def test_invalid_events_do_not_count(bad: Record) -> None:
    """What the event rules refuse changes nothing, and neither does it take an identity."""
    assert Decimal("2.50") == value(bad, a_sale(1))


def test_binary_mode() -> None:
    """Attributes in headers and data in the value are the same event."""
    attributes = {
        "specversion": "1.0",
        "id": "1",
        "source": "/till",
        "type": "sale",
        "time": "2026-03-10T11:50:00Z",
    }
    headers = [(f"ce_{name}", text.encode()) for name, text in attributes.items()]

    assert Decimal("1.25") == value(Record(b'{"amount":1.25,"paid":true}', headers))


def test_time_of_the_record() -> None:
    """An event without a time has that of its record."""
    event = json.loads(a_sale().value or b"")
    del event["time"]
    minutes_ago_10 = int((NOON - timedelta(minutes=10)).timestamp() * 1000)

    assert Decimal("2.50") == value(Record(json.dumps(event).encode(), (), minutes_ago_10))


@pytest.mark.parametrize(
    ("theirs", "agrees"),
    [("0.333333333333", True), ("0.3333333333333333333", True), ("0.3333333333", False), (None, False)],
)
def test_agreement_of_quotients(theirs: str | None, agrees: bool) -> None:  # noqa: FBT001 - a column of the table
    """Others may give as many digits of a quotient as they like, from twelve on."""
    sales = [a_sale(1, amount=1), a_sale(2, amount=0), a_sale(3, amount=0)]
    ours = Oracle(SALES, sales, ingested_at=NOON).value("mean_sale", "1h", {}, NOON)

    assert agrees is ours.agrees_with(None if theirs is None else Decimal(theirs))
