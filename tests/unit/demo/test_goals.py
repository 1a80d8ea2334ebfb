"""When the demo takes a goal of the API for that of the oracle."""

from decimal import Decimal

import pytest
from msgspec.structs import replace

from services.local.demo.goals import SORTS, Checked
from services.local.demo.tellings import Part, Projection, Target
from tests.unit.demo.goal_builders import (
    ALL_GOALS,
    a_board,
    a_change,
    a_pace,
    a_target,
    an_explanation,
)


def test_all_sorts() -> None:
    """Of every sort there is one that is equal."""
    assert [one.sort for one in ALL_GOALS if one.equal] == list(SORTS)


@pytest.mark.parametrize(
    "one",
    [
        a_target(value=Decimal(1201)),
        a_target(n=1201),
        a_target(status="at_risk"),
        a_target(attainment=Decimal("0.3333333334")),
        a_target(attainment=None),
        a_target(target=Target(Decimal(901), Decimal(800))),
        a_target(target=Target(Decimal(900), None)),
        a_target(target=None),
        a_pace(expected=Decimal(13_751)),
        a_pace(target=None),
        a_pace(status="on_track"),
        a_pace(attainment=Decimal(1)),
        a_pace(required_per_day=None),
        a_pace(projection=Projection(Decimal(25_001), "run_rate", "at_risk")),
        a_pace(projection=Projection(Decimal(25_000), "seasonal", "at_risk")),
        a_pace(projection=Projection(Decimal(25_000), "run_rate", "on_track")),
        a_change("2"),
        a_change("2.5", "-1"),
        a_change("2", "-0.5", "0"),
        a_change("2", "-0.5", change="1.6", expected="1.6"),
        a_change(expected="1.6"),
        a_board(score=Decimal("12.5001")),
        a_board(coverage=Decimal("0.9")),
        a_board(cards=[]),
        an_explanation(n=1),
        an_explanation(value=None),
        an_explanation(reconciles=False),
    ],
)
def test_differences(one: Checked) -> None:
    """Whatever is told differently, were it the last but one of many digits, is seen."""
    assert not one.equal


def test_names() -> None:
    """A goal is called after what it is one of."""
    names = [one.name for one in ALL_GOALS]

    assert names[:4] == [
        "departures 24h",
        "departures mtd",
        "on_time_share 24h by carrier",
        "scorecards airport",
    ]


def test_long_fractions() -> None:
    """Parts come to the change with all their digits, more than a decimal of Python adds up by itself."""
    third, rest, whole = "0." + "3" * 34, "0." + "6" * 34, "0." + "9" * 34
    told = a_change(third, rest, change=whole, expected="1")
    known = [Part({"carrier": "UA"}, Decimal("0.333333333333"), None, None)]
    known += [Part({"carrier": "EV"}, Decimal("0.666666666667"), None, None)]
    expected = replace(told.expected, items=known)

    assert Checked(told.told, expected).equal
    assert not Checked(replace(told.told, change=Decimal(1)), expected).equal
