"""Goals as the API and the oracle tell them, all alike unless said otherwise."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from services.local.demo.expectations import (
    ExpectedContribution,
    ExpectedPace,
    ExpectedScore,
    ExpectedTarget,
)
from services.local.demo.goals import Checked
from services.local.demo.tellings import (
    Board,
    Card,
    Change,
    Explanation,
    Pace,
    Part,
    Projection,
    Standing,
    Target,
)

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
THIRD = Decimal(1) / 3
GOAL = Target(Decimal(900), Decimal(800))


def a_target(**told: Any) -> Checked:
    """A value that has reached a third more than its target."""
    ours = Standing(Decimal(1200), 1200, "on_track", THIRD, GOAL)
    theirs = ExpectedTarget(
        kpi="departures",
        window="24h",
        dimensions={},
        value=Decimal(1200),
        n=1200,
        target=Decimal(900),
        warning=Decimal(800),
        status="on_track",
        attainment=Decimal("0.333333333333"),
    )
    return Checked(replace(ours, **told), theirs)


def a_pace(**told: Any) -> Checked:
    """A month that is half over."""
    projection = Projection(Decimal(25_000), "run_rate", "at_risk")
    ours = Pace(
        Target(Decimal(27_500), None), Decimal(13_750), None, "at_risk", None, Decimal(1000), projection
    )
    theirs = ExpectedPace(
        kpi="departures",
        window="mtd",
        target=Decimal(27_500),
        expected=Decimal(13_750),
        status="at_risk",
        attainment=None,
        projected=Decimal(25_000),
        method="run_rate",
        projected_status="at_risk",
        required_per_day=Decimal(1000),
    )
    return Checked(replace(ours, **told), theirs)


def a_change(*contributions: str, change: str = "1.5", expected: str = "1.5") -> Checked:
    """A change that some carriers made, of which the oracle knows two."""
    names = ("UA", "EV", "MQ", "B6")
    parts = [
        Part({"carrier": "UA"}, Decimal(2), None, None),
        Part({"carrier": "EV"}, Decimal("-0.5"), None, None),
    ]
    told = [
        Part({"carrier": name}, Decimal(amount), None, None)
        for name, amount in zip(names, contributions, strict=False)
    ]
    theirs = ExpectedContribution("on_time_share", "24h", ["carrier"], "difference", Decimal(expected), parts)
    return Checked(Change("difference", Decimal(change), told or parts), theirs)


def a_board(**told: Any) -> Checked:
    """A scorecard of one card."""
    card = Card(
        "departures", "mtd", {}, Decimal(12_000), "flights", GOAL, "off_track", THIRD, Decimal("12.5000")
    )
    ours = Board("airport", "The airport", NOON, "mean", Decimal("12.5000"), "off_track", Decimal(1), [card])
    theirs = ExpectedScore("scorecards", "airport", Decimal("12.5"), Decimal(1), [Decimal("12.5")])
    return Checked(replace(ours, **told), theirs)


def an_explanation(**told: Any) -> Checked:
    """Why a value is what it is."""
    words = "sum of 2 events = 1200", "900.0000001 is the target; 1200 is on track"
    ours = Explanation(Decimal(1200), 1200, *words, reconciles=True)
    return Checked(replace(ours, **told), a_target().expected)


ALL_GOALS = [a_target(), a_pace(), a_change(), a_board(), an_explanation()]
A_WRONG_TARGET = a_target(status="at_risk")
