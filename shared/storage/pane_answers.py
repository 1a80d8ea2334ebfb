"""What the panes say: any number of questions about series, by one statement for each kind of pane."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.domain.aggregates import PLAIN_KINDS, Kind
from shared.domain.calendars import instant_us
from shared.domain.readings import NOTHING, Answer, Plan, Question, plan
from shared.domain.windows import DERIVED, Rung
from shared.storage.pane_end_answers import end_answers
from shared.storage.pane_looks import Answers, Looks, Pair
from shared.storage.pane_sketch_answers import sketch_answers
from shared.storage.pane_sum_answers import sum_answers

_SERIES = text("""
-- series_numbers: the numbers of combinations of dimension values, what their panes hold, which of them are
-- written at once, and up to where others are derived.
SELECT s.measure_id, s.dimensions, s.series_id, m.kind, m.finest, d.until_us FROM series s
JOIN unnest(CAST(:measure_ids AS bigint[]), CAST(:dimensions AS text[])) AS a (measure_id, dimensions)
USING (measure_id, dimensions)
JOIN measures m USING (measure_id)
CROSS JOIN (
    SELECT array_agg(until_us ORDER BY rung) AS until_us
    FROM (SELECT rung, min(until_us) AS until_us FROM pane_marks GROUP BY rung) AS lowest
) AS d
""")


@dataclass(frozen=True, slots=True)
class SeriesQuestion:
    """A question about one series of a measure."""

    question: Question
    measure_id: int
    dimensions: str


async def answers(
    connection: AsyncConnection, keys: Collection[SeriesQuestion], *, now: datetime
) -> dict[SeriesQuestion, tuple[Plan, Answer]]:
    """For each of *keys*, the panes it came down to and what they said, as seen at *now*."""
    series = await numbered_series(connection, keys)
    plans = {question: plan(question, now_us=instant_us(now)) for question in {key.question for key in keys}}
    pairs: dict[Kind, set[Pair]] = defaultdict(set)
    for key in keys:
        if key in series:
            pairs[series[key].kind].add((key.question, series[key].series_id))
    found = Answers()
    for kind, asked in pairs.items():
        plain = [one for one in series.values() if kind in PLAIN_KINDS and one.kind is kind]
        finest = {one.series_id: one.finest for one in plain}
        until_us = dict(zip(DERIVED, plain[0].until_us, strict=True)) if plain else {}
        found |= await kind_answers(connection, Looks(plans, list(asked), finest, until_us), kind)
    return {
        key: (plans[key.question], found.get((key.question, series[key].series_id), NOTHING))
        if key in series
        else (plans[key.question], NOTHING)
        for key in keys
    }


@dataclass(frozen=True, slots=True)
class NumberedSeries:
    """A series.

    Attributes:
        finest: the finest rung of its measure.
        until_us: up to where each of the derived rungs is done.
    """

    series_id: int
    kind: Kind
    finest: Rung
    until_us: Sequence[int]


async def numbered_series(
    connection: AsyncConnection, keys: Collection[SeriesQuestion]
) -> dict[SeriesQuestion, NumberedSeries]:
    """The series of each of *keys* that there is."""
    asked = {(key.measure_id, key.dimensions) for key in keys}
    parameters = {"measure_ids": [m for m, _ in asked], "dimensions": [d for _, d in asked]}
    rows = (await connection.execute(_SERIES, parameters)).all()
    known = {
        (row.measure_id, row.dimensions): NumberedSeries(
            row.series_id, Kind(row.kind), Rung(row.finest), row.until_us
        )
        for row in rows
    }
    found = ((key, known.get((key.measure_id, key.dimensions))) for key in keys)
    return {key: one for key, one in found if one is not None}


async def kind_answers(connection: AsyncConnection, looks: Looks, kind: Kind) -> Answers:
    """The answers to questions about series of one *kind*."""
    match kind:
        case Kind.NUMBERS | Kind.SQUARES:
            return await sum_answers(connection, looks, kind)
        case Kind.ENDS:
            return await end_answers(connection, looks)
        case Kind.QUANTILES | Kind.DISTINCT:
            return await sketch_answers(connection, looks, kind)
