"""The events that are listed for a value come to exactly that value: a law, on a real Postgres."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.contracts.events import CleanEvent
from shared.domain.definitions.kpi_files import kpis_of
from tests.integration.counting_rig import law, oracle_of
from tests.integration.explain_rig import LATER, Explaining, explaining, question, told_of
from tests.integration.replay_rig import Remembering
from tests.integration.test_aggregate_laws import KPI_FILE as AGGREGATES
from tests.integration.test_aggregate_laws import logs as aggregate_logs
from tests.integration.test_correction_laws import with_retractions
from tests.integration.test_counting_laws import batches, logs
from tests.oracle import Oracle
from tests.oracle.aggregates import key_of
from tests.oracle.answers import SIGNIFICANT, to_significant
from tests.shop.judging import KPI_FILE as SHOP
from tests.unit.compute.builders import NOW, clean_log

Place = tuple[str, str, dict[str, str | None], datetime]


def places(oracle: Oracle, slugs: list[str]) -> Iterator[Place]:
    """Every window and series of some KPIs, at two instants."""
    for slug in slugs:
        breakdowns = ((), *oracle.breakdowns(slug))
        every = [series for names in breakdowns for series in (oracle.series(slug, names) if names else [{}])]
        instants = (NOW, NOW - timedelta(hours=5))
        for window, series, at in product(oracle.windows(slug), every, instants):
            yield slug, window, series, at


def _same(one: Fraction | None, other: Decimal | None) -> bool:
    if one is None or other is None:
        return one is None and other is None
    return to_significant(one) == SIGNIFICANT.plus(other)


async def _check(asking: Explaining, oracle: Oracle, place: Place) -> None:
    slug, window, series, at = place
    query = question(window, at, series)
    body = await asking.told(f"{slug}/explain", {**query, "sample": 3})
    expected = oracle.value(slug, window, series, at, now=LATER)

    assert (body["n"], expected.agrees_with(body["value"])) == (expected.n, True), place
    assert body["reconciles"] is True, place
    assert body["total"]["n"] == body["events"]["n"] == expected.n, place
    assert sum(run["partial"]["n"] for run in body["panes"]) == expected.n, place
    every = await asking.every_event(slug, query)
    _check_events(oracle, place, body, every)
    beside = body["events"]["not_counted"]

    assert expected.n + sum(beside.values()) == oracle.happened(slug, window, at, now=LATER), place


def _check_events(oracle: Oracle, place: Place, body: Mapping[str, Any], every: list[Any]) -> None:
    slug, window, series, at = place
    keys = sorted(key_of(event["source"], event["id"]) for event in every)

    assert keys == oracle.counted(slug, window, series, at, now=LATER), place
    assert every[:3] == body["events"]["items"], place
    assert _same(oracle.remade(slug, window, at, told_of(every), now=LATER), body["value"]), place
    assert all(event["dimensions"] == series for event in every if "__overflow__" not in series.values())
    deciding = body["events"]["deciding"]
    if deciding is not None and body["definition"]["aggregate"] != "time_since_last":
        assert Decimal(deciding["value"]) == body["value"], place


@pytest.mark.parametrize(
    ("kpi_file", "came"),
    [(SHOP, logs.flatmap(with_retractions)), (AGGREGATES, aggregate_logs.flatmap(with_retractions))],
    ids=["shop", "every aggregate"],
)
def test_listed_events_make_the_value(
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
    kpi_file: Path,
    came: st.SearchStrategy[list[CleanEvent]],
) -> None:
    """Of every aggregate, window and series: all pages are the events counted, and make the value."""
    with law(database_url, kpis_of(kpi_file.read_text(encoding="utf-8"))) as place:

        @settings(max_examples=6)
        @given(
            log=came,
            partitions=st.integers(1, 3),
            sizes=st.lists(st.integers(1, 12), min_size=1, max_size=3),
            chosen=st.randoms(use_true_random=False),
        )
        def holds(log: list[CleanEvent], partitions: int, sizes: list[int], chosen: Any) -> None:
            async def example() -> None:
                mine = Remembering(place.counting)
                await place.counting.take_over(range(partitions))
                for part in batches(clean_log(log, partitions=partitions), sizes):
                    await mine.flush(part)
                oracle = oracle_of(log, kpi_file)
                known = place.counting.catalogue.kpis
                slugs = [slug for slug in oracle.slugs if not known[slug].is_formula]
                every = list(places(oracle, slugs))
                async with explaining(place.counting, mine.log, monkeypatch) as asking:
                    for one in chosen.sample(every, min(15, len(every))):
                        await _check(asking, oracle, one)

            place.holds(example())

        holds()
