"""A pane from the finer ones that it is made of; it never commits, and trusts that they are right."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import asyncpg
import numpy as np

from shared.contracts.sketches import counts_body, registers_body, sketch_of
from shared.domain.aggregates import Kind
from shared.domain.arrays import NONE
from shared.domain.sketches.counts import Counts
from shared.domain.sketches.distinct import Registers, distinct, union
from shared.domain.windows import Marks, Rung, Span, there

_ASKED = """
unnest($1::bigint[], $2::smallint[], $3::bigint[], $4::bigint[], $5::smallint[], $6::bigint[], $7::bigint[])
    AS a (place, series_id, start_us, rung, finer, from_us, to_us)
"""

_MARKED = f"""
-- marked: panes that a finer pane within them has to be made anew for first.
SELECT DISTINCT a.place FROM {_ASKED}
JOIN pane_repairs r ON r.series_id = a.series_id AND r.rung = a.finer
    AND r.start_us >= a.from_us AND r.start_us < a.to_us
"""  # noqa: S608 - assembled from constants


def _end(name: str, direction: str) -> str:
    """The columns of the first or last event of all rows."""
    return ",\n       ".join(
        f"(array_agg(p.{name}_{part} ORDER BY p.{name}_us {direction}, p.{name}_key {direction})"
        f" FILTER (WHERE p.{name}_us IS NOT NULL))[1]"
        for part in ("us", "key", "value")
    )


_UNITE = f"""
-- unite: all rows of the finer panes together, as one row.
INSERT INTO panes (series_id, rung, start_us, shard, n, sum, min, max, squares,
                   first_us, first_key, first_value, last_us, last_key, last_value)
SELECT a.series_id, a.rung, a.start_us, $8::smallint, sum(p.n), sum(p.sum), min(p.min), max(p.max),
       sum(p.squares),
       {_end("first", "ASC")},
       {_end("last", "DESC")}
FROM {_ASKED}
JOIN panes p ON p.series_id = a.series_id AND p.rung = a.finer
    AND p.start_us >= a.from_us AND p.start_us < a.to_us
GROUP BY a.series_id, a.rung, a.start_us
HAVING sum(p.n) > 0
ORDER BY 1, 2, 3
"""  # noqa: S608 - assembled from constants

_SKETCHES = f"""
-- sketches_within: the rows of the finer panes, one by one.
SELECT a.place, p.n, p.body FROM {_ASKED}
JOIN pane_sketches p ON p.series_id = a.series_id AND p.rung = a.finer
    AND p.start_us >= a.from_us AND p.start_us < a.to_us
"""  # noqa: S608 - assembled from constants

_WRITE = """
-- write_union: one row for each pane.
INSERT INTO pane_sketches (series_id, rung, start_us, shard, n, body)
SELECT series_id, rung, start_us, $4::smallint, n, body
FROM unnest($1::bigint[], $2::smallint[], $3::bigint[], $5::bigint[], $6::bytea[])
    AS a (series_id, rung, start_us, n, body)
ORDER BY 1, 2, 3
"""


@dataclass(frozen=True, slots=True)
class Whole:
    """A pane without rows, [start_us, end_us), and the rung of the panes that make it up.

    Attributes:
        finest: where these are not derived yet, finer ones take their place, down to this rung.
    """

    series_id: int
    rung: int
    start_us: int
    end_us: int
    finer: Rung
    finest: Rung

    def spans(self, marks: Marks) -> Iterator[Span]:
        """The runs of panes that make it up as far as they are derived."""
        return there(Span(self.finer, self.start_us, self.end_us), self.finest, marks.lowest())


async def marked(connection: asyncpg.Connection, panes: Sequence[Whole], marks: Marks) -> set[Whole]:
    """Those of *panes* with a finer one in them that has to be made anew itself."""
    return {panes[row["place"]] for row in await connection.fetch(_MARKED, *_columns(panes, marks))}


async def unite(
    connection: asyncpg.Connection, panes: Sequence[Whole], kind: Kind, marks: Marks, *, shard: int
) -> None:
    """Write each of *panes* as one row under *shard*; one without events gets none.

    All positions must be locked: rows of every shard are read, and *marks* rest.
    """
    if kind is Kind.DISTINCT:
        await _unite_sketches(connection, panes, marks, shard=shard)
    else:
        await connection.execute(_UNITE, *_columns(panes, marks), shard)


async def _unite_sketches(
    connection: asyncpg.Connection, panes: Sequence[Whole], marks: Marks, *, shard: int
) -> None:
    counted: dict[int, int] = defaultdict(int)
    counts: dict[int, list[Counts]] = defaultdict(list)
    registers: dict[int, list[Registers]] = defaultdict(list)
    for row in await connection.fetch(_SKETCHES, *_columns(panes, marks)):
        place, sketch = row["place"], sketch_of(row["body"])
        counted[place] += row["n"]
        if isinstance(sketch, Counts):
            counts[place].append(sketch)
        else:
            registers[place].append(sketch)
    with_events = [place for place, n in counted.items() if n > 0]
    bodies = [_body(counts[place], registers[place]) for place in with_events]
    keys = [(panes[place].series_id, panes[place].rung, panes[place].start_us) for place in with_events]
    columns = [list(column) for column in zip(*keys, strict=True)] or [[], [], []]
    await connection.execute(_WRITE, *columns, shard, [counted[place] for place in with_events], bodies)


def _body(counts: Sequence[Counts], registers: Sequence[Registers]) -> bytes:
    items = Counts.of(
        np.concatenate([NONE, *(one.items for one in counts)]),
        np.concatenate([NONE, *(one.counts for one in counts)]),
    )
    whole = distinct(items.total, items, union(list(registers)))
    if whole.registers is None:
        return counts_body(whole.hashes, Kind.DISTINCT)
    return registers_body(whole.registers)


def _columns(panes: Sequence[Whole], marks: Marks) -> list[list[int]]:
    """A row for each run of finer panes."""
    rows = [
        (place, pane.series_id, pane.start_us, pane.rung, int(span.rung), span.start_us, span.end_us)
        for place, pane in enumerate(panes)
        for span in pane.spans(marks)
    ]
    return [list(column) for column in zip(*rows, strict=True)] or [[] for _ in range(7)]
