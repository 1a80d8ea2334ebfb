"""What one event would do is what it does: dry runs beside the same event, counted for real."""

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from shared.contracts.events import CleanEvent
from shared.domain.definitions.kpi_files import kpis_of
from shared.domain.readings import Reading
from shared.replay.dry_runs import Moves, effect_of, moves
from shared.storage.engine import reading
from shared.storage.readings import Ask, evaluate, known_combinations
from shared.storage.series import SeriesLimits
from tests.integration.counting_rig import Counting, counting, law
from tests.integration.replay_rig import Remembering, of_one
from tests.integration.test_aggregate_laws import KPI_FILE as AGGREGATES
from tests.integration.test_aggregate_laws import logs as aggregate_logs
from tests.integration.test_counting_laws import logs
from tests.shop.judging import KPI_FILE as SHOP
from tests.unit.compute.builders import NOW, an_event
from tests.unit.domain.kpi_builders import a_kpi

Place = tuple[str, str, tuple[tuple[str, str | None], ...]]
Told = tuple[Decimal | None, int]

both_files = pytest.mark.parametrize(
    ("kpi_file", "came"), [(SHOP, logs), (AGGREGATES, aggregate_logs)], ids=["shop", "every aggregate"]
)


def place_of(found: Reading) -> Place:
    """Which value it is."""
    return found.slug, found.window, tuple(sorted(found.dimensions.items()))


async def values(mine: Counting) -> dict[Place, Told]:
    """Every value there is."""
    catalogue, asks = mine.catalogue, list[Ask]()
    async with reading(mine.engine) as connection:
        for slug, kpi in catalogue.kpis.items():
            for names in kpi.all_breakdowns:
                for each in await known_combinations(connection, catalogue, slug, names):
                    asks += [Ask(slug, window, each, NOW) for window in kpi.windows]
        found = await evaluate(connection, catalogue, asks, now=NOW)
    return {place_of(each): (each.value, each.n) for each in found}


async def told(mine: Counting, event: CleanEvent, *, sign: int = 1) -> Moves:
    """What *event* would do."""
    async with reading(mine.engine) as connection:
        effect = await effect_of(connection, mine.catalogue, event, limits=mine.limits, sign=sign)
        return await moves(connection, mine.catalogue, effect, slugs=mine.catalogue.kpis, now=NOW)


def changed(
    before: Mapping[Place, Told], after: Mapping[Place, Told], nothing: Mapping[Place, Told]
) -> dict[Place, Told]:
    """What *after* has and *before* had not; a series that was not there had the value of no events."""
    return {place: now for place, now in after.items() if before.get(place, nothing.get(place)) != now}


@both_files
def test_as_it_comes(database_url: str, kpi_file: Path, came: st.SearchStrategy[list[CleanEvent]]) -> None:
    """Sent for real, an event changes the values that were told, to what was told, and no others."""
    with law(database_url, kpis_of(kpi_file.read_text(encoding="utf-8"))) as place:

        @settings(max_examples=25)
        @given(log=came)
        def holds(log: list[CleanEvent]) -> None:
            assume(log)

            async def example() -> tuple[dict[Place, Told], dict[Place, Told]]:
                await place.counting.take_over([0])
                await place.counting.count_events(log[:-1])
                before, dry = await values(place.counting), await told(place.counting, log[-1])
                await place.counting.count_events(log[-1:])
                old = {place_of(each.before): (each.before.value, each.before.n) for each in dry.moves}
                new = {place_of(each.after): (each.after.value, each.after.n) for each in dry.moves}
                after = await values(place.counting)
                assert {key: told for key, told in before.items() if key in old and told != old[key]} == {}
                first_seen = {key: after[key] for key in after if key not in before and key not in new}
                return changed(before, after, first_seen), new

            real, dry = place.holds(example())
            assert dry == real

        holds()


@both_files
def test_as_it_is_retracted(
    database_url: str, kpi_file: Path, came: st.SearchStrategy[list[CleanEvent]]
) -> None:
    """Undone for real, an event leaves the values that were told, except where a recount was announced."""
    with law(database_url, kpis_of(kpi_file.read_text(encoding="utf-8"))) as place:

        @settings(max_examples=20)
        @given(log=came, which=st.integers(0, 40))
        def holds(log: list[CleanEvent], which: int) -> None:
            assume(log)
            event = log[which % len(log)]

            async def example() -> tuple[dict[Place, Told], dict[Place, Told]]:
                mine = Remembering(place.counting)
                await place.counting.take_over([0])
                await mine.flush(of_one(*log))
                before, dry = await values(place.counting), await told(place.counting, event, sign=-1)
                retraction = an_event(999, source=event.source, retracts=event.id)
                await mine.flush(of_one(retraction, first=len(log)))
                after = await values(place.counting)
                open_ones = {place_of(each.after) for each in dry.moves if each.is_recounted}
                new = {place_of(each.after): (each.after.value, each.after.n) for each in dry.moves}
                real = changed(before, after, {})
                return (
                    {key: now for key, now in real.items() if key not in open_ones},
                    {key: now for key, now in new.items() if key not in open_ones},
                )

            real, dry = place.holds(example())
            assert dry == real

        holds()


@pytest.mark.asyncio
async def test_where_there_is_no_room(database_url: str) -> None:
    """A new series beyond the limit is told as the overflow that it will be counted in."""
    kpi = a_kpi("orders", breakdowns=[["shop"]])
    async with counting(database_url, [kpi], limits=SeriesLimits(of_measure=1)) as mine:
        await mine.take_over([0])
        await mine.count_events([an_event(1, data={"shop": "Rom"})])
        dry = await told(mine, an_event(2, data={"shop": "Paris"}))

    assert {place_of(each.after)[2]: each.after.n for each in dry.moves} == {
        (): 2,
        (("shop", "__overflow__"),): 1,
    }


@pytest.mark.asyncio
async def test_shares(database_url: str) -> None:
    """One order more in a shop lowers the shares of all other shops."""
    orders = a_kpi("orders", breakdowns=[["shop"]])
    share = a_kpi("order_share", formula="share(orders)", breakdowns=[["shop"]])
    async with counting(database_url, [orders, share]) as mine:
        await mine.take_over([0])
        await mine.count_events([an_event(n, data={"shop": shop}) for n, shop in enumerate(("Rom", "Paris"))])
        dry = await told(mine, an_event(7, data={"shop": "Rom"}))

    found = {
        place_of(each.after)[2]: each.after.value for each in dry.moves if each.after.slug == "order_share"
    }
    assert {key: round(value or 0, 4) for key, value in found.items()} == {
        (): 1,
        (("shop", "Rom"),): Decimal("0.6667"),
        (("shop", "Paris"),): Decimal("0.3333"),
    }
