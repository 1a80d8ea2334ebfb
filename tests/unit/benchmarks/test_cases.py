"""The plan of a run and its KPIs: what is compared is fair."""

import pytest

from benchmarks.cases import (
    COMPUTE,
    INGEST,
    MANY_WINDOWS,
    THREE,
    WHOLE,
    WHOLE_TWO_COMPUTES,
    Scenario,
    Stage,
    plan,
)
from benchmarks.catalogues import (
    FIVE_WINDOWS,
    MANY_SERIES,
    ONE_WINDOW,
    WINDOWS,
    many_series_kpi,
    probe_kpi,
    ten_kpis,
    ten_on_three,
)
from shared.domain.definitions import Catalogue
from shared.domain.definitions.catalogues import catalogue_problems
from shared.domain.windows import Rung


def test_alternates() -> None:
    """One window and five take turns, so that a machine that drifts treats both alike."""
    windows = [case.windows for case in plan({Scenario.WINDOWS}, rounds=2)]

    assert windows == [1, 5] * 4


@pytest.mark.parametrize("scenario", Scenario)
def test_needs(scenario: Scenario) -> None:
    """Each scenario by itself has the drains that its figures are made of."""
    needed = {
        Scenario.END_TO_END: {WHOLE},
        Scenario.STAGES: {INGEST, COMPUTE},
        Scenario.WINDOWS: {WHOLE, COMPUTE},
        Scenario.LATENCY: {WHOLE},
        Scenario.READING: set(),
        Scenario.THREE_BREAKDOWNS: {THREE},
        Scenario.MANY_WINDOWS: set(MANY_WINDOWS),
        Scenario.TWO_COMPUTES: {WHOLE_TWO_COMPUTES},
        Scenario.SERIES: set(),
        Scenario.BACKFILL: {WHOLE_TWO_COMPUTES},
        Scenario.TAKE_OVER: set(),
    }

    assert needed[scenario] <= set(plan({scenario}, rounds=1))


def test_shares_drains() -> None:
    """Scenarios that need the same drains do not have them done twice."""
    cases = plan(set(Scenario), rounds=3)

    assert (cases.count(WHOLE), cases.count(COMPUTE), cases.count(INGEST)) == (3, 3, 3)


def test_fills_before_compute() -> None:
    """Compute alone comes after something that fills the clean topic."""
    stages = [case.stage for case in plan({Scenario.STAGES}, rounds=1)]

    assert stages == [Stage.INGEST, Stage.COMPUTE]


@pytest.mark.parametrize("windows", [ONE_WINDOW, FIVE_WINDOWS])
def test_ten_kpis(windows: tuple[str, ...]) -> None:
    """Ten KPIs, two of them formulas, hold together."""
    kpis = {kpi.slug: kpi for kpi in ten_kpis(windows)}

    assert len(kpis) == 10
    assert sum(kpi.is_formula for kpi in kpis.values()) == 2
    assert list(catalogue_problems(kpis)) == []


def test_same_panes() -> None:
    """One window and five make the same measures: the ratio is about questions, not about panes."""
    one, five = (
        {m.fingerprint for kpi in ten_kpis(w) for m in kpi.measures()} for w in (ONE_WINDOW, FIVE_WINDOWS)
    )

    assert one == five
    assert {kpi.finest for kpi in ten_kpis(FIVE_WINDOWS)} == {Rung.S1}


def test_other_kpis() -> None:
    """The KPIs of the other scenarios stand beside the ten."""
    kpis = {kpi.slug: kpi for kpi in (*ten_kpis(FIVE_WINDOWS), probe_kpi(), many_series_kpi())}

    assert len(kpis) == 12
    assert Catalogue(1, kpis, {}, {}).leaves(MANY_SERIES)


@pytest.mark.parametrize("number", WINDOWS)
def test_ten_on_three(number: int) -> None:
    """Ten KPIs of two event types on three breakdowns hold together, however many windows they have."""
    kpis = {kpi.slug: kpi for kpi in ten_on_three(WINDOWS[number])}
    measures = {measure for kpi in kpis.values() for measure in kpi.measures()}

    assert len(kpis) == 10
    assert {len(kpi.windows) for kpi in kpis.values()} == {number}
    assert {measure.breakdown for measure in measures} == {(), ("region",), ("product",), ("channel",)} | {
        measure.breakdown for measure in measures
    }
    assert {measure.finest for measure in measures} == {Rung.S1}
    assert list(catalogue_problems(kpis)) == []
