"""Targets, paces, contributions and scores by the API and by the oracle; neither sees the other's answers."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

from services.local.demo.asking import Api, series_of
from services.local.demo.expectations import (
    ExpectedContribution,
    ExpectedPace,
    ExpectedScore,
    ExpectedTarget,
    Goal,
)
from services.local.demo.judging import is_near
from services.local.demo.tellings import Board, Change, Explanation, Pace, Part, Standing, Target, Told

SORTS = ("targets", "projections", "contributions", "scores", "explanations")
"""What is compared, in the order in which it is told."""

EXPLAINED = {"on_time_share": "0", "revenue": "1"}
"""The KPIs that are explained, over a day; of one the events of the log are read, too."""

MOST_PARTS = "100"
"""As many parts of a change as the API tells: the demo's breakdowns have fewer."""


@dataclass(frozen=True, slots=True)
class Checked:
    """One goal by both."""

    told: Told
    expected: Goal

    @property
    def sort(self) -> str:
        """What it is one of: a word of `SORTS`."""
        match self.told:
            case Standing():
                return "targets"
            case Pace():
                return "projections"
            case Change():
                return "contributions"
            case Board():
                return "scores"
            case Explanation():
                return "explanations"

    @property
    def name(self) -> str:
        """What is told of."""
        match self.expected:
            case ExpectedTarget(kpi, window, dimensions):
                return " ".join([kpi, window, *(f"{name}={value}" for name, value in dimensions.items())])
            case ExpectedPace(kpi, window):
                return f"{kpi} {window}"
            case ExpectedContribution(kpi, window, breakdown):
                return f"{kpi} {window} by {', '.join(breakdown)}"
            case ExpectedScore(family, name):
                return f"{family} {name}"

    @property
    def equal(self) -> bool:
        """Whether both say the same: numbers to 12 significant digits, scores to the last."""
        match self.told, self.expected:
            case Standing() as told, ExpectedTarget() as expected:
                return _same_target(told, expected)
            case Pace() as told, ExpectedPace() as expected:
                return _same_pace(told, expected)
            case Change() as told, ExpectedContribution() as expected:
                return _same_change(told, expected)
            case Board() as told, ExpectedScore() as expected:
                return _same_score(told, expected)
            case Explanation() as told, ExpectedTarget() as expected:
                is_whole = told.reconciles is not False
                return is_whole and told.n == expected.n and is_near(told.value, expected.value)
        return False


def _same_target(told: Standing, expected: ExpectedTarget) -> bool:
    target = told.target or Target(None, None)
    return (
        (told.status, told.n) == (expected.status, expected.n)
        and is_near(told.value, expected.value)
        and is_near(target.value, expected.target)
        and is_near(target.warning, expected.warning)
        and is_near(told.attainment, expected.attainment)
    )


def _same_pace(told: Pace, expected: ExpectedPace) -> bool:
    words = told.status, told.projection.method, told.projection.status
    return (
        words == (expected.status, expected.method, expected.projected_status)
        and is_near(told.target.value if told.target else None, expected.target)
        and is_near(told.expected, expected.expected)
        and is_near(told.attainment, expected.attainment)
        and is_near(told.projection.value, expected.projected)
        and is_near(told.required_per_day, expected.required_per_day)
    )


def _same_change(told: Change, expected: ExpectedContribution) -> bool:
    if told.change is None or expected.change is None:
        return told.change is expected.change
    ours = {_key(item): item for item in told.items}
    theirs = {_key(item): item for item in expected.items}
    return (
        told.method == expected.method
        and is_near(told.change, expected.change)
        and ours.keys() == theirs.keys()
        and sum(Fraction(item.contribution or 0) for item in told.items) == Fraction(told.change)
        and all(_same_part(ours[key], theirs[key]) for key in theirs)
    )


def _key(part: Part) -> tuple[tuple[str, str | None], ...]:
    return tuple(sorted(part.dimensions.items()))


def _same_part(ours: Part, theirs: Part) -> bool:
    return (
        is_near(ours.contribution, theirs.contribution)
        and is_near(ours.mix_effect, theirs.mix_effect)
        and is_near(ours.rate_effect, theirs.rate_effect)
    )


def _same_score(told: Board, expected: ExpectedScore) -> bool:
    cards = [card.score for card in told.cards]
    return (
        (told.score, told.coverage) == (expected.score, expected.coverage)
        and expected.cards in (None, cards)
    )  # fmt: skip


async def check(api: Api, expected: Sequence[Goal], *, at: datetime) -> list[Checked]:
    """What the API tells at *at* beside each of *expected*, in the same order.

    Raises:
        ApiFailedError: it gave no answer.
    """
    return list(await asyncio.gather(*(_checked(api, one, at) for one in expected)))


async def _checked(api: Api, one: Goal, at: datetime) -> Checked:
    match one:
        case ExpectedTarget(kpi, window, dimensions):
            asked = series_of(window, dimensions, at)
            return Checked(await api.told(f"kpis/{kpi}/value", asked, type=Standing), one)
        case ExpectedPace(kpi, window):
            return Checked(await api.told(f"kpis/{kpi}/pace", series_of(window, {}, at), type=Pace), one)
        case ExpectedContribution(kpi, window, breakdown):
            asked = {"breakdown": ",".join(breakdown), "most": MOST_PARTS, **series_of(window, {}, at)}
            return Checked(await api.told(f"kpis/{kpi}/contribution", asked, type=Change), one)
        case ExpectedScore(family, name):
            return Checked(await api.told(f"{family}/{name}/score", {"at": at.isoformat()}, type=Board), one)


async def explain(api: Api, expected: Sequence[Goal], *, at: datetime) -> list[Checked]:
    """Why some values of *expected* are what they are, in the words of the API.

    Raises:
        ApiFailedError: it gave no answer.
    """
    found = []
    for one in expected:
        if (
            isinstance(one, ExpectedTarget)
            and one.kpi in EXPLAINED
            and (one.window, one.dimensions) == ("24h", {})
        ):
            asked = {"sample": EXPLAINED[one.kpi], **series_of(one.window, {}, at)}
            found.append(Checked(await api.told(f"kpis/{one.kpi}/explain", asked, type=Explanation), one))
    return found
