"""What the files aim at, at one instant: targets, paces, contributions and scores, in lines for programs."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction
from typing import Any

from tests.oracle.answers import to_significant
from tests.oracle.contributions import Parts, did, is_linear, method_of, parts_of
from tests.oracle.definitions import definitions
from tests.oracle.oracle import Dimensions, Oracle
from tests.oracle.scores import Score, Scores
from tests.oracle.windows import TO_DATE, earlier

Line = Mapping[str, Any]

USUAL_WINDOW = "24h"
"""Over which series are told, where a KPI has it; else over its first one."""

_PERIODS = frozenset(TO_DATE) - {"this_hour"}


class Goals:
    """What *oracle* says of all goals of *kpis_yaml*, documents of every kind, at the instant *at*."""

    def __init__(self, oracle: Oracle, kpis_yaml: str, at: datetime) -> None:
        self._oracle, self._at = oracle, at
        self._known = definitions(kpis_yaml)
        self._scores = Scores(oracle, kpis_yaml, kpis_yaml, now=at)

    def lines(self) -> Iterator[Line]:
        """All of it."""
        for slug in self._oracle.slugs:
            if self._known[slug].targets:
                yield from self._targets(slug)
                yield from self._paces(slug)
            if method_of(self._known, slug):
                for breakdown in self._oracle.breakdowns(slug):
                    yield self._contributions(slug, breakdown)
        for name in self._scores.scorecards:
            cards = [_places(each) for each in self._scores.cards_of(name, self._at)]
            yield self._score("scorecards", name, self._scores.of_scorecard(name, self._at), cards)
        for name in self._scores.objectives:
            yield self._score("objectives", name, self._scores.of_objective(name, self._at), None)

    def _usual(self, slug: str) -> str:
        windows = self._oracle.windows(slug)
        return USUAL_WINDOW if USUAL_WINDOW in windows else windows[0]

    def _targets(self, slug: str) -> Iterator[Line]:
        for window in self._oracle.windows(slug):
            yield self._target(slug, window, {})
        for breakdown in self._oracle.breakdowns(slug):
            window = self._usual(slug)
            for series in self._oracle.series_within(slug, breakdown, window, self._at):
                yield self._target(slug, window, series)

    def _target(self, slug: str, window: str, dimensions: Dimensions) -> Line:
        found = self._oracle.judged(slug, window, dimensions, self._at, now=self._at)
        value = self._oracle.exact(slug, window, dimensions, self._at, now=self._at)
        return {
            "tells": "target",
            "kpi": slug,
            "window": window,
            "dimensions": dimensions,
            "value": _number(value),
            "n": self._oracle.value(slug, window, dimensions, self._at).n,
            "target": _number(found.target),
            "warning": _number(found.warning),
            "status": found.status,
            "attainment": _number(found.attainment),
        }

    def _paces(self, slug: str) -> Iterator[Line]:
        adds_up = is_linear(self._known, slug, ("count", "sum"))
        for window in self._oracle.windows(slug):
            if window in _PERIODS:
                found = self._oracle.paced(slug, window, {}, self._at, now=self._at, adds_up=adds_up)
                yield {
                    "tells": "pace",
                    "kpi": slug,
                    "window": window,
                    "target": _number(found.whole.target),
                    "expected": _number(found.expected.target),
                    "status": found.expected.status,
                    "attainment": _number(found.expected.attainment),
                    "projected": _number(found.projected),
                    "method": found.method,
                    "projected_status": found.whole.status,
                    "required_per_day": _number(found.required_per_day),
                }

    def _contributions(self, slug: str, breakdown: tuple[str, ...]) -> Line:
        window, method = self._usual(slug), method_of(self._known, slug) or ""
        kpi = self._known[slug]
        then = earlier(window, zone=kpi.zone, at=self._at, years=kpi.years)
        wholes = self._parts(slug, window, {}, then), self._parts(slug, window, {}, self._at)
        is_told = all(whole.value is not None for whole in wholes)
        items = []
        for one in self._met(slug, breakdown, window, (then, self._at)) if is_told else ():
            parts = self._parts(slug, window, one, then), self._parts(slug, window, one, self._at)
            found = did(method, *parts, *wholes)
            items.append({
                "dimensions": one,
                "contribution": _number(found.amount),
                "mix_effect": _number(found.mix),
                "rate_effect": _number(found.rate),
            })  # fmt: skip
        return {
            "tells": "contribution",
            "kpi": slug,
            "window": window,
            "breakdown": breakdown,
            "method": method,
            "change": _number(wholes[1].value - wholes[0].value) if is_told else None,  # type: ignore[operator]
            "items": items,
        }

    def _met(
        self, slug: str, breakdown: tuple[str, ...], window: str, instants: tuple[datetime, ...]
    ) -> list[Dimensions]:
        """The series with an event in *window* at one of *instants*, each once."""
        found = [one for at in instants for one in self._oracle.series_within(slug, breakdown, window, at)]
        return list({tuple(one.items()): one for one in found}.values())

    def _parts(self, slug: str, window: str, dimensions: Dimensions, at: datetime) -> Parts:
        def look(name: str) -> Fraction:
            return self._oracle.exact(name, window, dimensions, at, now=self._at) or Fraction(0)

        counted = self._oracle.value(slug, window, dimensions, at, now=self._at).n
        return parts_of(self._known, slug, look, counted)

    @staticmethod
    def _score(family: str, name: str, found: Score, cards: list[str | None] | None) -> Line:
        return {
            "tells": "score",
            "family": family,
            "name": name,
            "score": _places(found.score),
            "coverage": _places(found.coverage),
            "cards": cards,
        }


def _number(number: Fraction | None) -> str | None:
    return None if number is None else str(to_significant(number))


def _places(number: Fraction | None) -> str | None:
    """*number* to 4 decimals, half-even, without a rounding in between."""
    if number is None:
        return None
    return str(Decimal(round(number * 10_000)).scaleb(-4).quantize(Decimal("0.0001"), ROUND_HALF_EVEN))
