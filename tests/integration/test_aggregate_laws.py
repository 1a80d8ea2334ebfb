"""Every aggregate is what the oracle says, whichever way the events come: laws, on a real Postgres."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.contracts.events import CleanEvent, encode_clean
from shared.domain.definitions import Kpi
from shared.domain.definitions.kpi_files import kpis_of
from shared.storage.engine import reading
from shared.storage.readings import value
from tests.integration.counting_rig import Counting, law, oracle_of
from tests.integration.test_counting_laws import INSTANTS, ages, counted, shops
from tests.oracle import Oracle, Record
from tests.shop.judging import differences
from tests.unit.compute.builders import NOW, an_event

KPI_FILE = Path(__file__).parents[1] / "shop" / "aggregates.yaml"

prices = st.one_of(
    st.integers(-5, 300),
    st.decimals(-1000, 1000, places=3, allow_nan=False),
    st.sampled_from([0.1, 1, 1.0, Decimal("1.00"), 10**15, -(10**15)]),
    st.sampled_from([True, "1", "Ko\u0308ln", None, ["list"]]),
)
few_instants = st.integers(0, 3).map(lambda n: timedelta(seconds=20 * n))
"""So few that events share one, and the key decides which of them is first."""

events = st.builds(
    lambda number, ago, kind, data: an_event(number, ago=ago, type=kind, data=data),
    st.integers(0, 30),
    st.one_of(ages, few_instants),
    st.sampled_from(["order.paid", "order.paid", "order.paid", "order.refunded"]),
    st.fixed_dictionaries(
        {}, optional={"price": prices, "shop": shops, "channel": st.sampled_from(["web", "till", None])}
    ),
)
logs = st.lists(events, max_size=40, unique_by=lambda event: event.id)
copied = logs.flatmap(
    lambda log: (
        st.lists(st.sampled_from(log), max_size=10).flatmap(lambda copies: st.permutations([*log, *copies]))
        if log
        else st.just(log)
    )
)


def all_kpis() -> tuple[Kpi, ...]:
    """KPIs of every aggregate."""
    return kpis_of(KPI_FILE.read_text(encoding="utf-8"))


def test_every_aggregate(database_url: str) -> None:
    """Whatever the order, batches, partitions, copies and restarts: every aggregate is what it should be."""
    with law(database_url, all_kpis()) as place:

        @settings(max_examples=25)
        @given(
            came=copied,
            partitions=st.integers(1, 4),
            sizes=st.lists(st.integers(1, 20), min_size=1, max_size=3),
            restart=st.integers(1, 4),
        )
        def holds(came: list[CleanEvent], partitions: int, sizes: list[int], restart: int) -> None:
            place.holds(_is_right(place.counting, came, partitions, sizes, restart))

        holds()


async def _is_right(
    counting: Counting, came: list[CleanEvent], partitions: int, sizes: list[int], restart: int
) -> None:
    await counted(counting, came, partitions=partitions, sizes=sizes, restart=restart)
    oracle = oracle_of(came, KPI_FILE)

    assert await differences(counting.engine, counting.catalogue, oracle, instants=INSTANTS, now=NOW) == []


BUYERS = """
apiVersion: tidemark/v1
kind: KPI
slug: buyers
title: Buyers
category: customer
owner: sales
event_type: order.paid
value: data.buyer
aggregate: distinct
windows: [24h]
"""


@pytest.mark.parametrize("size", [1024, 1025, 4000])
def test_many_values(database_url: str, size: int) -> None:
    """Up to 1024 different values the count is exact across panes and partitions; then it is within 2.5 %."""
    numbers = range(size + 9)
    buyers = [{"buyer": f"buyer {number % size}"} for number in numbers]
    came = [an_event(n, ago=timedelta(seconds=n % 200), data=buyers[n]) for n in numbers]
    oracle = Oracle(BUYERS, [Record(encode_clean(event)) for event in came], ingested_at=NOW)
    with law(database_url, kpis_of(BUYERS)) as place:
        found, ways = set(), ((1, [4009]), (3, [300, 70]), (2, [1000]))
        for partitions, sizes in ways:
            found.add(place.holds(_buyers(place.counting, came, partitions, sizes)))
    expected = oracle.value("buyers", "24h", {}, NOW)

    assert len(found) == 1
    assert expected.value == size
    assert expected.agrees_with(*found)


async def _buyers(
    counting: Counting, came: list[CleanEvent], partitions: int, sizes: list[int]
) -> Decimal | None:
    """How many buyers there were in a day, when *came* was counted in some batches."""
    await counted(counting, came, partitions=partitions, sizes=sizes, restart=3)
    async with reading(counting.engine) as connection:
        found = await value(connection, counting.catalogue, "buyers", "24h", dimensions={}, at=NOW, now=NOW)
    return found.value
