"""The catalogue as compute runs it: per event type one compiled function and the measures it feeds."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shared.domain.calendars import Calendar
from shared.domain.definitions import Catalogue, Measure
from shared.domain.expressions import SelectFunction, Selector, compile_selectors, parse_filter, parse_value
from shared.domain.windows import Rung


@dataclass(frozen=True, slots=True)
class Target:
    """A measure as the fold needs it."""

    measure_id: int
    breakdown: tuple[str, ...]
    finest: Rung
    calendar: Calendar


@dataclass(frozen=True, slots=True)
class Stream:
    """What is taken from the events of one type.

    Attributes:
        select: evaluates all filters and values in one pass.
        scales: decimal places of each selector's values; None where it only counts.
        targets: the measures that each selector feeds.
        dimensions: every path that some breakdown needs.
    """

    select: SelectFunction
    scales: tuple[int | None, ...]
    targets: tuple[tuple[Target, ...], ...]
    dimensions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Programme:
    """Everything counted at one revision of the catalogue."""

    revision: int
    streams: Mapping[str, Stream]
    measure_ids: frozenset[int]

    @classmethod
    def of(cls, catalogue: Catalogue) -> "Programme":
        """The programme of *catalogue*; measures that several KPIs share are counted once."""
        by_type: dict[str, dict[Measure, None]] = defaultdict(dict)
        for kpi in catalogue.kpis.values():
            for measure in kpi.measures():
                by_type[measure.event_type][measure] = None
        streams = {name: _stream(list(measures), catalogue.measure_ids) for name, measures in by_type.items()}
        wanted = {target.measure_id for s in streams.values() for ts in s.targets for target in ts}
        return cls(catalogue.revision, streams, frozenset(wanted))


def _stream(measures: Sequence[Measure], measure_ids: Mapping[str, int]) -> Stream:
    by_selector: dict[tuple[str | None, str | None, int], list[Measure]] = defaultdict(list)
    for measure in measures:
        by_selector[measure.where, measure.value, measure.scale].append(measure)
    selectors = [
        Selector(parse_filter(where) if where else None, parse_value(value) if value else None)
        for where, value, _ in by_selector
    ]
    return Stream(
        select=compile_selectors(selectors),
        scales=tuple(scale if value else None for _, value, scale in by_selector),
        targets=tuple(tuple(_target(m, measure_ids) for m in group) for group in by_selector.values()),
        dimensions=tuple(dict.fromkeys(name for m in measures for name in m.breakdown)),
    )


def _target(measure: Measure, measure_ids: Mapping[str, int]) -> Target:
    return Target(measure_ids[measure.fingerprint], measure.breakdown, measure.finest, Calendar(measure.zone))
