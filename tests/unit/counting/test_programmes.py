"""What a catalogue compiles to: every measure once, with everything that feeds it."""

from typing import Any

from services.compute.batches import count_batch
from shared.counting.programmes import Programme
from shared.domain.calendars import instant_us
from shared.domain.fold import pane_partials
from shared.domain.seen import Memory
from tests.unit.compute.builders import NOW, a_record, an_event
from tests.unit.domain.kpi_builders import a_catalogue, a_kpi


def test_shared_measures_are_counted_once() -> None:
    """KPIs that differ in name, windows or meaning, but not in what they take from events, share panes."""
    catalogue = a_catalogue(
        a_kpi("orders", windows=["5m"]),
        a_kpi("orders_again", windows=["1m", "30d"], title="The same, for others"),
        a_kpi("mean", aggregate="avg", value="data.price", windows=["5m"]),
        a_kpi("worst", aggregate="max", value="data.price", windows=["5m"]),
    )
    programme = Programme.of(catalogue)
    record = a_record(an_event())

    batch = count_batch({0: [record]}, programme, {0: Memory.of(10)}, now_us=instant_us(NOW))

    assert len(programme.measure_ids) == len(batch.additions) == 2
    assert all(p.n == 1 for addition in batch.additions for p in pane_partials(addition.deltas).values())


def test_what_makes_a_measure() -> None:
    """Another filter, value, scale, zone, breakdown or finest rung makes another measure."""
    base: dict[str, Any] = {"aggregate": "sum", "value": "data.price", "windows": ["5m"]}
    differences: list[dict[str, Any]] = [
        {},
        {"where": "data.price > 1"},
        {"value": "data.tax"},
        {"scale": 2},
        {"zone": "Europe/Berlin"},
        {"breakdowns": ["shop"]},
        {"windows": ["1h"]},
    ]
    kpis = [a_kpi(f"kpi_{n}", **{**base, **one}) for n, one in enumerate(differences)]

    programme = Programme.of(a_catalogue(*kpis))

    # Seven totals, of which that of the KPI with a breakdown is the first one's, and its breakdown.
    assert len(programme.measure_ids) == 7


def test_one_pass_for_equal_filters() -> None:
    """Measures that differ only in breakdown, zone or rung are fed by one evaluation."""
    catalogue = a_catalogue(
        a_kpi("orders", where="data.price > 1", breakdowns=["shop", ["shop", "till"]]),
        a_kpi("by_hour", where="data.price > 1", windows=["24h"]),
        a_kpi("others", where="data.price <= 1"),
    )

    stream = Programme.of(catalogue).streams["order.paid"]

    assert [len(targets) for targets in stream.targets] == [4, 1]
    assert set(stream.dimensions) == {"shop", "till"}


def test_formulas_count_nothing() -> None:
    """A formula is worked out of what others have counted."""
    catalogue = a_catalogue(a_kpi("orders"), a_kpi("twice", formula="orders * 2"))

    assert len(Programme.of(catalogue).measure_ids) == 1


def test_no_kpis() -> None:
    """A catalogue without KPIs measures nothing, and events are still applied."""
    programme = Programme.of(a_catalogue())

    batch = count_batch({0: [a_record()]}, programme, {0: Memory.of(10)}, now_us=instant_us(NOW))

    assert (batch.additions, batch.tallies[0].applied) == ([], 1)
