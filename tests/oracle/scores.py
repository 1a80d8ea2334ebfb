"""Scores by brute force: values from the raw log, targets and weights as the files have them."""

import itertools
from collections.abc import Mapping
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
    """What the oracle's values score under the targets of *kpis_yaml*, and make up under *cards_yaml*."""

    def __init__(self, oracle: Oracle, kpis_yaml: str, cards_yaml: str, *, now: datetime) -> None:
        self._oracle, self._now = oracle, now
        self._kpis = {each["slug"]: each for each in yaml.safe_load_all(kpis_yaml)}
        cards = list(yaml.safe_load_all(cards_yaml))
        self._objectives = {each["slug"]: each for each in cards if each["kind"] == "Objective"}
        self._scorecards = {each["slug"]: each for each in cards if each["kind"] == "Scorecard"}

    def of_kpi(
        self, slug: str, window: str, dimensions: Mapping[str, str | None], at: datetime
    ) -> Fraction | None:
        """What a KPI scores."""
        kpi = self._kpis[slug]
        target = kpi.get("target")
        value = self._oracle.value(slug, window, dimensions, at, now=self._now).value
        if target is None or value is None:
            return None
        number = {name: Fraction(str(text)) for name, text in target.items()}
        goal, third = number["value"], Fraction(100, 3)
        if kpi.get("direction") == "band":
            near, far = number["tolerance"], number["warning"]
            away = abs(Fraction(value) - goal)
            knots = [(Fraction(0), 3 * third), (near, 2 * third), (far, third), (2 * far - near, Fraction(0))]
            return interpolated(away, knots)
        flag = number.get("warning")
        sign = -1 if kpi.get("direction") == "down" else 1
        width = abs(goal) / 2 if flag is None else sign * (goal - flag)
        steps = [(sign * goal + width * step, (step + 2) * third) for step in (-2, -1, 0, 1)]
        return interpolated(sign * Fraction(value), steps)

    def of_scorecard(self, slug: str, at: datetime) -> Score:
        """What a scorecard comes to."""
        card = self._scorecards[slug]
        if "select" in card:
            wanted = card["select"]["tag"]
            listed = [{"kpi": name} for name, kpi in self._kpis.items() if wanted in kpi.get("tags", ())]
        else:
            listed = card["kpis"]
        return self._total([self._member(each, at) for each in listed], card.get("roll_up", "mean"))

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


def _listed(found: Any) -> list[str]:
    return [found] if isinstance(found, str) else list(found)


def _weight(part: Mapping[str, Any], day: date) -> Fraction:
    """The weight of *day*: the newest that has begun, none before the first."""
    if "weights" not in part:
        return Fraction(str(part.get("weight", 1)))
    begun = {each["from"]: each["weight"] for each in part["weights"] if each["from"] <= day}
    return Fraction(str(begun[max(begun)])) if begun else Fraction(0)
