"""What the panes say: any number of questions about series, answered by one statement."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.domain.aggregates import Numbers
from shared.domain.calendars import instant_us
from shared.domain.readings import NOTHING, Answer, Plan, Question, plan

_SERIES = text("""
-- series_numbers: the numbers of combinations of dimension values.
SELECT s.measure_id, s.dimensions, s.series_id FROM series s
JOIN unnest(CAST(:measure_ids AS bigint[]), CAST(:dimensions AS text[])) AS a (measure_id, dimensions)
USING (measure_id, dimensions)
""")

_ANSWERS = text("""
-- answers: the merged panes of each (plan, series); the lateral keeps every look an index range scan.
SELECT q.plan_no, q.series_id, sum(x.n)::bigint AS n, sum(x.total) AS total,
       min(x.low) AS low, max(x.high) AS high, min(x.first_us) AS first_us
FROM unnest(CAST(:plan_nos AS int[]), CAST(:series_ids AS bigint[])) AS q (plan_no, series_id)
JOIN unnest(CAST(:span_plans AS int[]), CAST(:rungs AS smallint[]), CAST(:starts AS bigint[]),
            CAST(:ends AS bigint[])) AS s (plan_no, rung, start_us, end_us) USING (plan_no)
CROSS JOIN LATERAL (
    SELECT sum(p.n) AS n, sum(p.sum) AS total, min(p.min) AS low, max(p.max) AS high,
           min(p.start_us) AS first_us
    FROM panes p
    WHERE p.series_id = q.series_id AND p.rung = s.rung
      AND p.start_us >= s.start_us AND p.start_us < s.end_us AND p.n <> 0
) AS x
WHERE x.n IS NOT NULL
GROUP BY q.plan_no, q.series_id
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
    numbers = await _numbers(connection, keys)
    plans = {question: plan(question, now_us=instant_us(now)) for question in {key.question for key in keys}}
    merged = await _merged(
        connection, plans, {(key.question, numbers[key]) for key in keys if key in numbers}
    )
    return {
        key: (plans[key.question], merged.get((key.question, numbers.get(key, 0)), NOTHING)) for key in keys
    }


async def _numbers(
    connection: AsyncConnection, keys: Collection[SeriesQuestion]
) -> dict[SeriesQuestion, int]:
    asked = {(key.measure_id, key.dimensions) for key in keys}
    parameters = {"measure_ids": [m for m, _ in asked], "dimensions": [d for _, d in asked]}
    rows = (await connection.execute(_SERIES, parameters)).all()
    numbers = {(row.measure_id, row.dimensions): row.series_id for row in rows}
    return {
        key: numbers[key.measure_id, key.dimensions]
        for key in keys
        if (key.measure_id, key.dimensions) in numbers
    }


async def _merged(
    connection: AsyncConnection, plans: Mapping[Question, Plan], pairs: set[tuple[Question, int]]
) -> dict[tuple[Question, int], Answer]:
    """The answer of every (question, series) that any pane speaks to."""
    if not pairs:
        return {}
    order = list(plans)
    number = {question: place for place, question in enumerate(order)}
    rows = (await connection.execute(_ANSWERS, _parameters(order, plans, number, pairs))).all()
    merged: dict[tuple[Question, int], Answer] = {}
    ahead: dict[tuple[Question, int], int] = {}
    for row in rows:
        if row.plan_no >= 0:
            partial = Numbers(row.n, int(row.total), row.low, row.high)
            merged[order[row.plan_no], row.series_id] = Answer(partial, row.first_us, None)
        else:
            ahead[order[-row.plan_no - 1], row.series_id] = row.first_us
    for key, start_us in ahead.items():
        answer = merged.get(key, NOTHING)
        merged[key] = Answer(answer.partial, answer.first_us, start_us)
    return merged


def _parameters(
    order: Sequence[Question], plans: Mapping[Question, Plan], number: Mapping[Question, int],
    pairs: set[tuple[Question, int]],
) -> dict[str, list[int]]:  # fmt: skip
    """Plan k is numbered k, and what lies ahead of its end -k - 1."""
    spans = [(k, span) for k, question in enumerate(order) for span in plans[question].spans]
    spans += [(-k - 1, span) for k, question in enumerate(order) for span in plans[question].ahead]
    asked = [(number[question], series_id) for question, series_id in pairs]
    asked += [(-number[q] - 1, series_id) for q, series_id in pairs if plans[q].ahead]
    return {
        "plan_nos": [k for k, _ in asked],
        "series_ids": [series_id for _, series_id in asked],
        "span_plans": [k for k, _ in spans],
        "rungs": [int(span.rung) for _, span in spans],
        "starts": [span.start_us for _, span in spans],
        "ends": [span.end_us for _, span in spans],
    }
