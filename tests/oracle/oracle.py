"""Every KPI by brute force over the raw log, at any instant, for any combination of dimensions."""

import ast
import json
import unicodedata
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from tests.oracle.aggregates import Taken, aggregated, key_of, shown, word_for, word_of
from tests.oracle.answers import Value, to_significant
from tests.oracle.definitions import Definition, definitions
from tests.oracle.events import Event, Record, events
from tests.oracle.expressions import holds, number
from tests.oracle.paces import Pace, Question, pace
from tests.oracle.targets import Case, Judged, are_comparable, judged
from tests.oracle.views import View, business_time, hours_hold, own_names
from tests.oracle.windows import reach

DIMENSION_CHARACTERS = 128
OVERFLOW = "__overflow__"
"""Where events with a longer dimension value are counted, so that the total stays right."""

Dimensions = Mapping[str, str | None]
Groups = dict[tuple[str | None, ...], list[Taken]]
"""Measured values by the values of the dimensions."""


Told = tuple[str, str, datetime, object]
"""An event as somebody told of it: source, id, time, and the value taken from it."""


class Oracle:
    """What a batch recomputation over *records* gives for the KPIs of a file.

    Args:
        kpis_yaml: the text of the KPI file.
        records: the records of the source topics, in log order; of two with one identity the first counts.
        ingested_at: the time against which ingest judged whether an event is too old or in the future; None
            where every event came in its time.
    """

    def __init__(self, kpis_yaml: str, records: Iterable[Record], *, ingested_at: datetime | None) -> None:
        self._definitions = definitions(kpis_yaml)
        self._events: dict[str, list[Event]] = {}
        for event in sorted(events(records, ingested_at=ingested_at), key=lambda event: event.time):
            self._events.setdefault(event.type, []).append(event)
        self._times = {name: [event.time for event in found] for name, found in self._events.items()}
        self._measured: dict[tuple[str, int], Taken | None] = {}
        self._groups: dict[tuple[str, int, int, tuple[str, ...]], Groups] = {}

    @property
    def slugs(self) -> tuple[str, ...]:
        """The KPIs of the file, in its order."""
        return tuple(self._definitions)

    def windows(self, slug: str) -> tuple[str, ...]:
        """The windows of a KPI."""
        return self._definitions[slug].windows

    def longest_window(self, slug: str) -> str:
        """The KPI's window that looks back furthest."""
        return max(self.windows(slug), key=reach)

    def breakdowns(self, slug: str) -> tuple[tuple[str, ...], ...]:
        """The breakdowns of a KPI, without the total."""
        return self._definitions[slug].breakdowns

    def series(self, slug: str, breakdown: tuple[str, ...]) -> list[dict[str, str | None]]:
        """Every combination of dimension values that the events of the whole log have for a KPI."""
        return self._combinations(slug, breakdown, None)

    def series_within(
        self, slug: str, breakdown: tuple[str, ...], window: str, at: datetime
    ) -> list[dict[str, str | None]]:
        """The combinations of dimension values among the events of *window* at the instant *at*."""
        return self._combinations(slug, breakdown, self._interval(slug, window, at, at))

    def _combinations(
        self, slug: str, breakdown: tuple[str, ...], within: tuple[datetime, datetime] | None
    ) -> list[dict[str, str | None]]:
        found = {
            values
            for measure in self._measures(slug)
            for values in self._grouped(measure, self._span(measure, within), breakdown)
        }
        ordered = sorted(found, key=lambda values: [(text is not None, text or "") for text in values])
        return [dict(zip(breakdown, values, strict=True)) for values in ordered]

    def last_event(self, slug: str) -> datetime | None:
        """When the last event was that counts for a KPI; for a formula, for any of those behind it."""
        times = [
            taken.time
            for measure in self._measures(slug)
            for found in self._grouped(measure, self._span(measure, None), ()).values()
            for taken in found
        ]
        return max(times, default=None)

    def value(
        self, slug: str, window: str, dimensions: Dimensions, at: datetime, *, now: datetime | None = None
    ) -> Value:
        """A KPI over *window* at the instant *at*, asked at *now*, which is *at* unless said otherwise."""
        kpi = self._definitions[slug]
        view = View(kpi, window, dimensions, at, now or at)
        if kpi.formula is None:
            n = len(self._values(kpi, view))
            return shown(kpi, self._computed(kpi, view), n, view.interval)
        result = self._computed(kpi, view)
        n = sum(len(self._values(measure, view)) for measure in self._own_measures(kpi).values())
        value = None if result is None else to_significant(result)
        return Value(value, n, *view.interval, is_exact=False)

    def exact(
        self, slug: str, window: str, dimensions: Dimensions, at: datetime, *, now: datetime
    ) -> Fraction | None:
        """The value of a KPI without any rounding."""
        return self._looked(slug, window, dimensions, at, now)[0]

    def rule(self, slug: str, window: str, dimensions: Dimensions, at: datetime) -> Mapping[str, Any] | None:
        """The target of a KPI that holds for a window and dimensions, as its file has it."""
        return self._looked(slug, window, dimensions, at, at)[1].rule

    def counted(
        self, slug: str, window: str, dimensions: Dimensions, at: datetime, *, now: datetime
    ) -> list[bytes]:
        """The keys of the events that the value of a KPI of events is made of, in ascending order."""
        kpi = self._definitions[slug]
        return sorted(one.key for one in self._values(kpi, View(kpi, window, dimensions, at, now)))

    def happened(self, slug: str, window: str, at: datetime, *, now: datetime) -> int:
        """How many events of the type of a KPI there are in its window, whether they count or not."""
        span = self._span(self._definitions[slug], self._interval(slug, window, at, now))
        return len(range(span.start, span.stop))

    def remade(
        self, slug: str, window: str, at: datetime, told: Iterable[Told], *, now: datetime
    ) -> Fraction | None:
        """What the events that somebody told of come to for a KPI of events."""
        kpi = self._definitions[slug]
        view = View(kpi, window, {}, at, now)
        taken = [_taken_of(kpi, *each) for each in told]
        return aggregated(kpi, taken, at=at, over=self._over(kpi, view))

    def _over(self, kpi: Definition, view: View) -> timedelta:
        """How long the window is that a rate divides by."""
        if kpi.hours is not None and kpi.aggregate == "rate":
            return business_time(kpi.hours, kpi.zone, *view.interval)
        return view.measured

    def judged(
        self, slug: str, window: str, dimensions: Dimensions, at: datetime, *, now: datetime
    ) -> Judged:
        """How a KPI over *window* at *at*, asked at *now*, stands to its target."""
        value, case = self._looked(slug, window, dimensions, at, now)

        def followed(other: str, of: Dimensions, then: datetime) -> Fraction | None:
            found, there = self._looked(other, window, of, then, now)
            return found if are_comparable(case, there, then) else None

        return judged(case, value, followed)

    def paced(
        self, slug: str, window: str, dimensions: Dimensions, at: datetime, *, now: datetime, adds_up: bool
    ) -> Pace:
        """How a KPI is going in the period of *window* that holds *at*, asked at *now*."""
        case = self._looked(slug, window, dimensions, at, now)[1]

        def followed(other: str, of: Dimensions, then: datetime) -> Fraction | None:
            found, there = self._looked(other, window, of, then, now)
            is_end = then + timedelta(microseconds=1) == there.end
            return found if is_end or are_comparable(case, there, then) else None

        def look(then: datetime) -> tuple[Fraction | None, Case]:
            return self._looked(slug, window, dimensions, then, now)

        return pace(Question(at, now, adds_up, look, followed))

    def _looked(
        self, slug: str, window: str, dimensions: Dimensions, at: datetime, now: datetime
    ) -> tuple[Fraction | None, Case]:
        """The exact value, and what it covers."""
        view = View(self._definitions[slug], window, dimensions, at, now)
        return self._computed(view.asked, view), Case(view.asked, window, dimensions, *view.interval)

    def _own_measures(self, kpi: Definition) -> dict[str, Definition]:
        """The KPIs with events behind *kpi* that it reads as they are: not within prev() or total()."""
        if kpi.formula is None:
            return {kpi.slug: kpi}
        found: dict[str, Definition] = {}
        for name in own_names(kpi.formula):
            found |= self._own_measures(self._definitions[name])
        return found

    def _measures(self, slug: str) -> list[Definition]:
        """The KPIs with events behind *slug*: itself, or the operands of its formula, however deep."""
        kpi = self._definitions[slug]
        if kpi.formula is None:
            return [kpi]
        found = {m.slug: m for name in _names(kpi.formula, self._definitions) for m in self._measures(name)}
        return list(found.values())

    def _computed(self, kpi: Definition, view: View) -> Fraction | None:
        """The exact value of *kpi* as *view* sees it."""
        if kpi.formula is None:
            return aggregated(kpi, self._values(kpi, view), at=view.at, over=self._over(kpi, view))
        return number(kpi.formula, _Operands(self, view))

    def operand(self, slug: str, view: View) -> Fraction | None:
        """What a formula reads of the KPI *slug* under *view*."""
        return self._computed(self._definitions[slug], view)

    def _interval(self, slug: str, window: str, at: datetime, now: datetime) -> tuple[datetime, datetime]:
        return View(self._definitions[slug], window, {}, at, now).interval

    def _values(self, kpi: Definition, view: View) -> list[Taken]:
        groups = self._grouped(kpi, self._span(kpi, view.interval), tuple(view.dimensions))
        return groups.get(tuple(view.dimensions.values()), [])

    def _span(self, kpi: Definition, within: tuple[datetime, datetime] | None) -> slice:
        """Where the events of *within* stand among those of the KPI's type; all of them for None."""
        times = self._times.get(kpi.event_type or "", [])
        if within is None:
            return slice(0, len(times))
        return slice(bisect_left(times, within[0]), bisect_left(times, within[1]))

    def _grouped(self, kpi: Definition, span: slice, breakdown: tuple[str, ...]) -> Groups:
        """The measured values of the events of *span* by their dimension values."""
        key = (kpi.slug, span.start, span.stop, breakdown)
        if key not in self._groups:
            groups: Groups = {}
            chosen = self._events.get(kpi.event_type or "", [])[span]
            for index, event in enumerate(chosen, span.start):
                taken = self._measure(kpi, index, event)
                if taken is not None:
                    groups.setdefault(_combination(event, breakdown), []).append(taken)
            self._groups[key] = groups
        return self._groups[key]

    def _measure(self, kpi: Definition, index: int, event: Event) -> Taken | None:
        """What *event* adds to *kpi*; None when it is not counted there."""
        key = (kpi.slug, index)
        if key not in self._measured:
            self._measured[key] = _measured(kpi, event)
        return self._measured[key]


class _Operands:
    """The names of a formula under one view."""

    def __init__(self, oracle: Oracle, view: View) -> None:
        self._oracle = oracle
        self._view = view

    def __call__(self, name: str) -> Fraction | None:
        return self._oracle.operand(name, self._view)

    def earlier(self) -> "_Operands":
        return _Operands(self._oracle, self._view.earlier())

    def total(self) -> "_Operands":
        return _Operands(self._oracle, self._view.total())


def _measured(kpi: Definition, event: Event) -> Taken | None:
    def scope(name: str) -> Any:
        return event.data if name == "data" else getattr(event, name)

    if kpi.hours is not None and not hours_hold(kpi.hours, kpi.zone, event.time):
        return None
    if kpi.where is not None and not holds(kpi.where, scope):
        return None
    key = key_of(event.source, event.id)
    if kpi.value is None:
        return Taken(event.time, key, 0)
    if kpi.aggregate == "distinct":
        word = word_of(kpi.value, scope)
        return None if word is None else Taken(event.time, key, 0, word)
    found = number(kpi.value, scope)
    return None if found is None else Taken(event.time, key, round(found * 10**kpi.scale))


def _taken_of(kpi: Definition, source: str, name: str, time: datetime, value: Any) -> Taken:
    key = key_of(source, name)
    if kpi.value is None:
        return Taken(time, key, 0)
    if kpi.aggregate == "distinct":
        exact = value if isinstance(value, bool | int | str) else Fraction(value)
        return Taken(time, key, 0, word_for(exact))
    scaled = Fraction(value) * 10**kpi.scale
    assert scaled.denominator == 1, f"{value} has more than {kpi.scale} decimals"
    return Taken(time, key, scaled.numerator)


def _names(formula: str, known: Iterable[str]) -> list[str]:
    """The KPIs that *formula* speaks of."""
    names = {node.id for node in ast.walk(ast.parse(f"({formula}\n)")) if isinstance(node, ast.Name)}
    return [slug for slug in known if slug in names]


def _combination(event: Event, breakdown: tuple[str, ...]) -> tuple[str | None, ...]:
    """The dimension values of *event*; one that is too long sends the whole combination to the overflow."""
    values = tuple(_dimension(event, name) for name in breakdown)
    too_long = any(text is not None and len(text) > DIMENSION_CHARACTERS for text in values)
    return (OVERFLOW,) * len(values) if too_long else values


def _dimension(event: Event, name: str) -> str | None:
    """The value of a dimension as text; None when the event has none, or a list or an object there."""
    found: Any = event.data
    for key in name.split("."):
        found = found.get(key) if isinstance(found, dict) else None
    if isinstance(found, str):
        return unicodedata.normalize("NFC", found)
    if isinstance(found, bool | int):
        return json.dumps(found)
    return json.dumps(float(found)) if isinstance(found, Decimal) else None
