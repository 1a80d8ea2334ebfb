"""Adding items to the sketches of panes: read, merged and written in the transaction of a flush.

Only the owner of a shard writes its rows, and the position it has moved in the transaction is locked, so what
is read is what is written over.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import asyncpg
import numpy as np

from shared.contracts.sketches import counts_body, registers_body, sketch_of
from shared.domain.aggregates import Kind
from shared.domain.arrays import Int64s, run_numbers, run_starts
from shared.domain.columns import ItemColumns
from shared.domain.sketches.counts import Counts, summed
from shared.domain.sketches.distinct import Registers, distinct
from shared.storage.pane_rows import KindRows

PaneKey = tuple[int, int, int]
"""Series, rung and start of a pane."""

_BODIES = """
-- bodies: the sketches that a flush adds to.
SELECT a.place, s.n, s.body
FROM unnest($1::bigint[], $2::smallint[], $3::bigint[]) WITH ORDINALITY
    AS a (series_id, rung, start_us, place)
JOIN pane_sketches s USING (series_id, rung, start_us)
WHERE s.shard = $4::smallint
"""

_WRITE = """
-- write_sketches: the sketches as they are with the flush.
INSERT INTO pane_sketches (series_id, rung, start_us, shard, n, body)
SELECT series_id, rung, start_us, $4::smallint, n, body
FROM unnest($1::bigint[], $2::smallint[], $3::bigint[], $5::bigint[], $6::bytea[])
    AS a (series_id, rung, start_us, n, body)
ON CONFLICT (series_id, rung, start_us, shard) DO UPDATE SET n = excluded.n, body = excluded.body
"""


async def add(connection: asyncpg.Connection, rows: KindRows, *, shard: int) -> list[PaneKey]:
    """Add *rows* of a kind with items under *shard*; see `panes.add` for what comes back."""
    columns = rows.deltas.columns
    if not isinstance(columns, ItemColumns):
        raise TypeError(f"{rows.kind} have no items")
    keys = [rows.series_id, rows.deltas.rung, rows.deltas.start_us]
    first = run_starts(keys)
    ours = [key[first].tolist() for key in keys]
    found = await connection.fetch(_BODIES, *ours, shard)
    before = _Before.of(found)
    merged = _merged(rows.kind, before, run_numbers(first, len(rows)), columns)
    counted = np.add.reduceat(columns.count, first)
    for place, n in before.counted.items():
        counted[place] += n
    panes: list[PaneKey] = list(zip(*ours, strict=True))
    await write(connection, panes, counted.tolist(), [body for body, _ in merged], shard=shard)
    return [pane for pane, (_, is_settled) in zip(panes, merged, strict=True) if not is_settled]


async def write(
    connection: asyncpg.Connection, panes: Sequence[PaneKey], n: Sequence[int], bodies: Sequence[bytes], *,
    shard: int,
) -> None:  # fmt: skip
    """Make each of *panes* hold its body and its number of events under *shard*, whatever it held before."""
    series_ids, rungs, starts = zip(*panes, strict=True)
    await connection.execute(_WRITE, series_ids, rungs, starts, shard, n, bodies)


@dataclass(frozen=True, slots=True)
class _Before:
    """What the rows of some panes, which are numbered by place, hold before a flush."""

    counted: dict[int, int]
    counts: dict[int, Counts]
    registers: dict[int, Registers]

    @classmethod
    def of(cls, rows: Sequence[asyncpg.Record]) -> "_Before":
        before = cls({}, {}, {})
        for row in rows:
            place, sketch = row["place"] - 1, sketch_of(row["body"])
            before.counted[place] = row["n"]
            if isinstance(sketch, Counts):
                before.counts[place] = sketch
            else:
                before.registers[place] = sketch
        return before


def _merged(kind: Kind, before: _Before, places: Int64s, columns: ItemColumns) -> list[tuple[bytes, bool]]:
    """The body of each pane with *columns* added, and whether all that was taken away had been there."""
    size = int(places[-1]) + 1
    keys = [places, *(np.full(len(counts), place) for place, counts in before.counts.items())]
    items = [columns.item, *(counts.items for counts in before.counts.values())]
    counts = [columns.count, *(counts.counts for counts in before.counts.values())]
    (place, item), count = summed([np.concatenate(keys), np.concatenate(items)], np.concatenate(counts))
    ends = np.searchsorted(place, np.arange(size + 1)).tolist()
    whole = (Counts(item[start:end], count[start:end]) for start, end in pairwise(ends))
    if kind is Kind.QUANTILES:
        return [(counts_body(one, kind), True) for one in whole]
    taken_away = set(places[columns.count < 0].tolist())
    return [
        _distinct_body(one, before.registers.get(number), takes_away=number in taken_away)
        for number, one in enumerate(whole)
    ]


def _distinct_body(counts: Counts, registers: Registers | None, *, takes_away: bool) -> tuple[bytes, bool]:
    sketch = distinct(0, counts, registers)
    is_settled = not takes_away or (registers is None and len(counts.positive()) == len(counts))
    if sketch.registers is None:
        return counts_body(sketch.hashes, Kind.DISTINCT), is_settled
    return registers_body(sketch.registers), is_settled
