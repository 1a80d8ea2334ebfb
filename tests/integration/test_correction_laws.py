"""An event that is retracted has never been, whichever way both come and whatever is done when: laws."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.contracts.events import CleanEvent
from shared.domain.definitions.kpi_files import kpis_of
from shared.storage import pane_repairs
from tests.integration.corrections_rig import MemoryLog, a_corrector
from tests.integration.counting_rig import Counting, law, oracle_of
from tests.integration.test_aggregate_laws import KPI_FILE as AGGREGATES
from tests.integration.test_aggregate_laws import logs as aggregate_logs
from tests.integration.test_counting_laws import INSTANTS, batches, derived, derivings
from tests.integration.test_counting_laws import logs as shop_logs
from tests.oracle import Oracle
from tests.shop.judging import KPI_FILE as SHOP
from tests.shop.judging import differences
from tests.unit.compute.builders import NOW, ARecord, an_event, clean_log

Action = str | tuple[int, set[int]] | None

Batch = Mapping[int, Sequence[ARecord]]

actions = st.sampled_from(["", "", "undo", "search", "repair", "restart"]) | derivings


def with_retractions(log: Sequence[CleanEvent]) -> st.SearchStrategy[list[CleanEvent]]:
    """*log* with copies and retractions of some of its events, and of one that never came, in any order."""
    if not log:
        return st.just([])
    retracted = st.lists(st.sampled_from([*(event.id for event in log), "order-never"]), max_size=12)
    undoing = retracted.map(
        lambda ids: [an_event(100 + place, retracts=name) for place, name in enumerate(ids)]
    )
    copies = st.lists(st.sampled_from(log), max_size=6)
    return st.tuples(undoing, copies).flatmap(lambda more: st.permutations([*log, *more[0], *more[1]]))


@pytest.mark.parametrize(
    ("kpi_file", "logs"), [(SHOP, shop_logs), (AGGREGATES, aggregate_logs)], ids=["shop", "every aggregate"]
)
def test_never_been(database_url: str, kpi_file: Path, logs: st.SearchStrategy[list[CleanEvent]]) -> None:
    """Order, batches, partitions, restarts and the moments of undoing and repairing make no difference."""
    with law(database_url, kpis_of(kpi_file.read_text(encoding="utf-8"))) as place:

        @settings(max_examples=25)
        @given(
            came=logs.flatmap(with_retractions),
            partitions=st.integers(1, 4),
            sizes=st.lists(st.integers(1, 9), min_size=1, max_size=3),
            between=st.lists(actions, min_size=1, max_size=8),
        )
        def holds(came: list[CleanEvent], partitions: int, sizes: list[int], between: list[Action]) -> None:
            log = MemoryLog(clean_log(came, partitions=partitions))
            cut = batches(log.records, sizes)
            place.holds(_is_right(place.counting, log, cut, between, lambda: oracle_of(came, kpi_file)))

        holds()


async def _is_right(
    counting: Counting,
    log: MemoryLog,
    cut: Sequence[Batch],
    between: list[Action],
    oracle: Callable[[], Oracle],
) -> None:
    await counting.take_over(log.records)
    for turn, batch in enumerate(cut):
        await counting.count(batch)
        await _done(counting, log, between[turn % len(between)])
    await _done(counting, log, "undo")
    await _done(counting, log, "search")
    while await pane_repairs.count(counting.connection):
        await _done(counting, log, "repair")

    assert await differences(counting.engine, counting.catalogue, oracle(), instants=INSTANTS, now=NOW) == []
    assert (await counting.ledger()).applied == len(_told_apart(log))


def _told_apart(log: MemoryLog) -> set[tuple[bool, bytes | None]]:
    """Events and retractions without their copies."""
    records = [record for found in log.records.values() for record in found]
    return {(b'"retracts"' in (record.value or b""), record.key) for record in records}


def test_fewer_than_the_sketch_begins_with(database_url: str) -> None:
    """A count of different values that retractions bring down to 1,024 is exact again."""
    paid = [an_event(n, data={"shop": f"shop {n}", "price": n}) for n in range(1030)]
    came = [*paid, *(an_event(2000 + n, retracts=f"order-{n}") for n in range(20))]
    with law(database_url, kpis_of(AGGREGATES.read_text(encoding="utf-8"))) as place:
        log = MemoryLog(clean_log(came, partitions=2), at_once=1000)
        cut = batches(log.records, [500, 10])
        place.holds(_is_right(place.counting, log, cut, [""], lambda: oracle_of(came, AGGREGATES)))


async def _done(counting: Counting, log: MemoryLog, action: Action) -> None:
    """Something that may happen between two batches."""
    jobs, never = await a_corrector(counting, log), asyncio.Event()
    match action:
        case "restart":
            await counting.take_over(log.records)
        case "undo":
            await jobs.undo_near(counting.connection, never)
        case "search":
            await jobs.undo_anywhere(counting.connection, never)
        case "repair":
            await jobs.repairer.repair_some(counting.connection, never)
        case (_, _) | None as how:
            await derived(counting, how)
