"""One batch of records, counted in memory: what is new, what it measures, what it adds to which panes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np

from services.compute.parts import Part, Refused, Tally
from shared.contracts.events import CleanEvent, clean_decoder, times_us
from shared.contracts.rfc3339 import are_clean
from shared.counting.measuring import Measured, measure
from shared.counting.programmes import Programme
from shared.domain.fold import Deltas, Int64s, fold
from shared.domain.seen import ID_BYTES, Memory, ids_from_bytes
from shared.domain.windows import Rung
from shared.messaging.records import Record


@dataclass(frozen=True, slots=True)
class Addition:
    """What a measure's panes gain; the groups of *deltas* are keys of *series*.

    Attributes:
        finest: the finest rung of the measure.
    """

    measure_id: int
    finest: Rung
    series: Mapping[int, str]
    deltas: Deltas


@dataclass(frozen=True, slots=True)
class CountedBatch:
    """A batch, ready to be written in one transaction."""

    tallies: Sequence[Tally]
    additions: Sequence[Addition]
    refused: Sequence[Refused]
    failures: int


def count_batch(
    batch: Mapping[int, Sequence[Record]],
    programme: Programme,
    memories: Mapping[int, Memory],
    *,
    now_us: int,
) -> CountedBatch:
    """Count *batch*, the records of each partition, and remember its ids in *memories*.

    A thread may run it; nobody else may touch *memories* in the meantime.
    """
    parts = [_sorted_out(partition, records, memories[partition]) for partition, records in batch.items()]
    events, times = _new_events(parts)
    found = measure(events, times, programme)
    if _refuse_unfit(parts, found.unfit, programme):
        events, times = _new_events(parts)
        found = measure(events, times, programme)
    tallies = [*_tallies(parts, times)]
    for part in parts:
        part.remember()
    return CountedBatch(
        tallies=tallies,
        additions=[addition(measured, now_us) for measured in found.measured],
        refused=[refused for part in parts for refused in part.refused],
        failures=found.failures,
    )


def _sorted_out(partition: int, records: Sequence[Record], memory: Memory) -> Part:
    part = Part(partition, records, memory, _decoded(records))
    keys = [record.key or b"" for record in records]
    if None in part.events or set(map(len, keys)) != {ID_BYTES}:
        good = [row for row in range(len(records)) if _is_clean(part, row)]
        keys = [keys[row] for row in good]
    else:
        good = list(range(len(records)))
    part.rows = np.array(good, dtype=np.int64)
    part.ids = ids_from_bytes(b"".join(keys))
    part.retracting = [
        row for row in good if (event := part.events[row]) is not None and event.retracts is not None
    ]
    # A foreign record's own timestamp may lie anywhere; ingest's are the times of sending.
    part.appended_ms = max([records[row].timestamp for row in good], default=0)
    part.sort_out()
    return part


def _decoded(records: Sequence[Record]) -> list[CleanEvent | None]:
    """Every record's event; None where there is none."""
    events = _parsed(records)
    clean = are_clean([event.time if event else "" for event in events])
    return (
        events
        if clean.all()
        else [event if fine else None for event, fine in zip(events, clean, strict=True)]
    )


def _parsed(records: Sequence[Record]) -> list[CleanEvent | None]:
    values = [record.value or b"" for record in records]
    lines = b"\n".join(values)
    try:
        # One call for all of them, provided that no foreign value brings lines of its own.
        together = clean_decoder.decode_lines(lines) if lines.count(b"\n") == len(values) - 1 else []
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        together = []
    return [*together] if len(together) == len(values) else [_decoded_alone(value) for value in values]


def _decoded_alone(value: bytes) -> CleanEvent | None:
    try:
        return clean_decoder.decode(value)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return None


def _is_clean(part: Part, row: int) -> bool:
    key = part.records[row].key
    if part.events[row] is not None and key is not None and len(key) == ID_BYTES:
        return True
    part.refuse(
        row,
        "not_clean",
        "the record was not written by ingest: its key or value is not of the clean form",
    )
    return False


def _new_events(parts: Iterable[Part]) -> tuple[list[CleanEvent], Int64s]:
    """The events that count, one partition after the other, and their times."""
    events = [event for part in parts for event in part.events_at(part.outcome.counted)]
    return events, times_us([event.time for event in events])


def _tallies(parts: Iterable[Part], times: Int64s) -> Iterable[Tally]:
    start = 0
    for part in parts:
        counts = len(part.outcome.counted)
        yield part.tally(times[start : start + counts])
        start += counts


def _refuse_unfit(parts: Sequence[Part], unfit: frozenset[int], programme: Programme) -> bool:
    """Refuse the events at the places *unfit* of the batch's new events; whether there were any.

    So are events that count nothing only because their retraction lies in the same batch, and copies: what
    becomes of a record must not depend on which others share its batch.
    """
    is_any, start = False, 0
    for part in parts:
        counted, overtaken = part.outcome.counted, part.outcome.overtaken
        own = [number - start for number in unfit if start <= number < start + len(counted)]
        start += len(counted)
        suspects = part.copies(np.concatenate((counted[own], _unfit(part, overtaken, programme))))
        if len(suspects):
            part.refuse_unfit(_unfit(part, suspects, programme))
            is_any = True
    return is_any


def _unfit(part: Part, places: Int64s, programme: Programme) -> Int64s:
    """Those of *places* whose events have a value that does not fit."""
    if not len(places):
        return places
    events = part.events_at(places)
    return places[sorted(measure(events, times_us([event.time for event in events]), programme).unfit)]


def addition(measured: Measured, now_us: int) -> Addition:
    """What the panes of its measure gain by *measured* when it is counted at *now_us*."""
    target = measured.target
    deltas = fold(
        measured.rows, finest=target.finest, now_us=now_us, calendar=target.calendar, kind=target.kind
    )
    return Addition(target.measure_id, target.finest, measured.series, deltas)
