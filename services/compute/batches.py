"""One batch of records, counted in memory: what is new, what it measures, what it adds to which panes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec
import numpy as np
import numpy.typing as npt

from shared.contracts.events import CleanEvent, clean_decoder, times_us
from shared.contracts.rfc3339 import are_clean
from shared.counting.measuring import Measured, measure
from shared.counting.programmes import Programme
from shared.domain.fold import Deltas, Int64s, fold
from shared.domain.seen import ID_BYTES, SeenIds, ids_from_bytes, ids_to_bytes
from shared.messaging.records import Record


@dataclass(frozen=True, slots=True)
class Refused:
    """A record that cannot be counted, and why."""

    partition: int
    record: Record
    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class Tally:
    """What became of one partition's records.

    Attributes:
        ids: 16 bytes for each event applied.
        first_us: the oldest event time applied; None when none was.
        appended_ms: when the newest clean record was sent; 0 when there was none.
    """

    partition: int
    to_offset: int
    consumed: int
    applied: int
    duplicate: int
    dead_lettered: int
    ids: bytes
    first_us: int | None
    last_us: int | None
    appended_ms: int


@dataclass(frozen=True, slots=True)
class Addition:
    """What a measure's panes gain; the groups of *deltas* are keys of *series*."""

    measure_id: int
    series: Mapping[int, str]
    deltas: Deltas


@dataclass(frozen=True, slots=True)
class CountedBatch:
    """A batch, ready to be written in one transaction."""

    tallies: Sequence[Tally]
    additions: Sequence[Addition]
    refused: Sequence[Refused]
    failures: int


@dataclass(slots=True)
class _Part:
    """One partition's records while they are sorted out."""

    partition: int
    records: Sequence[Record]
    seen: SeenIds
    events: list[CleanEvent | None]
    refused: list[Refused] = field(default_factory=list)
    duplicate: int = 0
    appended_ms: int = 0
    rows: Int64s = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    ids: npt.NDArray[np.uint64] = field(default_factory=lambda: np.empty((0, 2), dtype=np.uint64))

    def refuse(self, row: int, reason: str, detail: str) -> None:
        self.refused.append(Refused(self.partition, self.records[row], reason, detail))


def count_batch(
    batch: Mapping[int, Sequence[Record]], programme: Programme, seen: Mapping[int, SeenIds], *, now_us: int
) -> CountedBatch:
    """Count *batch*, the records of each partition, and remember its ids in *seen*.

    A thread may run it; nobody else may touch *seen* in the meantime.
    """
    parts = [_sorted_out(partition, records, seen[partition]) for partition, records in batch.items()]
    events, times = _new_events(parts)
    found = measure(events, times, programme)
    if found.unfit:
        _refuse_unfit(parts, found.unfit)
        events, times = _new_events(parts)
        found = measure(events, times, programme)
    for part in parts:
        part.seen.add(part.ids)
    return CountedBatch(
        tallies=[*_tallies(parts, times)],
        additions=[addition(measured, now_us) for measured in found.measured],
        refused=[refused for part in parts for refused in part.refused],
        failures=found.failures,
    )


def _sorted_out(partition: int, records: Sequence[Record], seen: SeenIds) -> _Part:
    part = _Part(partition, records, seen, _decoded(records))
    good = [row for row, event in enumerate(part.events) if _countable(part, row, event)]
    ids = ids_from_bytes(b"".join([records[row].key or b"" for row in good]))
    fresh = seen.fresh(ids)
    part.duplicate = int(len(good) - fresh.sum())
    # A foreign record's own timestamp may lie anywhere; ingest's are the times of sending.
    part.appended_ms = max((records[row].timestamp for row in good), default=0)
    part.rows, part.ids = np.array(good, dtype=np.int64)[fresh], ids[fresh]
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


def _countable(part: _Part, row: int, event: CleanEvent | None) -> bool:
    key = part.records[row].key
    if event is None or key is None or len(key) != ID_BYTES:
        part.refuse(
            row,
            "not_clean",
            "the record was not written by ingest: its key or value is not of the clean form",
        )
        return False
    if event.retracts is not None:
        part.refuse(
            row, "retraction_unsupported", "retracts: this version keeps retractions aside, to be retried"
        )
        return False
    return True


def _new_events(parts: Iterable[_Part]) -> tuple[list[CleanEvent], Int64s]:
    events = [
        event for part in parts for row in part.rows.tolist() if (event := part.events[row]) is not None
    ]
    return events, times_us([event.time for event in events])


def _refuse_unfit(parts: Sequence[_Part], unfit: frozenset[int]) -> None:
    """Refuse the events at the places *unfit* of the batch's new events."""
    start = 0
    for part in parts:
        keep = np.array([start + place not in unfit for place in range(len(part.rows))], dtype=np.bool_)
        start += len(part.rows)
        for row in part.rows[~keep].tolist():
            part.refuse(
                row, "value_out_of_range", "a measured value has more digits than 64 bits hold at its scale"
            )
        part.rows, part.ids = part.rows[keep], part.ids[keep]


def _tallies(parts: Iterable[_Part], times: Int64s) -> Iterable[Tally]:
    start = 0
    for part in parts:
        own = times[start : start + len(part.rows)]
        start += len(part.rows)
        yield Tally(
            partition=part.partition,
            to_offset=part.records[-1].offset + 1,
            consumed=len(part.records),
            applied=len(part.rows),
            duplicate=part.duplicate,
            dead_lettered=len(part.refused),
            ids=ids_to_bytes(part.ids),
            first_us=int(own.min()) if len(own) else None,
            last_us=int(own.max()) if len(own) else None,
            appended_ms=part.appended_ms,
        )


def addition(measured: Measured, now_us: int) -> Addition:
    """What the panes of its measure gain by *measured* when it is counted at *now_us*."""
    target = measured.target
    deltas = fold(measured.rows, finest=target.finest, now_us=now_us, calendar=target.calendar)
    return Addition(target.measure_id, measured.series, deltas)
