"""Answering questions about KPIs from their panes, in one round of statements for any number of them."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.contracts.series import series_values
from shared.domain.definitions import Catalogue
from shared.domain.ranking import OTHER, ranked, together
from shared.domain.readings import Answer, Dimensions, Plan, Reading
from shared.storage.asks import Answers, Ask, Dimension, Wanted, check_breakdown, known_kpi, measure_by
from shared.storage.completeness import Completeness, completeness
from shared.storage.pane_answers import SeriesQuestion
from shared.storage.pane_answers import answers as answers_of

__all__ = [
    "Ask", "evaluate", "history", "known_combinations", "known_kpi", "known_series", "questions_of",
    "readings_of", "value", "values_by_series",
]  # fmt: skip

_ALL_SERIES = text("""
-- combinations: every combination of dimension values of a few measures.
SELECT measure_id, dimensions FROM series WHERE measure_id = ANY(CAST(:measure_ids AS bigint[]))
""")


async def evaluate(
    connection: AsyncConnection, catalogue: Catalogue, asks: Sequence[Ask], *, now: datetime
) -> list[Reading]:
    """The readings of *asks*, in their order, from one snapshot when the connection has one.

    Raises:
        UnknownKpiError, UnknownWindowError, UnknownBreakdownError: an ask names what there is not.
    """
    wanted = [Wanted.of(catalogue, ask) for ask in asks]
    answers, counted = await _answered(connection, wanted, now=now)
    return [one.reading(answers, counted, now=now) for one in wanted]


async def _answered(
    connection: AsyncConnection, wanted: Sequence[Wanted], *, now: datetime
) -> tuple[dict[SeriesQuestion, tuple[Plan, Answer]], Completeness]:
    keys = {key for one in wanted for key in one.questions}
    counted = await completeness(connection, {key.measure_id for key in keys})
    return await answers_of(connection, keys, now=now), counted


def questions_of(catalogue: Catalogue, asks: Sequence[Ask]) -> set[SeriesQuestion]:
    """What has to be answered about series before *asks* can be.

    Raises:
        UnknownKpiError, UnknownWindowError, UnknownBreakdownError: an ask names what there is not.
    """
    return {key for ask in asks for key in Wanted.of(catalogue, ask).questions}


def readings_of(
    catalogue: Catalogue, asks: Sequence[Ask], answers: Answers, counted: Completeness, *, now: datetime
) -> list[Reading]:
    """The readings of *asks*, in their order, that follow from the *answers* to their questions."""
    return [Wanted.of(catalogue, ask).reading(answers, counted, now=now) for ask in asks]


async def value(
    connection: AsyncConnection, catalogue: Catalogue, slug: str, window: str, *,
    dimensions: Dimensions, at: datetime, now: datetime,
) -> Reading:  # fmt: skip
    """The reading of one KPI, window and combination of dimension values at *at*."""
    ask = Ask(slug, window, tuple(sorted(dimensions.items())), at)
    return (await evaluate(connection, catalogue, [ask], now=now))[0]


async def history(
    connection: AsyncConnection, catalogue: Catalogue, slug: str, window: str, *,
    dimensions: Dimensions, instants: Sequence[datetime], now: datetime,
) -> list[Reading]:  # fmt: skip
    """The readings of one KPI, window and combination at each of *instants*."""
    given = tuple(sorted(dimensions.items()))
    return await evaluate(connection, catalogue, [Ask(slug, window, given, at) for at in instants], now=now)


async def values_by_series(
    connection: AsyncConnection, catalogue: Catalogue, slug: str, window: str, *,
    breakdown: tuple[str, ...], at: datetime, now: datetime, top: int | None = None,
) -> list[Reading]:  # fmt: skip
    """The readings of every combination that the KPI has met, sorted by it.

    With *top*, only that many with the largest values, largest first, and after them one that stands for all
    others, if there are any: its dimension values are `OTHER`, and its value is that of their events
    together, as if they were one series.
    """
    combinations = await known_combinations(connection, catalogue, slug, breakdown)
    wanted = {each: Wanted.of(catalogue, Ask(slug, window, each, at)) for each in combinations}
    answers, counted = await _answered(connection, list(wanted.values()), now=now)
    if top is None:
        return [one.reading(answers, counted, now=now) for one in wanted.values()]
    places = ranked({each: one.value(answers) for each, one in wanted.items()}, top)
    readings = [wanted[each].reading(answers, counted, now=now) for each in places.first]
    if places.rest:
        rest = [wanted[each] for each in places.rest]
        readings.append(_other(rest, answers, counted, now=now))
    return readings


def _other(rest: Sequence[Wanted], answers: Answers, counted: Completeness, *, now: datetime) -> Reading:
    """The reading of all of *rest*, which differ in their dimension values only, together."""
    first = rest[0]
    joined = dict(answers)
    for operand, leaf in first.leaves.items():
        if not operand.is_total:
            found = [answers[one.leaves[operand].key] for one in rest]
            joined[leaf.key] = found[0][0], together(answer for _, answer in found)
    reading = first.reading(joined, counted, now=now)
    return replace(reading, dimensions=dict.fromkeys(reading.dimensions, OTHER))


async def known_combinations(
    connection: AsyncConnection, catalogue: Catalogue, slug: str, breakdown: tuple[str, ...]
) -> list[tuple[Dimension, ...]]:
    """Every combination of values of *breakdown* that a KPI, or one it is made of, has met.

    Raises:
        UnknownKpiError, UnknownBreakdownError: there is no such KPI or breakdown.
    """
    check_breakdown(known_kpi(catalogue, slug), breakdown)
    if not breakdown:
        return [()]
    operands = [operand for operand in catalogue.leaf_operands(slug) if not operand.is_total]
    measures = [measure_by(catalogue.kpis[operand.slug], breakdown) for operand in operands]
    orders = {catalogue.measure_ids[measure.fingerprint]: measure.breakdown for measure in measures}
    known = await known_series(connection, orders)
    found = {_combination(orders[number], text) for number, texts in known.items() for text in texts}
    return sorted(found, key=str)


async def known_series(connection: AsyncConnection, measure_ids: Iterable[int]) -> dict[int, list[str]]:
    """By measure, the texts of all combinations of dimension values that it has met."""
    found: dict[int, list[str]] = defaultdict(list)
    for row in await connection.execute(_ALL_SERIES, {"measure_ids": list(measure_ids)}):
        found[row.measure_id].append(row.dimensions)
    return found


def _combination(names: Sequence[str], dimensions: str) -> tuple[Dimension, ...]:
    return tuple(sorted(zip(names, series_values(dimensions), strict=True)))
