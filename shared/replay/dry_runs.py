"""What one event would do to the values of now, if it were counted; nothing is written."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from shared.contracts.events import CleanEvent, times_us
from shared.contracts.series import series_values
from shared.counting.measuring import Measured, measure
from shared.counting.programmes import Programme
from shared.domain.aggregates import Aggregate, Partial, may_hang_on
from shared.domain.calendars import instant_us
from shared.domain.definitions import Catalogue, Measure
from shared.domain.expressions import Operand
from shared.domain.fold import fold, pane_partials, totals
from shared.domain.ranking import together
from shared.domain.readings import Answer, Plan, Reading
from shared.domain.windows import Rung
from shared.storage.asks import Ask, Dimension, Leaf, Wanted, measure_by
from shared.storage.completeness import completeness
from shared.storage.dry_runs import admitted
from shared.storage.pane_answers import SeriesQuestion, answers
from shared.storage.readings import known_combinations
from shared.storage.replays import Snapshot
from shared.storage.series import SeriesLimits

MAX_OTHERS = 100
"""Of a formula with total() every series moves: so many of each breakdown are told, the first by name."""

_HANGING = frozenset(
    (
        Aggregate.MIN,
        Aggregate.MAX,
        Aggregate.FIRST,
        Aggregate.LAST,
        Aggregate.TIME_SINCE_LAST,
        Aggregate.DISTINCT,
    )
)
"""What cannot always be told by taking an event away: who comes next to an end is not known."""

_Answers = Mapping[SeriesQuestion, tuple[Plan, Answer]]


@dataclass(frozen=True, slots=True)
class Effect:
    """What an event adds to the measures that take it, or takes away from them.

    Attributes:
        at_us: when it happened.
        parts: by measure and series, the event as a partial; below nothing where it is taken away.
        removed: the same as it was added once; empty where it is added.
        is_unfit: a measured value has more digits than fit: the event would go to the dead letters.
    """

    at_us: int
    parts: Mapping[tuple[int, str], Partial]
    removed: Mapping[tuple[int, str], Partial]
    is_unfit: bool = False


@dataclass(frozen=True, slots=True)
class Move:
    """One value that changes.

    Attributes:
        after: as it would be; its value means nothing where it *is_recounted*.
        is_recounted: what is left without the event can only be told by counting the log again.
    """

    before: Reading
    after: Reading
    is_recounted: bool


@dataclass(frozen=True, slots=True)
class Moves:
    """Everything that changes.

    Attributes:
        left_out: series of formulas with total() that may change, too, and were not looked at.
        is_late: the watermark has passed the event.
    """

    moves: Sequence[Move]
    left_out: int
    is_late: bool


async def effect_of(
    connection: Snapshot, catalogue: Catalogue, event: CleanEvent, *, limits: SeriesLimits, sign: int = 1
) -> Effect:
    """What counting *event* adds, and with *sign* -1 what undoing it takes away."""
    numbered = {
        catalogue.measure_ids[each.fingerprint]: each
        for kpi in catalogue.kpis.values()
        for each in kpi.measures()
        if each.event_type == event.type
    }
    found = measure([event], times_us([event.time]), Programme.counting(0, numbered.items()))
    at_us = int(times_us([event.time])[0])
    if found.unfit:
        return Effect(at_us, {}, {}, is_unfit=True)
    texts = {(one.target.measure_id, text) for one in found.measured for text in one.series.values()}
    names = await admitted(connection, sorted(texts), limits=limits)
    added = {(key[0], names[key]): partial for one in found.measured for key, partial in _added(one)}
    if sign > 0:
        return Effect(at_us, added, {})
    taken = {(key[0], names[key]): partial for one in found.measured for key, partial in _taken_away(one)}
    return Effect(at_us, taken, added)


def _added(one: Measured) -> Iterable[tuple[tuple[int, str], Partial]]:
    found = totals(one.rows, one.target.kind)
    return [((one.target.measure_id, one.series[group]), partial) for group, partial in found.items()]


def _taken_away(one: Measured) -> Iterable[tuple[tuple[int, str], Partial]]:
    target, now_us = one.target, int(one.rows.time_us.max())
    deltas = fold(
        one.rows, finest=Rung.D1, now_us=now_us, calendar=target.calendar, kind=target.kind, sign=-1
    )
    return [
        ((target.measure_id, one.series[group]), partial)
        for (group, _, _), partial in pane_partials(deltas).items()
    ]


async def moves(
    connection: Snapshot, catalogue: Catalogue, effect: Effect, *, slugs: Collection[str], now: datetime
) -> Moves:
    """Every value of *now* that *effect* changes, by KPI, window and dimensions.

    Args:
        connection: in a transaction with one snapshot.
        catalogue: what is in force.
        effect: as `effect_of` found it with that catalogue.
        slugs: the KPIs that are looked at.
        now: the wall clock.
    """
    asks, left_out = await _asks(connection, catalogue, effect, slugs=slugs, now=now)
    wanted = [Wanted.of(catalogue, ask) for ask in asks]
    keys = {key for one in wanted for key in one.questions}
    counted = await completeness(connection, {key.measure_id for key in keys})
    before = await answers(connection, keys, now=now)
    after = {key: (found[0], _moved(key, found, effect)) for key, found in before.items()}
    found = []
    for one in wanted:
        was, would = (one.reading(each, counted, now=now) for each in (before, after))
        is_recounted = any(_hangs(leaf, before, effect) for leaf in one.leaves.values())
        if is_recounted or (was.value, was.n) != (would.value, would.n):
            found.append(Move(was, replace(would, valid_until=None), is_recounted))
    watermark = counted.watermark
    is_late = watermark is not None and effect.at_us < instant_us(watermark)
    return Moves(found, left_out, is_late)


def _moved(key: SeriesQuestion, found: tuple[Plan, Answer], effect: Effect) -> Answer:
    planned, answer = found
    part = effect.parts.get((key.measure_id, key.dimensions))
    if part is None or not _holds(planned, effect):
        return answer
    # Of an event that is taken away n is below 0; that merges like any other.
    return together((answer, Answer(part, None, None)))


def _holds(planned: Plan, effect: Effect) -> bool:
    return planned.whole.start_us <= effect.at_us < planned.whole.end_us


def _hangs(leaf: Leaf, before: _Answers, effect: Effect) -> bool:
    """Whether what is left for *leaf* when the event is taken away is not known from the panes."""
    removed = effect.removed.get((leaf.key.measure_id, leaf.key.dimensions))
    planned, answer = before[leaf.key]
    if removed is None or leaf.kpi.rule.aggregate not in _HANGING or not _holds(planned, effect):
        return False
    return answer.partial.n > removed.n and may_hang_on(answer.partial, removed)


async def _asks(
    connection: Snapshot, catalogue: Catalogue, effect: Effect, *, slugs: Collection[str], now: datetime
) -> tuple[list[Ask], int]:
    """Every reading of now that *effect* may have a part in, and how many series were left out."""
    asks, left_out = list[Ask](), 0
    for slug in sorted(slugs):
        kpi, operands = catalogue.kpis[slug], catalogue.leaf_operands(slug)
        for names in kpi.all_breakdowns:
            combinations = _combinations(catalogue, operands, names, effect)
            if names and _moves_all(catalogue, operands, effect):
                known = await known_combinations(connection, catalogue, slug, names)
                left_out += max(len(known) - MAX_OTHERS, 0)
                combinations |= dict.fromkeys(known[:MAX_OTHERS])
            asks += [Ask(slug, window, each, now) for window in kpi.windows for each in combinations]
    return asks, left_out


def _combinations(
    catalogue: Catalogue, operands: Iterable[Operand], names: tuple[str, ...], effect: Effect
) -> dict[tuple[Dimension, ...], None]:
    """The series of a breakdown that the event itself is in."""
    measures = [
        measure_by(catalogue.kpis[operand.slug], () if operand.is_total else names)
        for operand in operands
        if not (operand.is_total and names)
    ]
    numbers = {catalogue.measure_ids[each.fingerprint]: each for each in measures}
    found = [_combination(numbers[number], text) for number, text in effect.parts if number in numbers]
    return dict.fromkeys(found)


def _combination(measure: Measure, text: str) -> tuple[Dimension, ...]:
    return tuple(sorted(zip(measure.breakdown, series_values(text), strict=True)))


def _moves_all(catalogue: Catalogue, operands: Iterable[Operand], effect: Effect) -> bool:
    """Whether the event changes a total that every series is set against."""
    totals_read = (
        catalogue.measure_ids[measure_by(catalogue.kpis[operand.slug], ()).fingerprint]
        for operand in operands
        if operand.is_total
    )
    touched = {number for number, _ in effect.parts}
    return any(number in touched for number in totals_read)
