"""Scores by brute force: values from the raw log, targets and weights as the files have them."""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

import yaml

from tests.oracle.oracle import Oracle

Name = tuple[str, ...]
"""What a part is called: an objective, or a KPI, its window and its dimensions as text."""


@dataclass(frozen=True, slots=True)
class Score:
    """What something comes to.

    Attributes:
        worst: the names of all parts with the lowest score.
        coverage: the share of the weight that has a score; None where nothing has a weight.
    """

    score: Fraction | None
    worst: frozenset[Name]
    coverage: Fraction | None


def interpolated(value: Fraction, knots: list[tuple[Fraction, Fraction]]) -> Fraction:
    """What *value* is between *knots*, by their first coordinate; at the ends it goes on level."""
    if value <= knots[0][0]:
        return knots[0][1]
    for (left, low), (right, high) in itertools.pairwise(knots):
        if left <= value <= right:
            return low + (high - low) * (value - left) / (right - left)
    return knots[-1][1]


class Scores:
    """What the oracle's values score under the targets of *kpis_yaml*, and make up under *cards_yaml*.

    Each may have documents of other kinds, too.
    """

    def __init__(self, oracle: Oracle, kpis_yaml: str, cards_yaml: str, *, now: datetime) -> None:
        self._oracle, self._now = oracle, now
        found = [each for each in yaml.safe_load_all(kpis_yaml) if each]
        self._kpis = {each["slug"]: each for each in found if each.get("slug") in oracle.slugs}
        cards = [each for each in yaml.safe_load_all(cards_yaml) if each]
        self._objectives = {each["slug"]: each for each in cards if each["kind"] == "Objective"}
        self._scorecards = {each["slug"]: each for each in cards if each["kind"] == "Scorecard"}

    def of_kpi(
        self, slug: str, window: str, dimensions: Mapping[str, str | None], at: datetime
    ) -> Fraction | None:
        """What a KPI scores."""
        found = self._oracle.judged(slug, window, dimensions, at, now=self._now)
        value = self._oracle.exact(slug, window, dimensions, at, now=self._now)
        if found.target is None or value is None:
            return None
        direction = self._kpis[slug].get("direction")
        if direction == "band":
            rule = self._oracle.rule(slug, window, dimensions, at)
            near = Fraction(str((rule or {}).get("tolerance", 0)))
            return _in_band(abs(value - found.target), near, found.warning)
        return _beyond(value, found.target, found.warning, -1 if direction == "down" else 1)

    def of_scorecard(self, slug: str, at: datetime) -> Score:
        """What a scorecard comes to."""
        card = self._scorecards[slug]
        parts = [self._member(each, at) for each in self._listed(card)]
        return self._total(parts, card.get("roll_up", "mean"))

    def cards_of(self, slug: str, at: datetime) -> list[Fraction | None]:
        """What each card of a scorecard scores."""
        return [self._member(each, at)[2] for each in self._listed(self._scorecards[slug])]

    @property
    def scorecards(self) -> list[str]:
        """All scorecards."""
        return list(self._scorecards)

    @property
    def objectives(self) -> list[str]:
        """All objectives."""
        return list(self._objectives)

    def _listed(self, card: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        if "select" not in card:
            return list(card["kpis"])
        return [{"kpi": name} for name in sorted(self._kpis) if self._is_selected(name, card["select"])]

    def _is_selected(self, slug: str, select: Mapping[str, str]) -> bool:
        kpi = self._kpis[slug]
        words = {
            "objective": [each for name in _listed(kpi.get("objective", ())) for each in self._upward(name)],
            "department": _listed(kpi.get("department", ())),
            "category": [kpi["category"]],
            "tag": _listed(kpi.get("tags", ())),
        }
        return all(wanted in words[field] for field, wanted in select.items())

    def _upward(self, objective: str | None) -> Iterator[str]:
        while objective is not None:
            yield objective
            objective = self._objectives.get(objective, {}).get("parent")

    def of_group(self, field: str, name: str, at: datetime) -> Score:
        """What the KPIs that have *name* in *field* come to."""
        found = [slug for slug, kpi in self._kpis.items() if name in _listed(kpi.get(field, ()))]
        return self._total([self._member({"kpi": slug}, at) for slug in found], "mean")

    def of_objective(self, slug: str, at: datetime) -> Score:
        """What an objective comes to, with all that is below it."""
        objective = self._objectives[slug]
        weights = objective.get("kpi_weights", {})
        parts = [
            self._member({"kpi": name, "weight": weights.get(name, 1)}, at)
            for name, kpi in self._kpis.items()
            if slug in _listed(kpi.get("objective", ()))
        ]
        for name, each in self._objectives.items():
            if each.get("parent") == slug:
                day = at.astimezone(UTC).date()
                parts.append(((name,), _weight(each, day), self.of_objective(name, at).score))
        return self._total(parts, objective.get("roll_up", "mean"))

    def _member(self, card: Mapping[str, Any], at: datetime) -> tuple[Name, Fraction, Fraction | None]:
        slug = card["kpi"]
        kpi = self._kpis[slug]
        window = card.get("window", kpi["windows"][0])
        dimensions = {name: text or None for name, text in card.get("dimensions", {}).items()}
        day = at.astimezone(ZoneInfo(kpi.get("zone", "UTC"))).date()
        name = (slug, window, str(dimensions))
        return name, _weight(card, day), self.of_kpi(slug, window, dimensions, at)

    @staticmethod
    def _total(parts: list[tuple[Name, Fraction, Fraction | None]], roll_up: str) -> Score:
        weight = sum(weight for _, weight, _ in parts)
        told = [(name, weight, score) for name, weight, score in parts if weight and score is not None]
        if not told:
            return Score(None, frozenset(), Fraction(0) if weight else None)
        lowest = min(score for _, _, score in told)
        covered = sum(weight for _, weight, _ in told)
        mean = sum(weight * score for _, weight, score in told) / Fraction(covered)
        worst = frozenset(name for name, _, score in told if score == lowest)
        return Score(lowest if roll_up == "worst" else mean, worst, Fraction(covered) / weight)


def _beyond(value: Fraction, goal: Fraction, flag: Fraction | None, sign: int) -> Fraction:
    """The score of a value that is better the further it lies beyond *goal*."""
    width = Fraction(0) if flag is None else sign * (goal - flag)
    width = width or abs(goal) / 2
    if not width:
        return Fraction(200, 3) if value == goal else Fraction(100 if sign * value > 0 else 0)
    steps = [(sign * goal + width * step, Fraction(100, 3) * (step + 2)) for step in (-2, -1, 0, 1)]
    return interpolated(sign * value, steps)


def _in_band(away: Fraction, near: Fraction, far: Fraction | None) -> Fraction:
    """The score of a value that lies *away* from the middle of a band that is *near* wide."""
    far = 2 * near if far is None or far <= near else far
    if not far:
        return Fraction(0 if away else 100)
    third = Fraction(100, 3)
    knots = [(near, 2 * third), (far, third), (2 * far - near, Fraction(0))]
    return interpolated(away, [(Fraction(0), 3 * third), *knots] if near else knots)


def _listed(found: Any) -> list[str]:
    return [found] if isinstance(found, str) else list(found)


def _weight(part: Mapping[str, Any], day: date) -> Fraction:
    """The weight of *day*: the newest that has begun, none before the first."""
    if "weights" not in part:
        return Fraction(str(part.get("weight", 1)))
    begun = {each["from"]: each["weight"] for each in part["weights"] if each["from"] <= day}
    return Fraction(str(begun[max(begun)])) if begun else Fraction(0)
