"""Every window, calendar and formula is what the oracle says, whichever way the events come, on Postgres."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.contracts.events import CleanEvent
from shared.domain.definitions import Kpi
from shared.domain.definitions.kpi_files import kpis_of
from shared.domain.ranking import OTHER
from shared.domain.readings import Reading
from shared.storage.engine import reading
from shared.storage.readings import values_by_series
from tests.integration.counting_rig import Counting, counting, law, oracle_of
from tests.integration.test_counting_laws import counted, logs
from tests.integration.test_counting_refresh import Desk
from tests.shop.judging import differences
from tests.unit.compute.builders import NOW, an_event
from tests.unit.domain.kpi_builders import a_kpi

KPI_FILE = Path(__file__).parents[1] / "shop" / "windows.yaml"
AT = (
    NOW, NOW - timedelta(minutes=40), NOW - timedelta(days=30, hours=2), NOW - timedelta(days=399),
)  # fmt: skip
"""Instants at which panes of every length answer."""


def all_kpis() -> tuple[Kpi, ...]:
    """KPIs of every kind of window."""
    return kpis_of(KPI_FILE.read_text(encoding="utf-8"))


def test_every_window(database_url: str) -> None:
    """Whatever the batches and partitions: every window at every age, with every formula, is right."""
    with law(database_url, all_kpis()) as place:

        @settings(max_examples=4)
        @given(came=logs, partitions=st.integers(1, 3), size=st.integers(1, 20))
        def holds(came: list[CleanEvent], partitions: int, size: int) -> None:
            place.holds(_is_right(place.counting, came, partitions, size))

        holds()


async def _is_right(one: Counting, came: Sequence[CleanEvent], partitions: int, size: int) -> None:
    await counted(one, came, partitions=partitions, sizes=[size], restart=100)
    oracle = oracle_of(came, KPI_FILE)

    assert await differences(one.engine, one.catalogue, oracle, instants=AT, now=NOW) == []


SHOPS = {"a": [5], "b": [1, 2], "c": [2], "d": [7, 1], "e": []}


async def _ranked(database_url: str, top: int, **fields: object) -> list[Reading]:
    """The *top* shops, and the others, by a KPI of prices."""
    kpis = [
        a_kpi("paid", value="data.price", aggregate="avg", breakdowns=["shop"], windows=["1h"]),
        a_kpi("orders", breakdowns=["shop"], windows=["1h"]),
        a_kpi("f", formula="paid * orders / total(orders)", breakdowns=["shop"], windows=["1h"]),
    ]
    prices = [(shop, price) for shop, paid in SHOPS.items() for price in paid]
    async with counting(database_url, kpis) as one:
        await one.take_over([0])
        await one.count_events(
            [an_event(n, data={"shop": shop, "price": price}) for n, (shop, price) in enumerate(prices)]
        )
        async with reading(one.engine) as connection:
            slug = str(fields.get("slug", "paid"))
            return await values_by_series(
                connection, one.catalogue, slug, "1h", breakdown=("shop",), at=NOW, now=NOW, top=top
            )


@pytest.mark.asyncio
async def test_the_first_and_the_others(database_url: str) -> None:
    """The others' mean is that of their events together: (1 + 2 + 2) / 3, not the mean of 1.5 and 2."""
    found = await _ranked(database_url, 2)

    assert [("a", Decimal(5), 1), ("d", Decimal(4), 2)] == [
        (r.dimensions["shop"], r.value, r.n) for r in found[:2]
    ]
    assert [(r.dimensions["shop"], r.n) for r in found[2:]] == [(OTHER, 3)]
    assert round(found[2].value or 0, 12) == round(Decimal(5) / 3, 12)


@pytest.mark.asyncio
async def test_the_others_of_a_formula(database_url: str) -> None:
    """A formula is worked out of the others' events, and of the same total as everybody's: 5/3 * 3 / 6."""
    found = await _ranked(database_url, 2, slug="f")

    assert round(Decimal(5) / 6, 12) == round(found[-1].value or 0, 12)


@pytest.mark.asyncio
async def test_nobody_else(database_url: str) -> None:
    """Where there are no more series than wanted, nothing stands for others."""
    assert [r.dimensions["shop"] for r in await _ranked(database_url, 4)] == ["a", "d", "c", "b"]


@pytest.mark.asyncio
async def test_a_share_moves_with_the_others(database_url: str) -> None:
    """An order in one shop changes the stored share of every other: 1 of 1, then 1 of 2."""
    kpis = [a_kpi("orders", breakdowns=["shop"]), a_kpi("part", formula="share(orders)", breakdowns=["shop"])]
    async with counting(database_url, kpis) as one:
        await one.take_over([0])
        desk, place, found = Desk(one), ("part", "5m", (("shop", "a"),)), []
        await desk.refresh()
        for number, shop in enumerate("ab"):
            await one.count_events([an_event(number, data={"shop": shop})])
            await desk.refresh()
            found.append((await desk.rows())[place].reading.value)

    assert [Decimal(1), Decimal("0.5")] == found
