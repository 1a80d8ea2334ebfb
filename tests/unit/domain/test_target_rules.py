"""What the targets of KPI files must keep to, and how they are told and stored."""

from typing import Any

import pytest
from pydantic import ValidationError

from shared.domain.definitions import DefinitionError, Kpi, catalogue_problems
from shared.domain.definitions.additive import adds_up
from shared.domain.definitions.kpi_files import kpis_of
from shared.domain.definitions.kpi_texts import definition_text as kpi_text
from shared.domain.definitions.plans import spec_of
from shared.domain.definitions.words import complaints
from tests.unit.domain.kpi_builders import a_kpi

MONTHS = [{"from": "2026-01", "value": 100}, {"from": "2026-04", "value": 120}]

WRONG: list[tuple[dict[str, Any], tuple[str | int, ...], str]] = [
    ({}, (), "a target is one of value, by_period, ramp, kpi, benchmark, and there is none"),
    ({"value": 1, "kpi": "revenue"}, (), "and not value and kpi"),
    ({"value": 1, "at_risk": "0.9", "warning": "0.8"}, ("at_risk",), "in two ways"),
    ({"value": 0, "at_risk": "0.9"}, ("at_risk",), "of a target of 0 there is no part"),
    ({"value": 1, "at_risk": 1}, ("at_risk",), "at_risk must be less than 1"),
    ({"value": 1, "at_risk": 0}, ("at_risk",), "at_risk must be more than 0"),
    ({"kpi": "revenue", "warning": 1}, ("warning",), "warning stands beside a value"),
    ({"value": 1, "times": 2}, ("times",), "times multiplies the value of a kpi or a benchmark"),
    ({"value": 1, "of": "previous"}, ("of",), "of says which value of a kpi is meant"),
    ({"value": 1, "total": True}, ("total",), "total says that the total of a kpi is meant"),
    ({"kpi": "orders"}, ("kpi",), "a KPI is no target of itself"),
    ({"ramp": [{"day": "2026-01", "value": 1}]}, ("ramp",), "two points at least"),
    (
        {"ramp": [{"day": "2026-02", "value": 1}, {"day": "2026-01-31", "value": 2}]},
        ("ramp", 1),
        "2026-01-31 is not after 2026-02-01",
    ),
    ({"by_period": [*MONTHS, {"from": "2026-Q2", "value": 1}]}, ("by_period", 2), "is not after"),
    ({"by_period": [{"from": "2026-13", "value": 1}]}, ("by_period", 0, "from"), "there is no day '2026-13'"),
    ({"by_period": [{"from": "May", "value": 1}]}, ("by_period", 0, "from"), "a begin is a year, a quarter"),
    ({"by_period": [{"from": "2026", "value": 1, "warning": 2}]}, ("by_period", 0, "warning"), "is below"),
    ({"by_period": [{"from": "2026", "value": None, "warning": 2}]}, ("by_period", 0, "warning"), "nothing"),
    (
        {"by_period": MONTHS, "phasing": {"every": "quarter", "weekdays": {"sun": 2}, "x": 1}},
        ("phasing", "x"),
        "there is no field 'x'",
    ),
    (
        {"by_period": [{"from": "2026-02", "value": 1}], "phasing": {"every": "quarter"}},
        ("by_period", 0, "from"),
        "2026-02 is not the first day of a quarter",
    ),
    (
        {
            "ramp": [{"day": "2026-01", "value": 1}, {"day": "2026-02", "value": 2}],
            "phasing": {"every": "month"},
        },
        ("phasing",),
        "phasing spreads a value or by_period",
    ),
    ({"value": 1, "phasing": {"every": "hour"}}, ("phasing", "every"), "every is day, week, month"),
    (
        {"value": 1, "phasing": {"every": "day", "weekdays": {"sun": 2}}},
        ("phasing", "weekdays"),
        "nothing to",
    ),
    (
        {"value": 1, "phasing": {"every": "week", "months": {"dec": 2}}},
        ("phasing", "months"),
        "need a quarter",
    ),
    (
        {"value": 1, "phasing": {"every": "week", "weekdays": {"funday": 2}}},
        ("phasing", "weekdays"),
        "there is no day 'funday'",
    ),
    (
        {
            "value": 1,
            "phasing": {
                "every": "week",
                "weekdays": dict.fromkeys(("mon", "tue", "wed", "thu", "fri", "sat", "sun"), 0),
            },
        },
        ("phasing", "weekdays"),
        "above 0",
    ),
    (
        {"value": 1, "phasing": {"every": "week", "days": {"2026-11": 2}}},
        ("phasing", "days"),
        "a day is written",
    ),
    ({"value": 1, "windows": ["7d"]}, ("windows", 0), "7d is not among the KPI's windows"),
    (
        {"value": 1, "by_dimension": [{"dimensions": {"city": "Rome"}, "value": 2}]},
        ("by_dimension", 0, "dimensions"),
        "no breakdown of the KPI has city",
    ),
    (
        {"value": 1, "by_dimension": [{"dimensions": {"shop": "a"}, "value": 2}] * 2},
        ("by_dimension", 1, "dimensions"),
        "there is another target for these dimensions",
    ),
    (
        {"at_risk": "0.5", "by_dimension": [{"dimensions": {"shop": "a"}, "value": 2}]},
        ("at_risk",),
        "at_risk goes with",
    ),
    ({"benchmark": {"name": "Peers", "source": "us", "values": []}}, ("benchmark", "values"), "not be empty"),
]


@pytest.mark.parametrize(("target", "path", "message"), WRONG, ids=[message for _, _, message in WRONG])
def test_wrong(target: dict[str, Any], path: tuple[str | int, ...], message: str) -> None:
    """A target that cannot be meant is told at its field, with what to write instead."""
    with pytest.raises(ValidationError) as caught:
        a_kpi(breakdowns=["shop"], target=target)

    found = {complaint.path: complaint.message for complaint in complaints(caught.value, Kpi)}
    assert message in found["target", 0, *path]


def test_windows_once() -> None:
    """No window has two targets, and only one target is for all others."""
    with pytest.raises(ValidationError) as caught:
        a_kpi(
            target=[
                {"value": 1},
                {"value": 2},
                {"value": 3, "windows": ["5m"]},
                {"value": 4, "windows": ["5m"]},
            ]
        )

    assert [complaint.path for complaint in complaints(caught.value, Kpi)] == [
        ("target", 1), ("target", 3, "windows", 0),
    ]  # fmt: skip


def test_means_are_not_spread() -> None:
    """A mean of a month is no sum of its days, so that its target has no shares."""
    with pytest.raises(ValidationError) as caught:
        a_kpi(aggregate="avg", value="data.x", target={"value": 1, "phasing": {"every": "month"}})

    assert "no sum of its days" in complaints(caught.value, Kpi)[0].message


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("a + b", True),
        ("2 * a - b / 3", True),
        ("-(a + nested)", True),
        ("a - total(b)", True),
        ("a / b", False),
        ("a + 1", False),
        ("a * b", False),
        ("a - prev(a)", False),
        ("mean", False),
        ("max(a, b)", False),
        ("a if b > 1 else b", False),
        ("a + strange", False),
    ],
)
def test_what_adds_up(formula: str, *, expected: bool) -> None:
    """Counts and sums add up over time, and so do formulas that add, subtract and scale them."""
    kpis = {
        "a": a_kpi("a"),
        "b": a_kpi("b", aggregate="sum", value="data.x"),
        "mean": a_kpi("mean", aggregate="avg", value="data.x"),
        "nested": a_kpi("nested", formula="a * 2"),
        "asked": a_kpi("asked", formula=formula),
    }

    assert adds_up(kpis, "asked") is expected


@pytest.mark.parametrize(
    ("fields", "other", "message"),
    [
        ({"target": {"kpi": "revenu"}}, {}, "there is no KPI 'revenu'; did you mean 'revenue'?"),
        ({"windows": ["5m", "1h"], "target": {"kpi": "revenue"}}, {}, "which has no window 1h"),
        ({"breakdowns": ["shop"], "target": {"kpi": "revenue"}}, {}, "no breakdown [shop]; say total: true"),
        (
            {"windows": ["mtd"], "zone": "Europe/Berlin", "target": {"kpi": "revenue"}},
            {"windows": ["mtd"]},
            "mtd begins in Europe/Berlin here and in UTC for revenue",
        ),
        (
            {"windows": ["ytd"], "fiscal_year_start": 4, "target": {"kpi": "revenue"}},
            {"windows": ["ytd"]},
            "ytd goes by years from month 4 here and by years from month 1 for revenue",
        ),
        (
            {"formula": "revenue / revenue", "target": {"value": 1, "phasing": {"every": "week"}}},
            {},
            "this formula over a month is no sum",
        ),
    ],
)
def test_together(fields: dict[str, Any], other: dict[str, Any], message: str) -> None:
    """What a target follows has to be there, over the same windows and for the same series."""
    kpis = {"orders": a_kpi(**fields), "revenue": a_kpi("revenue", **other)}

    (problem,) = catalogue_problems(kpis)

    assert (problem.slug, problem.path[:2]) == ("orders", ("target", 0))
    assert message in problem.message


def test_one_window_of_many() -> None:
    """What a target follows needs only the windows that the target is for; its total, no breakdown."""
    target = {"kpi": "revenue", "windows": ["5m"], "total": True}
    kpis = {
        "orders": a_kpi(windows=["5m", "1h"], breakdowns=["shop"], target=[target, {"value": 3}]),
        "revenue": a_kpi("revenue"),
    }

    assert catalogue_problems(kpis) == ()


FILE = """\
apiVersion: tidemark/v1
kind: KPI
slug: orders
title: Orders
category: operational
owner: sales
event_type: order.paid
aggregate: count
windows: [24h, mtd]
target:
  - windows: [mtd]
    by_period:
      - {from: 2026, value: 100}
      - {from: 2026-13, value: 120}
    phasing: {every: month, weekday: {sun: 0}}
"""


def test_places() -> None:
    """What is wrong deep within a target is shown where it stands in the file."""
    with pytest.raises(DefinitionError) as caught:
        kpis_of(FILE, file="orders.yaml")

    places = [
        (each.place.line, each.place.column, each.message) for each in caught.value.problems if each.place
    ]
    assert places == [
        (14, 16, "there is no day '2026-13'"),
        (15, 29, "there is no field 'weekday'; did you mean 'weekdays'?"),
    ]


@pytest.mark.parametrize(
    "target",
    [
        {"value": "0.8", "warning": "0.75"},
        [{"value": "1", "windows": ["5m"]}, {"kpi": "orders", "of": "last_year", "times": "1.05"}],
        {"by_period": [{"from": "2026", "value": "1"}, {"from": "2027-Q1", "value": None}], "at_risk": "0.9"},
        {
            "value": "310",
            "phasing": {"every": "month", "weekdays": {"sun": "0"}, "days": {"2026-11-27": "5"}},
        },
        {
            "benchmark": {
                "name": "Peers",
                "source": "a: report",
                "values": [{"from": "2026-01", "value": "1"}],
            }
        },
        {"by_dimension": [{"dimensions": {"shop": None}, "value": "3"}]},
    ],
)
def test_round_trip(target: object) -> None:
    """A target is stored as it is written, one without a list, and exported so that it reads back."""
    kpi = a_kpi(windows=["5m", "1h"], breakdowns=["shop"], target=target)

    assert spec_of(kpi)["target"] == target
    (read,) = kpis_of(kpi_text(kpi))
    assert spec_of(read) == spec_of(kpi)
    assert read.goals == kpi.goals
