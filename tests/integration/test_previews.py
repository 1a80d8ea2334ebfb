"""Definitions counted over the log before they are in force, against the oracle on the same events."""

from datetime import timedelta
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.contracts.events import CleanEvent
from shared.contracts.rfc3339 import us_of_text
from shared.domain.calendars import instant_us
from shared.domain.definitions.kpi_files import kpis_of
from shared.storage.readings import Ask
from tests.integration.counting_rig import law, oracle_of
from tests.integration.preview_rig import Drafted, drafted
from tests.integration.replay_rig import Remembering
from tests.integration.test_aggregate_laws import KPI_FILE as AGGREGATES
from tests.integration.test_aggregate_laws import logs as aggregate_logs
from tests.integration.test_correction_laws import with_retractions
from tests.integration.test_counting_laws import batches, logs
from tests.oracle import Oracle
from tests.shop.judging import KPI_FILE as SHOP
from tests.unit.compute.builders import NOW, clean_log
from tests.unit.domain.kpi_builders import a_kpi

INSTANTS = (NOW, NOW - timedelta(hours=5))

both_files = pytest.mark.parametrize(
    ("kpi_file", "came"),
    [(SHOP, logs.flatmap(with_retractions)), (AGGREGATES, aggregate_logs.flatmap(with_retractions))],
    ids=["shop", "every aggregate"],
)


def a_counted_kpi() -> list[object]:
    """What is in force: something else."""
    return [a_kpi("something_else", event_type="other.thing", aggregate="count")]


def totals(oracle: Oracle) -> list[Ask]:
    """Every total at every instant."""
    return [
        Ask(slug, window, (), at)
        for slug in oracle.slugs
        for window, at in product(oracle.windows(slug), INSTANTS)
    ]


def differences(found: Drafted, oracle: Oracle) -> list[str]:
    """What of all series of all drafts is not as the oracle has it."""
    asks, expected = [], []
    for slug in oracle.slugs:
        for names in ((), *oracle.breakdowns(slug)):
            every = oracle.series(slug, names) if names else [{}]
            for series, window, at in product(every, oracle.windows(slug), INSTANTS):
                asks.append(Ask(slug, window, tuple(sorted(series.items())), at))
                expected.append(oracle.value(slug, window, series, at, now=NOW))
    return [
        f"{ask}: {reading.value} of {reading.n}, the oracle has {value.value} of {value.n}"
        for ask, reading, value in zip(asks, found.readings(asks), expected, strict=True)
        if reading.n != value.n or not value.agrees_with(reading.value)
    ]


def since(events: list[CleanEvent], found: Drafted) -> list[CleanEvent]:
    """Those of *events* that the preview was to read; retractions whatever their time."""
    start_us = instant_us(found.preview.look.part.start)
    return [event for event in events if event.retracts is not None or us_of_text(event.time) >= start_us]


@both_files
def test_exact_over_what_was_read(
    database_url: str, kpi_file: Path, came: st.SearchStrategy[list[CleanEvent]]
) -> None:
    """Nothing of a draft is counted, and all its values are the oracle's on the events that were read."""
    drafts = kpis_of(kpi_file.read_text(encoding="utf-8"))
    with law(database_url, a_counted_kpi()) as place:  # type: ignore[arg-type]

        @settings(max_examples=15)
        @given(
            log=came,
            partitions=st.integers(1, 3),
            sizes=st.lists(st.integers(1, 12), min_size=1, max_size=3),
            most=st.sampled_from([12, 25, 1_000_000]),
        )
        def holds(log: list[CleanEvent], partitions: int, sizes: list[int], most: int) -> None:
            async def example() -> list[str]:
                mine = Remembering(place.counting)
                await place.counting.take_over(range(partitions))
                for part in batches(clean_log(log, partitions=partitions), sizes):
                    await mine.flush(part)
                asks = totals(oracle_of(log, kpi_file))
                found = await drafted(place.counting, mine.log, drafts, asks, most=most)
                return differences(found, oracle_of(since(log, found), kpi_file))

            assert place.holds(example()) == []

        holds()
