"""What panes of ends say: of each run only its first and last pane is read, for panes do not overlap."""

from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.domain.aggregates import End, Ends
from shared.domain.readings import Answer
from shared.storage.pane_looks import Answers, Looks, Pair, with_ahead

_ENDS = text("""
-- ends: for each (plan, series, run of panes) its count, and the rows of its first and last pane.
SELECT q.plan_no, q.series_id, s.span_no, x.n, x.oldest_us, e.first_us, e.first_key, e.first_value,
       e.last_us, e.last_key, e.last_value
FROM unnest(CAST(:plan_nos AS int[]), CAST(:series_ids AS bigint[])) AS q (plan_no, series_id)
JOIN unnest(CAST(:span_plans AS int[]), CAST(:rungs AS smallint[]), CAST(:starts AS bigint[]),
            CAST(:ends AS bigint[])) WITH ORDINALITY AS s (plan_no, rung, start_us, end_us, span_no)
    USING (plan_no)
CROSS JOIN LATERAL (
    SELECT sum(p.n)::bigint AS n, min(p.start_us) FILTER (WHERE p.n <> 0) AS oldest_us,
           min(p.start_us) FILTER (WHERE p.first_us IS NOT NULL) AS first_pane_us,
           max(p.start_us) FILTER (WHERE p.last_us IS NOT NULL) AS last_pane_us
    FROM panes p
    WHERE p.series_id = q.series_id AND p.rung = s.rung
      AND p.start_us >= s.start_us AND p.start_us < s.end_us
) AS x
LEFT JOIN panes e ON q.plan_no >= 0 AND e.series_id = q.series_id AND e.rung = s.rung
    AND e.start_us IN (x.first_pane_us, x.last_pane_us)
WHERE x.n IS NOT NULL
""")


async def end_answers(connection: AsyncConnection, looks: Looks) -> Answers:
    """The answers to questions about series of the kind ends."""
    questions, ahead = looks.questions, dict[Pair, int]()
    counts, oldest, ends = dict[Pair, dict[int, int]](), dict[Pair, int](), dict[Pair, Ends]()
    for row in await connection.execute(_ENDS, looks.parameters()):
        is_ahead = row.plan_no < 0
        pair = questions[-row.plan_no - 1 if is_ahead else row.plan_no], row.series_id
        if row.oldest_us is not None:
            starts = ahead if is_ahead else oldest
            starts[pair] = min(row.oldest_us, starts.get(pair, row.oldest_us))
        if not is_ahead:
            # A run may come with several rows, each of which repeats its count.
            counts.setdefault(pair, {})[row.span_no] = row.n
            found = Ends(0, _end(row, "first"), _end(row, "last"))
            ends[pair] = ends.get(pair, Ends()).merged(found)
    within = {
        pair: Answer(Ends(sum(counts[pair].values()), e.first, e.last), oldest.get(pair), None)
        for pair, e in ends.items()
    }
    return with_ahead(within, ahead)


def _end(row: Any, name: str) -> End | None:
    time_us, key, value = (getattr(row, f"{name}_{part}") for part in ("us", "key", "value"))
    return None if time_us is None else End(time_us, bytes(key), value)
