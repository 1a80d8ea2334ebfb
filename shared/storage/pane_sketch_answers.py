"""What panes of sketches say: each is read and decoded once, however many windows it is part of."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, groupby
from typing import Any

import numpy as np
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.contracts.sketches import sketch_of
from shared.domain.aggregates import Kind, Partial, Quantiles
from shared.domain.arrays import NONE, Int64s
from shared.domain.readings import Answer, Plan, Question
from shared.domain.sketches.counts import Counts
from shared.domain.sketches.distinct import Registers, distinct, union
from shared.domain.windows import Span
from shared.storage.pane_looks import Answers, Looks

_SKETCHES = text("""
-- sketches: the panes of runs of some series; those that only lie ahead without their bodies.
SELECT r.series_id, r.is_ahead, r.rung, p.start_us, p.n, CASE WHEN NOT r.is_ahead THEN p.body END AS body
FROM unnest(CAST(:series_ids AS bigint[]), CAST(:rungs AS smallint[]), CAST(:starts AS bigint[]),
            CAST(:ends AS bigint[]), CAST(:are_ahead AS bool[]))
    AS r (series_id, rung, start_us, end_us, is_ahead)
JOIN pane_sketches p ON p.series_id = r.series_id AND p.rung = r.rung
    AND p.start_us >= r.start_us AND p.start_us < r.end_us
ORDER BY r.series_id, r.is_ahead, r.rung, p.start_us
""")


async def sketch_answers(connection: AsyncConnection, looks: Looks, kind: Kind) -> Answers:
    """The answers to questions about series of the *kind* quantiles or distinct."""
    asked: dict[int, list[Question]] = {}
    for question, series_id in looks.pairs:
        asked.setdefault(series_id, []).append(question)
    rows = (await connection.execute(_SKETCHES, _parameters(asked, looks.plans))).all()
    found = Answers()
    for series_id, own in groupby(rows, key=lambda row: int(row.series_id)):
        runs = {place: _Run.of(list(panes)) for place, panes in groupby(own, key=_place)}
        for question in asked[series_id]:
            found[question, series_id] = _answer(looks.plans[question], runs, kind)
    return found


_Place = tuple[bool, int]
"""Whether panes are read as what lies ahead, and their rung."""


def _place(row: Any) -> _Place:
    return row.is_ahead, row.rung


def _parameters(asked: Mapping[int, Sequence[Question]], plans: Mapping[Question, Plan]) -> dict[str, Any]:
    ranges = [
        (series_id, span, is_ahead)
        for series_id, questions in asked.items()
        for is_ahead in (False, True)
        for span in _united(
            span for q in questions for span in (plans[q].ahead if is_ahead else plans[q].spans)
        )
    ]
    return {
        "series_ids": [series_id for series_id, _, _ in ranges],
        "rungs": [int(span.rung) for _, span, _ in ranges],
        "starts": [span.start_us for _, span, _ in ranges],
        "ends": [span.end_us for _, span, _ in ranges],
        "are_ahead": [is_ahead for _, _, is_ahead in ranges],
    }


def _united(spans: Iterator[Span]) -> list[Span]:
    """*spans* with those that touch each other joined, so that no pane is read twice."""
    united: list[Span] = []
    for span in sorted(spans, key=lambda span: (span.rung, span.start_us)):
        if united and united[-1].rung is span.rung and span.start_us <= united[-1].end_us:
            last = united.pop()
            span = Span(last.rung, last.start_us, max(last.end_us, span.end_us))  # noqa: PLW2901 - widened
        united.append(span)
    return united


@dataclass(frozen=True, slots=True)
class _Run:
    """The rows of one series and rung by start, their items one after the other.

    Attributes:
        offsets: where the items of each row begin, and after the last one where they end.
        registers: those of rows that have some, by row.
    """

    starts: Int64s
    n: Int64s
    offsets: Sequence[int]
    items: Counts
    registers: Mapping[int, Registers]

    @classmethod
    def of(cls, rows: Sequence[Any]) -> "_Run":
        sketches = [Counts() if row.body is None else sketch_of(row.body) for row in rows]
        counts = [sketch if isinstance(sketch, Counts) else Counts() for sketch in sketches]
        return cls(
            np.array([row.start_us for row in rows], dtype=np.int64),
            np.array([row.n for row in rows], dtype=np.int64),
            [0, *accumulate(map(len, counts))],
            Counts(np.concatenate([c.items for c in counts]), np.concatenate([c.counts for c in counts])),
            {place: sketch for place, sketch in enumerate(sketches) if not isinstance(sketch, Counts)},
        )

    def rows(self, span: Span) -> slice:
        """The rows of the panes of *span*."""
        first, last = np.searchsorted(self.starts, (span.start_us, span.end_us)).tolist()
        return slice(first, last)

    def first_us(self, span: Span) -> int | None:
        """The start of the earliest pane of *span* with events; None without one."""
        rows = self.rows(span)
        there = np.flatnonzero(self.n[rows])
        return int(self.starts[rows][there[0]]) if len(there) else None

    def counts(self, span: Span) -> Counts:
        """The items of the panes of *span*, not yet added up."""
        rows = self.rows(span)
        items = slice(self.offsets[rows.start], self.offsets[rows.stop])
        return Counts(self.items.items[items], self.items.counts[items])

    def registers_of(self, span: Span) -> list[Registers]:
        """The registers of the panes of *span* that have some."""
        rows = range(self.rows(span).start, self.rows(span).stop)
        return [registers for place, registers in self.registers.items() if place in rows]


def _answer(plan: Plan, runs: Mapping[_Place, _Run], kind: Kind) -> Answer:
    looks = [(runs[False, span.rung], span) for span in plan.spans if (False, span.rung) in runs]
    ahead = [(runs[True, span.rung], span) for span in plan.ahead if (True, span.rung) in runs]
    return Answer(_partial(looks, kind), _earliest(looks), _earliest(ahead))


def _earliest(looks: Sequence[tuple[_Run, Span]]) -> int | None:
    starts = [run.first_us(span) for run, span in looks]
    return min((start for start in starts if start is not None), default=None)


def _partial(looks: Sequence[tuple[_Run, Span]], kind: Kind) -> Partial:
    found = [run.counts(span) for run, span in looks]
    items = Counts.of(
        np.concatenate([NONE, *(counts.items for counts in found)]),
        np.concatenate([NONE, *(counts.counts for counts in found)]),
    )
    if kind is Kind.QUANTILES:
        return Quantiles(items)
    n = sum(int(run.n[run.rows(span)].sum()) for run, span in looks)
    return distinct(n, items, union([r for run, span in looks for r in run.registers_of(span)]))
