"""Readings without a database: panes worked out from events, the values judged by the oracle."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contracts.series import series_values
from shared.domain.aggregates import Numbers
from shared.domain.aggregates.ends import End, Ends
from shared.domain.calendars import Calendar, as_datetime, instant_us
from shared.domain.definitions import Catalogue, catalogue_problems
from shared.domain.definitions.kpi_files import kpis_of
from shared.domain.errors import UnknownBreakdownError, UnknownKpiError, UnknownWindowError
from shared.domain.readings import Answer, Plan, Reading, plan
from shared.domain.windows import LENGTH_US, Rung, Span
from shared.storage.asks import Ask, Wanted
from shared.storage.completeness import Completeness
from shared.storage.pane_answers import SeriesQuestion
from shared.storage.readings import questions_of, readings_of
from tests.oracle import Oracle, Record
from tests.unit.domain.kpi_builders import a_catalogue, a_kpi
from tests.unit.domain.test_calendars import places, us

WINDOWS = (
    ("10s", "5m", "1h"), ("1h", "24h"), ("24h", "7d"), ("30d", "50d"), ("90d", "91d"), ("100d", "180d"),
    ("this_hour", "previous_hour"), ("today", "yesterday"), ("this_week", "previous_week"),
    ("mtd", "previous_month"), ("qtd", "previous_quarter"), ("ytd", "previous_year"),
    ("previous_hour", "30d"), ("previous_month",), ("previous_year",), ("1h", "mtd", "400d"),
)  # fmt: skip
"""The windows that a KPI has together: the shortest decides how finely all of them end."""

LEAVES = {
    "orders": "aggregate: count",
    "revenue": "aggregate: sum; value: data.amount; scale: 2",
    "least": "aggregate: min; value: data.amount; scale: 2",
}
FORMULAS = {
    "mean": "revenue / orders",
    "growth": "revenue - prev(revenue)",
    "part": "share(revenue)",
    "part_before": "prev(share_of)",
    "share_of": "revenue / total(revenue)",
    "shift_of_share": "share(orders) - prev(orders) / prev(total(orders))",
    "before": "prev(least)",
    "mixed": "coalesce(prev(mean), 0) + coalesce(total(growth), 0)",
}
MOVING = {
    "pace": "aggregate: rate; value: data.amount; scale: 2",
    "quiet": "aggregate: time_since_last",
}


STRUCTURED = [("content-type", b"application/cloudevents+json")]


@dataclass(frozen=True, slots=True)
class Order:
    """An event of the shop."""

    at_us: int
    country: str
    amount: int

    @property
    def record(self) -> Record:
        """The same as its sender writes it."""
        attributes = {"specversion": "1.0", "id": repr(self), "source": "/shop", "type": "order.paid"}
        data = {"country": self.country, "amount": self.amount / 100}
        head = attributes | {"time": as_datetime(self.at_us).isoformat()}
        return Record(
            json.dumps(head | {"data": data}).encode(), [("content-type", b"application/cloudevents+json")]
        )


@dataclass(frozen=True, slots=True)
class Shop:
    """A catalogue, the text of its files, the orders there are, and an instant."""

    text: str
    catalogue: Catalogue
    orders: Sequence[Order]
    at_us: int

    def reading(self, ask: Ask, *, now_us: int) -> Reading:
        """The reading that follows from the panes that the orders make."""
        keys = questions_of(self.catalogue, [ask])
        answers = {key: self.answer(key, now_us=now_us) for key in keys}
        return readings_of(self.catalogue, [ask], answers, COUNTED, now=as_datetime(now_us))[0]

    def answer(self, key: SeriesQuestion, *, now_us: int) -> tuple[Plan, Answer]:
        """What panes say that were written at once, at whatever rung."""
        planned, calendar = plan(key.question, now_us=now_us), Calendar(key.question.zone)
        kpi = next(k for k in self.catalogue.kpis.values() if self._measures(k.measures(), key))
        found = [o for o in self._orders(key) if kpi.hours is None or is_open(kpi.zone, o.at_us)]
        inside = [o for o in found if planned.whole.start_us <= o.at_us < planned.whole.end_us]
        first, later = (first_pane(spans, found, calendar) for spans in (planned.spans, planned.ahead))
        return planned, Answer(partial_of(inside, kpi.rule.aggregate), first, later)

    def _measures(self, measures: Sequence[Any], key: SeriesQuestion) -> bool:
        return any(self.catalogue.measure_ids[m.fingerprint] == key.measure_id for m in measures)

    def _orders(self, key: SeriesQuestion) -> list[Order]:
        values = series_values(key.dimensions)
        return [order for order in self.orders if not values or order.country == values[0]]


COUNTED = Completeness(as_datetime(0), None, {})


def is_open(zone: str, at_us: int) -> bool:
    """Business hours are Monday to Thursday from 01:30 to 20:00."""
    shown = Calendar(zone).local(at_us)
    return shown.weekday() < 4 and timedelta(hours=1, minutes=30) <= shown - datetime.combine(
        shown.date(), datetime.min.time()
    ) < timedelta(hours=20)


def partial_of(orders: Sequence[Order], aggregate: str) -> Any:
    if aggregate == "time_since_last":
        ends = [End(order.at_us, bytes(16), 0) for order in sorted(orders, key=lambda order: order.at_us)]
        return Ends(len(ends), ends[0], ends[-1]) if ends else Ends()
    amounts = [order.amount for order in orders]
    return Numbers(len(amounts), sum(amounts), min(amounts), max(amounts)) if amounts else Numbers()


def first_pane(spans: Sequence[Span], orders: Sequence[Order], calendar: Calendar) -> int | None:
    starts = [
        calendar.day_start(o.at_us) if span.rung is Rung.D1 else o.at_us - o.at_us % LENGTH_US[span.rung]
        for span in spans
        for o in orders
        if span.start_us <= o.at_us < span.end_us
    ]
    return min(starts, default=None)


def document(slug: str, meaning: str, common: str) -> str:
    lines = "\n".join(meaning.split("; "))
    head = f"apiVersion: tidemark/v1\nkind: KPI\nslug: {slug}\ntitle: T\ncategory: financial\nowner: o\n"
    return f"{head}{lines}\n{common}"


@st.composite
def shops(draw: st.DrawFn, leaves: dict[str, str]) -> Shop:
    """A shop in some zone, with orders near the edges of its windows."""
    zone, at = draw(places())
    windows = draw(st.sampled_from(WINDOWS))
    common = f"breakdowns: [country]\nwindows: [{', '.join(windows)}]\nzone: {zone}\n"
    common += f"fiscal_year_start: {draw(st.integers(1, 12))}\n"
    hours = 'business_hours: {days: [mon, tue, wed, thu], from: "01:30", to: "20:00"}\n'
    hours = draw(st.sampled_from(("", "", hours)))
    documents = [document(s, "event_type: order.paid; " + m, common + hours) for s, m in leaves.items()]
    documents += [document(s, f"formula: {m}", common) for s, m in FORMULAS.items() if "orders" in leaves]
    text = "---\n".join(documents)
    catalogue = a_catalogue(*kpis_of(text))
    assert catalogue_problems(catalogue.kpis) == ()
    edges = [edge for slug in leaves for name in windows for edge in edges_of(catalogue, slug, name, at)]
    near = st.builds(lambda edge, by: edge + by, st.sampled_from(edges), st.sampled_from((-1, 0, 1)))
    ago = st.builds(lambda edge, by: edge - by, st.sampled_from(edges), st.integers(0, 3 * 86_400_000_000))
    soon = st.integers(at, at + 300_000_000)
    orders = st.builds(Order, near | ago | soon, st.sampled_from("DF"), st.integers(-500, 500))
    return Shop(text, catalogue, draw(st.lists(orders, max_size=12, unique=True)), at)


def edges_of(catalogue: Catalogue, slug: str, window: str, at: int) -> list[int]:
    key = next(iter(questions_of(catalogue, [Ask(slug, window, (), as_datetime(at))])))
    whole = plan(key.question, now_us=at).whole
    length = whole.end_us - whole.start_us
    return [whole.start_us, whole.end_us, at, whole.start_us - length, at - length]


def asks(shop: Shop) -> list[Ask]:
    at = as_datetime(shop.at_us)
    return [
        Ask(slug, window, series, at)
        for slug, kpi in shop.catalogue.kpis.items()
        for window in kpi.windows
        for series in ((), (("country", "D"),))
    ]


@given(shop=shops(LEAVES), age=st.just(0) | st.integers(0, 390 * 86_400_000_000))
def test_the_oracle_agrees(shop: Shop, age: int) -> None:
    """Every KPI, formula, window and series has the oracle's value, of as many events, over its interval."""
    now_us = shop.at_us + age
    oracle = Oracle(shop.text, [order.record for order in shop.orders], ingested_at=None)

    for ask in asks(shop):
        found = shop.reading(ask, now_us=now_us)
        expected = oracle.value(ask.slug, ask.window, dict(ask.dimensions), ask.at, now=as_datetime(now_us))

        assert (expected.window_start, expected.window_end, expected.n) == (
            found.window_start, found.window_end, found.n,
        ), ask  # fmt: skip
        assert expected.agrees_with(found.value), (ask, expected, found)


@given(shop=shops(LEAVES) | shops(MOVING), where=st.floats(0, 1))
def test_a_value_stays_until_it_says(shop: Shop, where: float) -> None:
    """Without an event it is the same up to and including `valid_until`, and for ever where that is null."""
    for ask in asks(shop):
        first = shop.reading(ask, now_us=shop.at_us)
        for_ever = as_datetime(shop.at_us + 500 * 86_400_000_000)
        until = instant_us(first.valid_until or for_ever)
        assert until >= shop.at_us

        for later in (shop.at_us + int(where * (until - shop.at_us)), until):
            moved = Ask(ask.slug, ask.window, ask.dimensions, as_datetime(later))
            assert first.value == shop.reading(moved, now_us=later).value, (moved, first)


def a_shop(*orders: Order, formula: str, windows: Sequence[str] = ("1h",)) -> Shop:
    """A shop that sells, at noon in UTC, with one formula."""
    leaf = a_kpi(
        "revenue", value="data.amount", aggregate="sum", scale=2, windows=windows, breakdowns=["country"]
    )
    kpi = a_kpi("f", formula=formula, windows=windows, breakdowns=["country"])
    return Shop("", a_catalogue(leaf, kpi), orders, us("2026-06-01T12:00Z"))


def test_share_of_total() -> None:
    """The part of one country in all: 30 of 40 within the hour; n counts the country's events alone."""
    hour = us("2026-06-01T11:00Z")
    shop = a_shop(
        Order(hour, "D", 1000), Order(hour, "D", 2000), Order(hour, "F", 1000), formula="share(revenue)"
    )

    found = shop.reading(Ask("f", "1h", (("country", "D"),), as_datetime(shop.at_us)), now_us=shop.at_us)

    assert (Decimal("0.75"), 2) == (found.value, found.n)


def test_prev_waits_for_what_the_window_before_will_find() -> None:
    """An order of 11:30 is in the window before from 12:30 on: the value says so, although nothing leaves.

    | 10:00 [-- prev --) 11:00 [-- 11:30 * --) 12:00 |
    """
    shop = a_shop(Order(us("2026-06-01T11:30Z"), "D", 1000), formula="prev(revenue)")

    found = shop.reading(Ask("f", "1h", (), as_datetime(shop.at_us)), now_us=shop.at_us)

    assert found.valid_until is not None
    assert (Decimal(0), 0) == (found.value, found.n)
    assert us("2026-06-01T12:00Z") <= instant_us(found.valid_until) <= us("2026-06-01T12:30Z")


def test_prev_of_a_previous_window() -> None:
    """What yesterday's value was yesterday: the day before it."""
    shop = a_shop(
        Order(us("2026-05-30T12:00Z"), "D", 500), Order(us("2026-05-31T12:00Z"), "D", 700),
        formula="revenue - prev(revenue)", windows=["yesterday"],
    )  # fmt: skip

    found = shop.reading(Ask("f", "yesterday", (), as_datetime(shop.at_us)), now_us=shop.at_us)

    assert Decimal(2) == found.value
    assert found.valid_until == datetime(2026, 6, 1, 23, 59, 59, 999_999, tzinfo=UTC)


@pytest.mark.parametrize(
    ("ask", "error"),
    [
        (Ask("g", "1h", (), as_datetime(0)), UnknownKpiError),
        (Ask("f", "2h", (), as_datetime(0)), UnknownWindowError),
        (Ask("f", "1h", (("shop", None),), as_datetime(0)), UnknownBreakdownError),
    ],
)
def test_what_there_is_not(ask: Ask, error: type[Exception]) -> None:
    """An ask for an unknown KPI, window or breakdown is refused by name."""
    with pytest.raises(error):
        Wanted.of(a_shop(formula="revenue * 2").catalogue, ask)


def test_the_rate_of_nothing() -> None:
    """Over no time there is none, and the value says that it will be 0: until business opens."""
    hours = {"days": ["mon"], "from": "09:00", "to": "17:00"}
    kpi = a_kpi("pace", aggregate="rate", windows=["today"], business_hours=hours)
    shop = Shop("", a_catalogue(kpi), [], us("2026-06-01T08:59:59Z"))
    ask = Ask("pace", "today", (), as_datetime(shop.at_us))

    closed = shop.reading(ask, now_us=shop.at_us)
    opened = shop.reading(
        replace(ask, at=as_datetime(us("2026-06-01T09:00:01Z"))), now_us=us("2026-06-01T09:00:01Z")
    )

    assert (None, Decimal(0)) == (closed.value, opened.value)
    assert closed.valid_until == datetime(2026, 6, 1, 9, tzinfo=UTC)
