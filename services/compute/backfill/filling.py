"""One batch of the log, counted again: which of its records count, and what they add; it opens nothing."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import msgspec
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


SAMPLE = 500
"""So many events tell whether a look at the bytes of the others is worth while."""


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
    values = [records[place].value or b"" for place in np.flatnonzero(counts).tolist()]
    events = _decoded(concerning(values, programme.streams))
    found = measure(events, times_us([event.time for event in events]), programme)
    additions = [addition(measured, now_us) for measured in found.measured]
    return Filled(additions, len(values), len(found.unfit))


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


def concerning(values: Sequence[bytes], event_types: Collection[str]) -> Sequence[bytes]:
    """Those of *values* that may be events of one of *event_types*; the others need not be decoded.

    JSON without a backslash spells a text one way only, so an event has its type as these bytes somewhere.
    Where most events pass, looking at each costs more than it saves (measured: 0.2 us for each type that is
    looked for, 3 us to decode and measure an event).
    """
    spelled = [msgspec.json.encode(event_type) for event_type in event_types]
    if len(_passing(values[:SAMPLE], spelled)) * 2 > len(values[:SAMPLE]):
        return values
    return [value for part in _parts(values) for value in _passing(part, spelled)]


def _passing(values: Sequence[bytes], spelled: Sequence[bytes]) -> Sequence[bytes]:
    if b"\\" in b"".join(values):
        return [value for value in values if b"\\" in value or any(text in value for text in spelled)]
    if len(spelled) == 1:
        only = spelled[0]
        return [value for value in values if only in value]
    return [value for value in values if any(text in value for text in spelled)]


def _decoded(values: Sequence[bytes]) -> list[CleanEvent]:
    return [event for part in _parts(values) for event in _decoded_together(part)]


def _parts(values: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    for start in range(0, len(values), DECODED_AT_ONCE):
        yield values[start : start + DECODED_AT_ONCE]


def _decoded_together(values: Sequence[bytes]) -> list[CleanEvent]:
    """The events of *values*, which all are some; a foreign one may have lines of its own."""
    lines = b"\n".join(values)
    if lines.count(b"\n") == len(values) - 1:
        return clean_decoder.decode_lines(lines)
    return [clean_decoder.decode(value) for value in values]
