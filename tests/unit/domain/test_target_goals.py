"""Which target holds for a window of a series, and what it comes to."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from shared.domain.calendars import Calendar, instant_us
from shared.domain.definitions import Kpi
from shared.domain.targets import Aim, Kind, Stretch, aim_of, goal_for, instant_of, stretch_of
from shared.domain.windows import parse_window
from tests.unit.domain.kpi_builders import a_kpi

CALENDAR = Calendar("UTC")


def _us(text: str) -> int:
    return instant_us(datetime.fromisoformat(text).replace(tzinfo=UTC))


def _aim(
    kpi: Kpi,
    stretch: Stretch,
    *,
    window: str = "24h",
    followed: Decimal | None = None,
    dimensions: Mapping[str, str] | None = None,
) -> Aim | None:
    goal = goal_for(kpi.goals, window, dimensions or {})
    if goal is None:
        return None
    return aim_of(goal, stretch, CALENDAR, direction=kpi.direction, followed=followed)


JANUARY = Stretch(_us("2026-01-01"), _us("2026-01-08"))


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ({"value": 90, "warning": 80}, Aim(Decimal(90), Decimal(80))),
        ({"value": 90, "at_risk": "0.9"}, Aim(Decimal(90), Decimal("81.0"))),
        (
            {"by_period": [{"from": 2025, "value": 5}, {"from": "2026-Q1", "value": 9, "warning": 8}]},
            Aim(Decimal(9), Decimal(8), kind=Kind.BY_PERIOD),
        ),
        (
            {"by_period": [{"from": "2026-01", "value": 310, "warning": 155}], "phasing": {"every": "month"}},
            Aim(Decimal(70), Decimal(35), kind=Kind.BY_PERIOD),  # 7 of 31 days
        ),
        ({"value": 310, "phasing": {"every": "month"}}, Aim(Decimal(70), kind=Kind.BY_PERIOD)),
        (
            {"ramp": [{"day": "2026-01", "value": 10}, {"day": "2026-01-15", "value": 20}], "at_risk": 0.8},
            Aim(Decimal(15), Decimal(12), kind=Kind.RAMP),
        ),
        ({"ramp": [{"day": "2026-02", "value": 10}, {"day": "2026-03", "value": 20}]}, None),
        ({"kpi": "revenue", "times": "1.05"}, Aim(Decimal("42.00"), kind=Kind.KPI, source="revenue")),
        (
            {
                "benchmark": {"name": "Peers", "source": "a report", "values": [{"from": 2026, "value": 4}]},
                "times": 2,
            },
            Aim(Decimal(8), kind=Kind.BENCHMARK, source="Peers"),
        ),
    ],
)  # fmt: skip
def test_kinds(target: dict[str, Any], expected: Aim | None) -> None:
    """Every kind of target says what a window has to reach."""
    kpi = a_kpi(windows=["24h"], target=target)

    assert _aim(kpi, JANUARY, followed=Decimal(40)) == expected


@pytest.mark.parametrize(
    ("bounds", "expected"),
    [
        ({"at_risk": "0.9"}, Aim(Decimal(70), Decimal(21), Decimal(14), Kind.BY_PERIOD)),  # 14 + 7
        ({"warning": 124}, Aim(Decimal(70), Decimal(28), Decimal(14), Kind.BY_PERIOD)),
    ],
)
def test_a_band_of_amounts(bounds: dict[str, Any], expected: Aim) -> None:
    """7 of 31 days have so much of the amount, and just as much of what may lie on either side of it."""
    target = {"value": 310, "tolerance": 62, "phasing": {"every": "month"}, **bounds}

    assert _aim(a_kpi(windows=["24h"], direction="band", target=target), JANUARY) == expected


def test_nothing_to_follow() -> None:
    """A target that follows what has no data is there, but not known."""
    kpi = a_kpi(windows=["24h"], target={"kpi": "revenue"})

    assert _aim(kpi, JANUARY) == Aim(None, kind=Kind.KPI, source="revenue")


def test_windows() -> None:
    """A target that names a window is for it alone; the one that names none is for all others."""
    kpi = a_kpi(
        windows=["1h", "24h", "mtd"],
        target=[{"value": 1, "windows": ["24h", "this_month"]}, {"value": 2}],
    )

    found = [_aim(kpi, JANUARY, window=window) for window in kpi.windows]

    assert [aim and aim.value for aim in found] == [2, 1, 1]


def test_windows_without() -> None:
    """Where every target names its windows, the others have none."""
    kpi = a_kpi(windows=["1h", "24h"], target=[{"value": 1, "windows": ["24h"]}])

    assert _aim(kpi, JANUARY, window="1h") is None


@pytest.mark.parametrize(
    ("dimensions", "expected"),
    [
        ({}, 100),
        ({"carrier": "AA", "origin": "JFK"}, 7),
        ({"carrier": "AA", "origin": "LAX"}, 12),
        ({"carrier": "AA"}, 12),
        ({"carrier": "UA"}, 5),
    ],
)
def test_dimensions(dimensions: dict[str, str], expected: int) -> None:
    """What names more of a series wins, and a value over all values; without any it is the default."""
    kpi = a_kpi(
        breakdowns=[["carrier"], ["carrier", "origin"]],
        target={
            "value": 100,
            "by_dimension": [
                {"dimensions": {"carrier": "*"}, "value": 5},
                {"dimensions": {"data.carrier": "AA"}, "value": 12},
                {"dimensions": {"carrier": "AA", "origin": "JFK"}, "value": 7},
            ],
        },
    )

    aim = _aim(kpi, JANUARY, dimensions=dimensions)

    assert aim is not None
    assert aim.value == expected


@pytest.mark.parametrize(
    ("window", "start", "end", "judged_end", "asked"),
    [
        ("mtd", "2026-01-01", "2026-01-31T23:45", "2026-01-31T23:45", "2026-01-31T23:44:59.999999"),
        ("mtd", "2026-01-01", "2026-02-01T00:45", "2026-02-01", "2026-01-31T23:59:59.999999"),
        ("mtd", "2026-02-01", "2026-02-01", "2026-02-01", "2026-02-01"),
        ("previous_month", "2026-01-01", "2026-02-01", "2026-02-01", "2026-02-01"),
        ("24h", "2026-01-31T01:00", "2026-02-01T01:00", "2026-02-01T01:00", "2026-02-01T00:59:59.999999"),
    ],
)
def test_stretches(window: str, start: str, end: str, judged_end: str, asked: str) -> None:
    """A window to date never reaches beyond its period; another KPI is asked about the very same window."""
    parsed = parse_window(window)

    found = stretch_of(parsed, _us(start), _us(end), CALENDAR)

    assert (found.start_us, found.end_us) == (_us(start), _us(judged_end))
    assert instant_of(parsed, found) == _us(asked)
