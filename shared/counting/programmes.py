"""The catalogue as compute runs it: per event type one compiled function and the measures it feeds."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from shared.domain.aggregates import Kind
from shared.domain.business_hours import BusinessHours
from shared.domain.calendars import Calendar
from shared.domain.definitions import Catalogue, Measure
from shared.domain.expressions import (
    SelectFunction,
    Selector,
    compile_selectors,
    parse_filter,
    parse_scalar,
    parse_value,
)
from shared.domain.windows import Rung


@dataclass(frozen=True, slots=True)
class Target:
    """A measure as the fold needs it."""

    measure_id: int
    breakdown: tuple[str, ...]
    finest: Rung
    calendar: Calendar
    kind: Kind
    hours: BusinessHours | None = None


@dataclass(frozen=True, slots=True)
class Stream:
    """What is taken from the events of one type.

    Attributes:
        select: evaluates all filters and values in one pass.
        scales: decimal places of each selector's values; None where it only counts.
        are_hashed: whether each selector's values are told apart by hashes rather than scaled.
        targets: the measures that each selector feeds.
        dimensions: every path that some breakdown needs.
    """

    select: SelectFunction
    scales: tuple[int | None, ...]
    are_hashed: tuple[bool, ...]
    targets: tuple[tuple[Target, ...], ...]
    dimensions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Programme:
    """Everything counted at one revision of the catalogue."""

    revision: int
    streams: Mapping[str, Stream]
    measure_ids: frozenset[int]

    @classmethod
    def of(cls, catalogue: Catalogue, filled: Iterable[tuple[int, Measure]] = ()) -> "Programme":
        """The programme of *catalogue*; measures that several KPIs share are counted once.

        Args:
            catalogue: what is in force.
            filled: measures counted beside it under numbers that no KPI knows them by.
        """
        used = dict.fromkeys(measure for kpi in catalogue.kpis.values() for measure in kpi.measures())
        in_force = ((catalogue.measure_ids[measure.fingerprint], measure) for measure in used)
        return cls.counting(catalogue.revision, (*in_force, *filled))

    @classmethod
    def counting(cls, revision: int, numbered: Iterable[tuple[int, Measure]]) -> "Programme":
        """The programme of measures under these numbers; one measure may have several."""
        by_type: dict[str, list[tuple[int, Measure]]] = defaultdict(list)
        for number, measure in numbered:
            by_type[measure.event_type].append((number, measure))
        streams = {name: _stream(found) for name, found in by_type.items()}
        wanted = {target.measure_id for s in streams.values() for ts in s.targets for target in ts}
        return cls(revision, streams, frozenset(wanted))


def _stream(numbered: Sequence[tuple[int, Measure]]) -> Stream:
    by_selector: dict[_Taken, list[tuple[int, Measure]]] = defaultdict(list)
    for number, measure in numbered:
        by_selector[_taken(measure)].append((number, measure))
    return Stream(
        select=compile_selectors([_selector(taken) for taken in by_selector]),
        scales=tuple(taken.scale if taken.value else None for taken in by_selector),
        are_hashed=tuple(taken.is_hashed for taken in by_selector),
        targets=tuple(tuple(_target(*pair) for pair in group) for group in by_selector.values()),
        dimensions=tuple(dict.fromkeys(name for _, m in numbered for name in m.breakdown)),
    )


class _Taken(NamedTuple):
    """What measures have in common that are fed by one selector."""

    where: str | None
    value: str | None
    scale: int
    is_hashed: bool


def _taken(measure: Measure) -> _Taken:
    return _Taken(measure.where, measure.value, measure.scale, measure.kind is Kind.DISTINCT)


def _selector(taken: _Taken) -> Selector:
    parse = parse_scalar if taken.is_hashed else parse_value
    return Selector(
        parse_filter(taken.where) if taken.where else None, parse(taken.value) if taken.value else None
    )


def _target(measure_id: int, measure: Measure) -> Target:
    calendar = Calendar(measure.zone)
    return Target(measure_id, measure.breakdown, measure.finest, calendar, measure.kind, measure.hours)
