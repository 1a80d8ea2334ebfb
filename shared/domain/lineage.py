"""What a KPI is made of, and who uses it: down to fields of events, up to alert rules; it knows no values."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from shared.domain.definitions import Catalogue, Kpi, Measure
from shared.domain.definitions.catalogues import operands_of
from shared.domain.expressions import ExpressionError, parse_filter, parse_scalar
from shared.domain.expressions.canonical import path_text
from shared.domain.expressions.nodes import Path, paths_in


class Role(StrEnum):
    """What a KPI needs a field of an event for."""

    FILTER = "filter"
    """It decides which events count."""

    VALUE = "value"
    """It is what is taken from each."""

    DIMENSION = "dimension"
    """It tells the series of a breakdown apart."""


@dataclass(frozen=True, slots=True)
class FieldUse:
    """A field of events and what it is needed for, in the order of `Role`."""

    field: Path
    roles: tuple[Role, ...]

    @property
    def text(self) -> str:
        """The field as an expression writes it."""
        return path_text(self.field)


@dataclass(frozen=True, slots=True)
class EventUse:
    """Events that a KPI is made of.

    Attributes:
        slug: the KPI that counts them: itself, or one that its formula comes down to.
        fields: what is read of them, by name; the dimensions are those by which the KPI asked about is kept.
    """

    slug: str
    event_type: str
    fields: tuple[FieldUse, ...]


@dataclass(frozen=True, slots=True)
class Relative:
    """A KPI that another one is made of, or is used by.

    Attributes:
        distance: formulas from one to the other by the shortest way; 1 reads it directly.
        neighbours: on the way to the other one, it included: who reads this KPI, or whom this KPI reads.
    """

    slug: str
    distance: int
    neighbours: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Lineage:
    """Where a KPI comes from and where it goes.

    Attributes:
        events: what it counts, by the KPI that does.
        made_of: the KPIs of its formula all the way down, the nearest first.
        used_by: the KPIs whose formulas read it, directly or through others, the nearest first.
        rules: the alert rules that are judged on it, then on those that use it: slug and name.
    """

    events: tuple[EventUse, ...]
    made_of: tuple[Relative, ...]
    used_by: tuple[Relative, ...]
    rules: tuple[tuple[str, str], ...]


def lineage(catalogue: Catalogue, slug: str) -> Lineage:
    """The lineage of *slug* among the KPIs in force.

    Raises:
        KeyError: there is no such KPI.
    """
    kpis = catalogue.kpis
    reads = {name: operands_of(kpi) for name, kpi in kpis.items()}
    readers = _turned_round(reads)
    below, above = _distances(slug, reads), _distances(slug, readers)
    judged = (slug, *_nearest_first(above))
    return Lineage(
        events=event_uses(catalogue, slug),
        made_of=_relatives(slug, below, ties=readers),
        used_by=_relatives(slug, above, ties=reads),
        rules=tuple((name, alert.name) for name in judged for alert in kpis[name].alerts),
    )


def event_uses(catalogue: Catalogue, slug: str) -> tuple[EventUse, ...]:
    """The events that *slug* comes down to, and what it needs of them, by the KPI that counts them.

    Raises:
        KeyError: there is no such KPI.
    """
    asked = catalogue.kpis[slug]
    # Within total() no series is asked for, so no dimension is needed of what is read there alone.
    operands = catalogue.leaf_operands(slug)
    by_series = {operand.slug for operand in operands if not operand.is_total}
    return tuple(
        _event_use(catalogue.kpis[name], asked.all_breakdowns if name in by_series else ())
        for name in sorted({operand.slug for operand in operands})
    )


def field_of(text: str) -> Path:
    """The field of events that *text* names, written as in an expression: `data.amount`, `subject`.

    Raises:
        ExpressionError: it is no field, or more than one.
    """
    tree = parse_scalar(text).tree
    if not isinstance(tree, Path):
        raise ExpressionError("name one field, such as data.amount", 1, 1, text)
    return tree


def affected(
    catalogue: Catalogue, *, event_type: str | None = None, field: Path | None = None
) -> dict[str, tuple[EventUse, ...]]:
    """The KPIs that break or change when events of a type, or a field with all below it, go away.

    Args:
        catalogue: what is in force.
        event_type: the type; None stands for every type.
        field: what goes away of its events; None stands for the events themselves.

    Returns:
        What each needs of it, by slug in alphabetical order.
    """
    found = {
        slug: tuple(_needed(event_uses(catalogue, slug), event_type, field))
        for slug in sorted(catalogue.kpis)
    }
    return {slug: uses for slug, uses in found.items() if uses}


def _needed(uses: Iterable[EventUse], event_type: str | None, field: Path | None) -> Iterator[EventUse]:
    for use in uses:
        if event_type not in (None, use.event_type):
            continue
        if field is None:
            yield use
            continue
        gone = tuple(each for each in use.fields if _is_within(each.field, field))
        if gone:
            yield EventUse(use.slug, use.event_type, gone)


def _is_within(path: Path, outer: Path) -> bool:
    return path.root == outer.root and path.keys[: len(outer.keys)] == outer.keys


def _event_use(leaf: Kpi, breakdowns: Iterable[tuple[str, ...]]) -> EventUse:
    """What is needed of the events that *leaf* counts where these *breakdowns* are asked for."""
    measure = leaf.measures()[0]
    found: dict[Path, dict[Role, None]] = {}
    for role, path in _reads(measure, breakdowns):
        found.setdefault(path, {})[role] = None
    fields = [FieldUse(path, tuple(roles)) for path, roles in found.items()]
    return EventUse(leaf.slug, measure.event_type, tuple(sorted(fields, key=lambda use: use.text)))


def _reads(measure: Measure, breakdowns: Iterable[tuple[str, ...]]) -> Iterator[tuple[Role, Path]]:
    if measure.where is not None:
        yield from ((Role.FILTER, path) for path in paths_in(parse_filter(measure.where).tree))
    if measure.value is not None:
        yield from ((Role.VALUE, path) for path in paths_in(parse_scalar(measure.value).tree))
    for names in breakdowns:
        yield from ((Role.DIMENSION, Path("data", tuple(name.split(".")))) for name in names)


def _turned_round(ties: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {name: [] for name in ties}
    for name in sorted(ties):
        for other in ties[name]:
            found[other].append(name)
    return {name: tuple(others) for name, others in found.items()}


def _distances(slug: str, ties: Mapping[str, tuple[str, ...]]) -> dict[str, int]:
    """How many ties lead from *slug* to every KPI that it is tied to, itself left out."""
    found = {slug: 0}
    waiting = [slug]
    for name in waiting:
        for other in ties[name]:
            if other not in found:
                found[other] = found[name] + 1
                waiting.append(other)
    del found[slug]
    return found


def _relatives(
    slug: str, distances: Mapping[str, int], *, ties: Mapping[str, tuple[str, ...]]
) -> tuple[Relative, ...]:
    family = {slug, *distances}
    return tuple(
        Relative(name, distances[name], tuple(each for each in ties[name] if each in family))
        for name in _nearest_first(distances)
    )


def _nearest_first(distances: Mapping[str, int]) -> list[str]:
    return sorted(distances, key=lambda name: (distances[name], name))
