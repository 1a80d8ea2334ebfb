"""What the panes must be, counted again from the log, one event after the other, by none of the engine."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, Literal
from zoneinfo import ZoneInfo

from tests.simulation.kpis import Plain
from tests.simulation.tables import Partial, Tables, merged

SECOND, HOUR, DAY = 1, 3600, 86400

RUNGS = ((1, 2 * HOUR), (10, 12 * HOUR), (60, 8 * DAY), (900, 35 * DAY), (HOUR, 100 * DAY), (0, 400 * DAY))
"""Length in seconds, 0 for a day of the zone, and the age up to which the docs let a rung be read."""

AGES_S = (0.0, 3.0, 40.0, -200.0, 5.0 * HOUR, 3.0 * DAY, 20.0 * DAY, 60.0 * DAY, 200.0 * DAY)
"""How late events are: far from every age at which a rung stops being written."""

Panes = dict[tuple[int, str, int, int], Partial]
"""(measure, series, rung, start) to (n, sum, min, max)."""


@dataclass(frozen=True, slots=True)
class Told:
    """A record as it was sent."""

    key: bytes
    at: datetime
    age_s: float
    data: Mapping[str, Any]
    what: Literal["event", "retraction", "foreign"] = "event"


def recount(logs: Sequence[Sequence[Told]], tables: Tables, measures: Mapping[int, Plain]) -> Panes:
    """The panes of everything up to the positions of *tables*, of each measure from its activation on."""
    panes: Panes = {}
    for partition, log in enumerate(logs):
        for offset in _still_counting(log, partition, tables):
            for number, plain in measures.items():
                begin = tables.activations.get((number, partition))
                if begin is not None and begin <= offset:
                    _count(panes, log[offset], number, plain)
    return panes


def counting(log: Sequence[Told], partition: int, tables: Tables) -> list[int]:
    """The offsets below the position that count: of each event the first, unless it was retracted in time.

    In time is: in an offset before it, or in the flush that counts it. What is retracted later counts until
    somebody undoes it.
    """
    spans = tables.flushes.get(partition, [])
    flush_of = {o: span for span in spans for o in range(span.first_offset, span.next_offset)}
    retracted, first = dict[bytes, int](), dict[bytes, int]()
    for offset in flush_of:
        if log[offset].what != "foreign":
            (first if log[offset].what == "event" else retracted).setdefault(log[offset].key, offset)
    return [
        offset
        for key, offset in first.items()
        if key not in retracted
        or (retracted[key] > offset and flush_of[retracted[key]] is not flush_of[offset])
    ]


def _still_counting(log: Sequence[Told], partition: int, tables: Tables) -> list[int]:
    return [o for o in counting(log, partition, tables) if (partition, o) not in tables.undone]


def _count(panes: Panes, event: Told, number: int, plain: Plain) -> None:
    value = plain.value(event.data)
    if value is None:
        return
    for rung, start_us in _starts(event, plain):
        key = (number, event.data[plain.by] if plain.by else "", rung, start_us)
        n, total, low, high = panes.get(key, (0, 0, value, value))
        panes[key] = (n + 1, total + value, min(low, value), max(high, value))


def _starts(event: Told, plain: Plain) -> Iterable[tuple[int, int]]:
    """(rung, start in microseconds) of each pane that the event belongs to."""
    for rung, (length_s, read_s) in enumerate(RUNGS):
        if rung < plain.finest or event.age_s > read_s:
            continue
        if length_s:
            seconds = int(event.at.timestamp()) // length_s * length_s
        else:
            local = event.at.astimezone(ZoneInfo(plain.zone)).replace(
                hour=0, minute=0, second=0, microsecond=0
            )
            seconds = int(local.timestamp())
        yield rung, seconds * 1_000_000


def stored(tables: Tables, measures: Mapping[int, Plain]) -> Panes:
    """The panes of *measures*, shards merged, as the recount names them; emptied ones are not there."""
    names = {number: key for key, number in tables.series.items()}
    panes: Panes = {}
    for (series_id, rung, start_us, _), one in tables.panes.items():
        measure_id, text = names[series_id]
        key = (measure_id, text[2:-2], rung, start_us)
        if measure_id in measures:
            panes[key] = merged(panes.get(key), one)
    return {key: one for key, one in panes.items() if one[:2] != (0, 0)}


def holes(logs: Sequence[Sequence[Told]], tables: Tables) -> list[str]:
    """What the spans of the flushes leave open, and what the ledger does not account for."""
    found = []
    for partition, row in tables.positions.items():
        spans = tables.flushes.get(partition, [])
        edges = [(0, 0), *((span.first_offset, span.next_offset) for span in spans)]
        if any(before[1] != after[0] for before, after in pairwise(edges)):
            found.append(f"partition {partition}: the spans leave gaps")
        if edges[-1][1] != max(row.next_offset, 0) or row.consumed != max(row.next_offset, 0):
            found.append(f"partition {partition}: {row} against {edges[-1]}")
        found += [
            f"partition {partition}: {wrong}" for wrong in _misnoted(logs[partition], partition, tables)
        ]
    return found


def _misnoted(log: Sequence[Told], partition: int, tables: Tables) -> Iterable[str]:
    """What the flushes and retractions of a partition say that the log does not."""
    spans = tables.flushes.get(partition, [])
    told = log[: spans[-1].next_offset if spans else 0]
    first = dict.fromkeys(event.key for event in told if event.what == "event")
    if b"".join(span.ids for span in spans) != b"".join(first):
        yield "the ids are not those of the log"
    skipped = {offset for span in spans for offset in span.skipped or ()}
    if skipped != set(range(len(told))) - set(counting(log, partition, tables)):
        yield f"skipped are {sorted(skipped)}"
    retracted = {event.key for event in told if event.what == "retraction"}
    foreign = sum(record.what == "foreign" for record in told)
    row = tables.positions[partition]
    if (row.applied, row.dead_lettered) != (len(first) + len(retracted), foreign):
        yield f"{len(first)} events, {len(retracted)} retractions and {foreign} foreign records make {row}"
    if retracted != {key for p, key in tables.retractions if p == partition}:
        yield "the retractions are not those of the log"


def differences(logs: Sequence[Sequence[Told]], tables: Tables, measures: Mapping[int, Plain]) -> list[str]:
    """Everything in *tables* about *measures* that is not as the log has it."""
    wanted, found = recount(logs, tables, measures), stored(tables, measures)
    wrong = [
        f"{key}: {found.get(key)} for {wanted.get(key)}"
        for key in sorted(wanted.keys() | found.keys())
        if wanted.get(key) != found.get(key)
    ]
    return wrong + holes(logs, tables)


def sent_at(now_s: float, age_s: float) -> datetime:
    """The event time of an event sent at *now_s* that is *age_s* old."""
    return datetime.fromtimestamp(now_s, UTC) - timedelta(seconds=age_s)
