"""How the panes must change when the log is changed in a way whose effect is known; nothing is recounted."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.compute.batches import count_batch
from shared.counting.programmes import Programme
from shared.domain.calendars import instant_us
from shared.domain.seen import Memory
from tests.simulation.kpis import catalogue
from tests.simulation.stores import addition_tuples
from tests.simulation.tables import Partial, merged
from tests.unit.compute.builders import NOW, a_record, an_event

Panes = dict[tuple[int, str, int, int], Partial]
"""(measure, series, rung, start) to (n, sum, min, max)."""

ORDERS, REVENUE, BY_SHOP, DEAR = 1, 2, 3, 4
"""The measures of the third revision."""

PROGRAMME = Programme.of(catalogue(3))
DAY_US = 86_400_000_000


@dataclass(frozen=True, slots=True)
class Sale:
    """An event that the measures know."""

    number: int
    ago: timedelta
    price: int
    shop: str


sales = st.lists(
    st.builds(
        Sale,
        st.integers(0, 10**6),
        st.one_of(st.integers(-60, 3600).map(lambda s: timedelta(seconds=s)), st.timedeltas(
            timedelta(0), timedelta(days=6))),
        st.integers(-5, 40),
        st.sampled_from(["a", "b", "c"]),
    ),
    max_size=25,
    unique_by=lambda sale: sale.number,
)  # fmt: skip


def panes_of(log: Iterable[Sale], *, later: timedelta = timedelta(0)) -> Panes:
    """The panes of *log* when everything, its counting included, happens *later*."""
    records = [
        a_record(
            an_event(sale.number, ago=sale.ago - later, data={"price": sale.price, "shop": sale.shop}),
            offset=offset,
        )
        for offset, sale in enumerate(log)
    ]
    if not records:
        return {}
    found = count_batch({0: records}, PROGRAMME, {0: Memory.of(1000)}, now_us=instant_us(NOW + later))
    panes: Panes = {}
    for addition in found.additions:
        for group, rung, start_us, *partial in addition_tuples(addition):
            key = (addition.measure_id, addition.series[group], rung, start_us)
            n, total, low, high = partial
            panes[key] = merged(panes.get(key), (n, total, low, high))
    return panes


def by_time(panes: Panes, *measures: int) -> Mapping[tuple[int, int], tuple[int, int]]:
    """N and sum by (rung, start), the series of *measures* put together."""
    found: dict[tuple[int, int], Counter[str]] = defaultdict(Counter)
    for (measure, _, rung, start_us), (n, total, _, _) in panes.items():
        if measure in measures:
            found[rung, start_us].update({"n": n, "sum": total})
    return {key: (parts["n"], parts["sum"]) for key, parts in found.items()}


def added(one: Panes, other: Panes) -> Panes:
    """Both, pane by pane."""
    return {
        key: merged(one.get(key), other[key]) if key in other else one[key]
        for key in one.keys() | other.keys()
    }


@given(log=sales, days=st.integers(1, 300))
def test_shifted(log: Sequence[Sale], days: int) -> None:
    """A log that happens whole days later makes the same panes that much later."""
    shifted = {
        (measure, series, rung, start_us + days * DAY_US): partial
        for (measure, series, rung, start_us), partial in panes_of(log).items()
    }

    assert panes_of(log, later=timedelta(days=days)) == shifted


@given(log=sales, factor=st.integers(2, 1000))
def test_scaled(log: Sequence[Sale], factor: int) -> None:
    """Prices times a factor make sums and extremes times that factor, and no other counts."""
    larger = panes_of([replace(sale, price=sale.price * factor) for sale in log])
    expected = {
        key: (n, total * factor, low * factor, high * factor)
        for key, (n, total, low, high) in panes_of(log).items()
        if key[0] in (REVENUE, BY_SHOP)
    }

    assert {key: one for key, one in larger.items() if key[0] in (REVENUE, BY_SHOP)} == expected


@given(log=sales, data=st.data())
def test_parts_add_up(log: Sequence[Sale], data: st.DataObject) -> None:
    """The logs of two tenants, counted apart and merged, are the log of both counted together."""
    here = data.draw(st.lists(st.booleans(), min_size=len(log), max_size=len(log)))
    one = panes_of([sale for sale, is_here in zip(log, here, strict=True) if is_here])
    other = panes_of([sale for sale, is_here in zip(log, here, strict=True) if not is_here])

    assert added(one, other) == panes_of(log)


@given(log=sales)
def test_split_keys_merge(log: Sequence[Sale]) -> None:
    """A series split by a salt says together what it said before, and its total stays as it was."""
    salted = [replace(sale, shop=f"{sale.shop}{sale.number % 3}") for sale in log]
    before, after = panes_of(log), panes_of(salted)

    assert by_time(after, BY_SHOP) == by_time(before, BY_SHOP)
    assert by_time(after, ORDERS, REVENUE, DEAR) == by_time(before, ORDERS, REVENUE, DEAR)


@given(log=sales, noise=sales)
def test_noise_stays_apart(log: Sequence[Sale], noise: Sequence[Sale]) -> None:
    """Events of one key change the rows of no other key."""
    apart = [replace(sale, number=sale.number + 10**7, shop="noise") for sale in noise]
    whole = panes_of([*log, *apart])
    others = {key: one for key, one in whole.items() if key[0] == BY_SHOP and "noise" not in key[1]}

    assert others == {key: one for key, one in panes_of(log).items() if key[0] == BY_SHOP}


@given(log=sales)
def test_copies_change_nothing(log: Sequence[Sale]) -> None:
    """Every event twice, in any place, makes the panes of every event once."""
    assert panes_of([*log, *reversed(log)]) == panes_of(log)


@given(log=sales)
def test_the_ladder_is_consistent(log: Sequence[Sale]) -> None:
    """A coarser pane is the sum of the finer ones within it, as far as these are still written."""
    panes = by_time(panes_of(log), REVENUE)
    hours: dict[int, Counter[str]] = defaultdict(Counter)
    for (rung, start_us), (n, total) in panes.items():
        if rung == MINUTES:
            hours[start_us - start_us % HOUR_US].update({"n": n, "sum": total})

    assert {start: (parts["n"], parts["sum"]) for start, parts in hours.items()} == {
        start_us: one for (rung, start_us), one in panes.items() if rung == HOURS
    }


MINUTES, HOURS, HOUR_US = 2, 4, 3_600_000_000
"""Rungs by number: events here are younger than minutes are written for."""
