"""From columns to partials, one object each: for what is looked at pane by pane; batches stay arrays."""

from collections.abc import Iterator, Sequence
from itertools import starmap

import numpy as np

from shared.domain.aggregates import (
    NO_HIGH,
    NO_LOW,
    Distinct,
    End,
    Ends,
    Kind,
    Numbers,
    Partial,
    Quantiles,
    Squares,
)
from shared.domain.arrays import Int64s, Places, UInt64s, run_starts
from shared.domain.columns import EndColumns, EventColumns, ItemColumns, NumberColumns, SquareColumns
from shared.domain.sketches.counts import Counts
from shared.domain.sketches.distinct import distinct

Columns = NumberColumns | SquareColumns | EndColumns | ItemColumns


def partials_of(keys: Sequence[Int64s], columns: Columns, kind: Kind) -> dict[tuple[int, ...], Partial]:
    """The partial of each key, *columns* having one element a key, or a key and item, sorted by them."""
    if not len(keys[0]):
        return {}
    if isinstance(columns, ItemColumns):
        first = run_starts(keys)
        return dict(zip(_listed([key[first] for key in keys]), _sketches(columns, first, kind), strict=True))
    return dict(zip(_listed(keys), _partials(columns), strict=True))


def _listed(keys: Sequence[Int64s]) -> Iterator[tuple[int, ...]]:
    return zip(*(key.tolist() for key in keys), strict=True)


def _partials(columns: NumberColumns | SquareColumns | EndColumns) -> Iterator[Partial]:
    match columns:
        case NumberColumns(n, total, low, high):
            return starmap(Numbers, zip(*(part.tolist() for part in (n, total, low, high)), strict=True))
        case SquareColumns(n, total, squares):
            return starmap(Squares, zip(*(part.tolist() for part in (n, total, squares)), strict=True))
        case EndColumns(n, first, last):
            return map(Ends, n.tolist(), ends(first, nowhere=NO_LOW), ends(last, nowhere=NO_HIGH))


def _sketches(columns: ItemColumns, first: Places, kind: Kind) -> Iterator[Partial]:
    final = np.append(first[1:], len(columns.item))
    for start, end in zip(first.tolist(), final.tolist(), strict=True):
        counts = Counts(columns.item[start:end], columns.count[start:end])
        is_taken_away = bool((counts.counts < 0).any())
        if kind is Kind.QUANTILES:
            yield Quantiles(counts)
        else:
            n = counts.total
            yield Distinct(n, counts, None) if is_taken_away else distinct(n, counts, None)


def ends(events: EventColumns, *, nowhere: int) -> Iterator[End | None]:
    """The event of each element; None where its time is *nowhere*."""
    keys = key_bytes(events.key_high, events.key_low)
    found = zip(events.time_us.tolist(), keys, events.value.tolist(), strict=True)
    return (None if time_us == nowhere else End(time_us, key, value) for time_us, key, value in found)


def key_bytes(high: UInt64s, low: UInt64s) -> list[bytes]:
    """The 16 bytes of each key, given by its halves."""
    joined = np.stack((high, low), axis=1).astype(">u8").tobytes()
    return [joined[place : place + 16] for place in range(0, len(joined), 16)]
