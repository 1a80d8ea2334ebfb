"""What panes of numbers and squares say: added up where they lie, by one statement for each kind."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.domain.aggregates import Kind, Numbers, Partial, Squares
from shared.domain.readings import Answer
from shared.storage.pane_looks import Answers, Looks, Pair, with_ahead


def _statement(name: str, outer: str, inner: str) -> TextClause:
    """The merged panes of each (plan, series); the lateral keeps every look an index range scan.

    All rows are added up, those with an *n* of 0 too: one that takes away what another shard has added may
    come to no events and still to a sum. A pane that nothing is left of holds no extremes once it is
    repaired; until then it only makes the first start earlier than need be.
    """
    return text(f"""
-- {name}: the merged panes of each (plan, series).
SELECT q.plan_no, q.series_id, sum(x.n)::bigint AS n, {outer}, min(x.first_us) AS first_us
FROM unnest(CAST(:plan_nos AS int[]), CAST(:series_ids AS bigint[])) AS q (plan_no, series_id)
JOIN unnest(CAST(:span_plans AS int[]), CAST(:rungs AS smallint[]), CAST(:starts AS bigint[]),
            CAST(:ends AS bigint[])) AS s (plan_no, rung, start_us, end_us) USING (plan_no)
CROSS JOIN LATERAL (
    SELECT sum(p.n) AS n, {inner}, min(p.start_us) FILTER (WHERE p.n <> 0) AS first_us
    FROM panes p
    WHERE p.series_id = q.series_id AND p.rung = s.rung
      AND p.start_us >= s.start_us AND p.start_us < s.end_us
) AS x
WHERE x.n IS NOT NULL
GROUP BY q.plan_no, q.series_id
""")  # noqa: S608 - of constants


def _numbers(row: Any) -> Numbers:
    return Numbers(row.n, int(row.total), row.low, row.high)


def _squares(row: Any) -> Squares:
    return Squares(row.n, int(row.total), int(row.squares))


_KINDS: dict[Kind, tuple[TextClause, Callable[[Any], Partial]]] = {
    Kind.NUMBERS: (
        _statement(
            "numbers",
            "sum(x.total) AS total, min(x.low) AS low, max(x.high) AS high",
            "sum(p.sum) AS total, min(p.min) AS low, max(p.max) AS high",
        ),
        _numbers,
    ),
    Kind.SQUARES: (
        _statement(
            "squares",
            "sum(x.total) AS total, sum(x.squares) AS squares",
            "sum(p.sum) AS total, sum(p.squares) AS squares",
        ),
        _squares,
    ),
}


async def sum_answers(connection: AsyncConnection, looks: Looks, kind: Kind) -> Answers:
    """The answers to questions about series of the *kind* numbers or squares."""
    statement, partial = _KINDS[kind]
    questions, within, ahead = looks.questions, Answers(), dict[Pair, int]()
    for row in await connection.execute(statement, looks.parameters()):
        if row.plan_no >= 0:
            within[questions[row.plan_no], row.series_id] = Answer(partial(row), row.first_us, None)
        elif row.first_us is not None:
            ahead[questions[-row.plan_no - 1], row.series_id] = row.first_us
    return with_ahead(within, ahead)
