"""The KPIs that are measured with: ten of a shop, one for probes, one with many series."""

from collections.abc import Sequence
from typing import Any

from benchmarks.probes import TYPE as PROBE_TYPE
from shared.domain.definitions import Kpi

ONE_WINDOW = ("5m",)
FIVE_WINDOWS = ("5m", "1m", "1h", "24h", "today")
"""Both have the same finest rung, 1 s: panes are the same, only the number of questions differs."""

MANY_MORE = tuple(f"{minutes}m" for minutes in range(2, 48) if minutes != 5)
"""Forty-five windows that overlap: each asks a question of the same panes."""

WINDOWS = {1: ONE_WINDOW, 5: FIVE_WINDOWS, 20: FIVE_WINDOWS + MANY_MORE[:15], 50: FIVE_WINDOWS + MANY_MORE}
"""By how many there are; all with the finest rung 1 s."""

CHECKED = "revenue"
"""The KPI whose total is held against the generator's."""

PROBE = "probes_counted"
MANY_SERIES = "orders_by_customer"

_REGION = (("region",),)
_PRODUCT = (("region",), ("product",))


def ten_kpis(windows: Sequence[str]) -> list[Kpi]:
    """Ten KPIs of a shop: eight made of events, two of other KPIs; three are kept by product, too."""
    paid: dict[str, Any] = {"event_type": "order.paid", "value": "data.amount", "scale": 2}
    placed: dict[str, Any] = {"event_type": "order.placed", "value": "data.amount", "scale": 2}
    large = "data.amount >= 100 and data.channel != 'shop'"
    return [
        _kpi("orders", windows, _PRODUCT, event_type="order.placed", aggregate="count"),
        _kpi(CHECKED, windows, _PRODUCT, **placed, aggregate="sum"),
        _kpi("mean_payment", windows, _REGION, **paid, aggregate="avg"),
        _kpi("largest_payment", windows, _REGION, **paid, aggregate="max"),
        _kpi("web_revenue", windows, _REGION, **placed, where="data.channel == 'web'", aggregate="sum"),
        _kpi("large_orders", windows, _REGION, event_type="order.placed", where=large, aggregate="count"),
        _kpi(
            "units_shipped",
            windows,
            _REGION,
            event_type="order.shipped",
            value="data.quantity",
            aggregate="sum",
        ),
        _kpi("cancellations", windows, _PRODUCT, event_type="order.cancelled", aggregate="count"),
        _kpi("cancellation_rate", windows, _PRODUCT, formula="cancellations / orders"),
        _kpi("large_share", windows, _REGION, formula="large_orders / orders"),
    ]


def ten_on_three(windows: Sequence[str]) -> list[Kpi]:
    """Ten KPIs of two event types, each kept in all and by region, by product and by channel."""
    three = (("region",), ("product",), ("channel",))
    placed: dict[str, Any] = {"event_type": "order.placed"}
    worth = placed | {"value": "data.amount", "scale": 2}
    paid = {"event_type": "order.paid", "value": "data.amount", "scale": 2}
    return [
        _kpi("orders", windows, three, **placed, aggregate="count"),
        _kpi(CHECKED, windows, three, **worth, aggregate="sum"),
        _kpi("mean_order", windows, three, **worth, aggregate="avg"),
        _kpi("smallest_order", windows, three, **worth, aggregate="min"),
        _kpi("largest_order", windows, three, **worth, aggregate="max"),
        _kpi("units_ordered", windows, three, **placed, value="data.quantity", aggregate="sum"),
        _kpi("payments", windows, three, event_type="order.paid", aggregate="count"),
        _kpi("paid", windows, three, **paid, aggregate="sum"),
        _kpi("mean_payment", windows, three, **paid, aggregate="avg"),
        _kpi("payment_rate", windows, three, formula="payments / orders"),
    ]


def probe_kpi() -> Kpi:
    """How many probes have been counted within an hour."""
    return _kpi(PROBE, ("1h", "1m"), (), event_type=PROBE_TYPE, where="has(data.probe)", aggregate="count")


def many_series_kpi() -> Kpi:
    """Orders of each of 500 customers, kept for windows up to a month."""
    windows = ("24h", "1h", "7d", "30d")
    return _kpi(MANY_SERIES, windows, (("customer",),), event_type="order.placed", aggregate="count")


def _kpi(slug: str, windows: Sequence[str], breakdowns: Sequence[Sequence[str]], **fields: Any) -> Kpi:
    meaning = {"title": slug.replace("_", " ").capitalize(), "category": "operational", "owner": "benchmarks"}
    shape = {"slug": slug, "windows": list(windows), "breakdowns": [list(names) for names in breakdowns]}
    return Kpi.model_validate(meaning | shape | fields)
