"""The panes behind one answer, run by run: how many there are and what each run comes to."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.domain.aggregates import NO_EVENTS, PLAIN_KINDS, Kind, Partial
from shared.domain.readings import NOTHING, Plan
from shared.domain.windows import DERIVED, Interval, Span, there
from shared.storage.pane_answers import NumberedSeries, SeriesQuestion, kind_answers, numbered_series
from shared.storage.pane_looks import Looks


@dataclass(frozen=True, slots=True)
class PaneRun:
    """A run of panes that was read.

    Attributes:
        panes: how many of them hold events.
        rows: how many rows these are; one pane has a row for each shard that has written to it.
        partial: what they come to together.
    """

    span: Span
    panes: int
    rows: int
    partial: Partial


def _counting(table: str) -> str:
    return f"""
-- counted_{table}: of each run of panes, how many hold events, and their rows.
SELECT s.span_no, count(*) AS panes, sum(x.rows)::bigint AS rows
FROM unnest(CAST(:rungs AS smallint[]), CAST(:starts AS bigint[]), CAST(:ends AS bigint[]))
    WITH ORDINALITY AS s (rung, start_us, end_us, span_no)
CROSS JOIN LATERAL (
    SELECT count(*) AS rows FROM {table} p
    WHERE p.series_id = :series_id AND p.rung = s.rung
      AND p.start_us >= s.start_us AND p.start_us < s.end_us
    GROUP BY p.start_us HAVING sum(p.n) <> 0
) AS x
GROUP BY s.span_no
"""  # noqa: S608 - of constants


_PLAIN, _SKETCHED = text(_counting("panes")), text(_counting("pane_sketches"))
_KINDS_OF_SKETCHES = frozenset((Kind.QUANTILES, Kind.DISTINCT))


async def pane_runs(
    connection: AsyncConnection, key: SeriesQuestion, planned: Plan, kind: Kind
) -> list[PaneRun]:
    """The runs of panes that the answer to *key* is made of, oldest first; together they are its partial.

    Args:
        connection: in the snapshot of the answer.
        key: what was asked, of a measure of that *kind*.
        planned: the panes that it came down to.
        kind: of the measure.
    """
    series = (await numbered_series(connection, [key])).get(key)
    if series is None:
        return [PaneRun(span, 0, 0, NO_EVENTS[kind]) for span in planned.spans]
    spans = _read(series, planned)
    counts = await _counts(connection, series, spans)
    # Each run is asked for as a question of its own; their instants only tell them apart.
    plans = {replace(key.question, at_us=number): _alone(span) for number, span in enumerate(spans)}
    pairs = [(question, series.series_id) for question in plans]
    found = await kind_answers(connection, Looks(plans, pairs), kind)
    partials = [found.get(pair, NOTHING).partial for pair in pairs]
    return [
        PaneRun(span, *counts.get(number, (0, 0)), partial if partial.n else NO_EVENTS[kind])
        for number, (span, partial) in enumerate(zip(spans, partials, strict=True), 1)
    ]


def _read(series: NumberedSeries, planned: Plan) -> list[Span]:
    """The runs as they are read: where a coarser rung is not derived yet, finer ones stand for it."""
    if series.kind not in PLAIN_KINDS:
        return list(planned.spans)
    until_us = dict(zip(DERIVED, series.until_us, strict=True))
    return [part for span in planned.spans for part in there(span, series.finest, until_us)]


def _alone(span: Span) -> Plan:
    return Plan(Interval(span.start_us, span.end_us, span.rung), (span,), ())


async def _counts(
    connection: AsyncConnection, series: NumberedSeries, spans: Sequence[Span]
) -> dict[int, tuple[int, int]]:
    parameters = {
        "series_id": series.series_id,
        "rungs": [int(span.rung) for span in spans],
        "starts": [span.start_us for span in spans],
        "ends": [span.end_us for span in spans],
    }
    statement = _SKETCHED if series.kind in _KINDS_OF_SKETCHES else _PLAIN
    rows = await connection.execute(statement, parameters)
    return {row.span_no: (row.panes, row.rows) for row in rows}
