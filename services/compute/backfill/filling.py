"""One batch of the log, counted again: which of its records count, and what they add; it opens nothing."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from services.compute.batches import Addition, addition
from shared.contracts.events import CleanEvent, clean_decoder, times_us
from shared.counting.measuring import measure
from shared.counting.programmes import Programme
from shared.messaging.records import Record
from shared.storage.backfill_cursors import Span

DECODED_AT_ONCE = 2000
"""Decoding holds the interpreter for a few milliseconds at a time, so that live counting gets its turn."""


@dataclass(frozen=True, slots=True)
class Filled:
    """What a batch comes to.

    Attributes:
        counted: how many of its records count.
        unfit: how many of them have a value for some measure that 64 bits do not hold: it leaves them out.
    """

    additions: Sequence[Addition]
    counted: int
    unfit: int


def fill(
    records: Sequence[Record],
    spans: Sequence[Span],
    undone: Collection[int],
    programme: Programme,
    *,
    now_us: int,
) -> Filled:
    """Count those of *records* that live counting has counted, into *programme*; a thread may run it.

    Args:
        records: of one partition, in the order of their offsets.
        spans: what live counting went through, over all of *records*.
        undone: the offsets of events that were retracted after they had been counted.
        programme: the measures that are filled.
        now_us: decides which rungs an event still enters.
    """
    counts = counting(np.array([record.offset for record in records], dtype=np.int64), spans, undone)
    events = _decoded([records[place] for place in np.flatnonzero(counts).tolist()])
    found = measure(events, times_us([event.time for event in events]), programme)
    additions = [addition(measured, now_us) for measured in found.measured]
    return Filled(additions, len(events), len(found.unfit))


def counting(
    offsets: npt.NDArray[np.int64], spans: Sequence[Span], undone: Collection[int]
) -> npt.NDArray[np.bool_]:
    """True for each of the ascending *offsets* that counts: in a span, not skipped there, not undone."""
    counts = np.zeros(len(offsets), dtype=np.bool_)
    for span in spans:
        first, last = np.searchsorted(offsets, (span.first_offset, span.next_offset))
        counts[first:last] = True
    silent = [offset for span in spans for offset in span.skipped]
    counts[np.isin(offsets, np.array([*silent, *undone], dtype=np.int64))] = False
    return counts


def _decoded(records: Sequence[Record]) -> list[CleanEvent]:
    events: list[CleanEvent] = []
    for start in range(0, len(records), DECODED_AT_ONCE):
        events += _decoded_together(
            [record.value or b"" for record in records[start : start + DECODED_AT_ONCE]]
        )
    return events


def _decoded_together(values: Sequence[bytes]) -> list[CleanEvent]:
    """The events of *values*, which all are some; a foreign one may have lines of its own."""
    lines = b"\n".join(values)
    if lines.count(b"\n") == len(values) - 1:
        return clean_decoder.decode_lines(lines)
    return [clean_decoder.decode(value) for value in values]
