"""What the panes must be, counted again from the log, one event after the other, without any of the engine.

The measures are written down twice: as KPIs for the product, and as plain Python for the recount.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from shared.domain.definitions import Catalogue, Kpi
from tests.simulation.tables import Tables
from tests.unit.domain.kpi_builders import a_kpi

SECOND, HOUR, DAY = 1, 3600, 86400

RUNGS = ((1, 2 * HOUR), (10, 12 * HOUR), (60, 8 * DAY), (900, 35 * DAY), (HOUR, 100 * DAY), (0, 400 * DAY))
"""Length in seconds, 0 for a day of the zone, and the age up to which the docs let a rung be read."""

AGES_S = (0.0, 3.0, 40.0, -200.0, 5.0 * HOUR, 3.0 * DAY, 20.0 * DAY, 60.0 * DAY, 200.0 * DAY)
"""How late events are: far from every age at which a rung stops being written."""

Partial = tuple[int, int, int, int]
Panes = dict[tuple[int, str, int, int], Partial]
"""(measure, series, rung, start) to (n, sum, min, max)."""


@dataclass(frozen=True, slots=True)
class Plain:
    """A measure in plain Python.

    Attributes:
        value: the scaled value of an event's data; None when it is not counted.
        by: the dimension it is kept by, if any.
        finest: the number of its finest rung.
    """

    value: Callable[[Mapping[str, Any]], int | None]
    by: str | None
    zone: str
    finest: int


@dataclass(frozen=True, slots=True)
class Defined:
    """One KPI of a simulation, both ways."""

    kpi: Kpi
    plain: Sequence[Plain]


def _dear(data: Mapping[str, Any]) -> int | None:
    return data["price"] * 100 if data["price"] > 5 else None


DEFINED = (
    Defined(a_kpi("orders", windows=["5m"]), [Plain(lambda _: 0, None, "UTC", 0)]),
    Defined(
        a_kpi("revenue", value="data.price", aggregate="sum", scale=2, breakdowns=[["shop"]], windows=["1h"]),
        [
            Plain(lambda data: data["price"] * 100, None, "UTC", 1),
            Plain(lambda data: data["price"] * 100, "shop", "UTC", 1),
        ],
    ),
    Defined(
        a_kpi(
            "dear",
            value="data.price", aggregate="max", scale=2, where="data.price > 5", zone="Asia/Kathmandu",
            windows=["24h"],
        ),
        [Plain(_dear, None, "Asia/Kathmandu", 2)],
    ),
)  # fmt: skip


def catalogue(revision: int) -> Catalogue:
    """The catalogue of that revision, from 1 on: each brings one KPI more, measures stay."""
    kpis = [one.kpi for one in DEFINED[:revision]]
    numbers = {fingerprint: number for number, fingerprint in enumerate(_fingerprints(kpis), 1)}
    return Catalogue(revision, {kpi.slug: kpi for kpi in kpis}, {kpi.slug: 1 for kpi in kpis}, numbers)


def _fingerprints(kpis: Iterable[Kpi]) -> list[str]:
    return list(dict.fromkeys(measure.fingerprint for kpi in kpis for measure in kpi.measures()))


def plains() -> dict[int, Plain]:
    """Every measure by its number: a KPI's measures come in the order in which it is declared."""
    return dict(enumerate((plain for one in DEFINED for plain in one.plain), 1))


@dataclass(frozen=True, slots=True)
class Told:
    """An event as it was sent."""

    key: bytes
    at: datetime
    age_s: float
    data: Mapping[str, Any]
    is_retraction: bool


def recount(logs: Sequence[Sequence[Told]], tables: Tables) -> Panes:
    """The panes of everything up to the positions of *tables*, of each measure from its activation on."""
    panes: Panes = {}
    for partition, log in enumerate(logs):
        for offset in counting(log, partition, tables):
            _count(panes, log[offset], partition, offset, tables)
    return panes


def counting(log: Sequence[Told], partition: int, tables: Tables) -> list[int]:
    """The offsets below the position that count: of each event the first, unless it was retracted in time.

    In time is: in an offset before it, or in the flush that counts it. What is retracted later is counted
    until somebody undoes it, which is not simulated.
    """
    spans = tables.flushes.get(partition, [])
    flush_of = {o: span for span in spans for o in range(span.first_offset, span.next_offset)}
    retracted, first = dict[bytes, int](), dict[bytes, int]()
    for offset in flush_of:
        (retracted if log[offset].is_retraction else first).setdefault(log[offset].key, offset)
    return [
        offset
        for key, offset in first.items()
        if key not in retracted
        or (retracted[key] > offset and flush_of[retracted[key]] is not flush_of[offset])
    ]


def _count(panes: Panes, event: Told, partition: int, offset: int, tables: Tables) -> None:
    for measure_id, plain in plains().items():
        begin = tables.activations.get((measure_id, partition))
        value = plain.value(event.data)
        if begin is None or offset < begin or value is None:
            continue
        for rung, start_us in _starts(event, plain):
            key = (measure_id, event.data[plain.by] if plain.by else "", rung, start_us)
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


def stored(tables: Tables) -> Panes:
    """The panes of *tables*, shards merged, as the recount names them."""
    names = {number: key for key, number in tables.series.items()}
    panes: Panes = {}
    for (series_id, rung, start_us, _), one in tables.panes.items():
        measure_id, text = names[series_id]
        key = (measure_id, text[2:-2], rung, start_us)
        n, total, low, high = panes.get(key, (0, 0, one[2], one[3]))
        panes[key] = (n + one[0], total + one[1], min(low, one[2]), max(high, one[3]))
    return panes


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
    first = dict.fromkeys(event.key for event in told if not event.is_retraction)
    if b"".join(span.ids for span in spans) != b"".join(first):
        yield "the ids are not those of the log"
    skipped = {offset for span in spans for offset in span.skipped or ()}
    if skipped != set(range(len(told))) - set(counting(log, partition, tables)):
        yield f"skipped are {sorted(skipped)}"
    retracted = {event.key for event in told if event.is_retraction}
    if retracted != {key for p, key in tables.retractions if p == partition}:
        yield "the retractions are not those of the log"


def differences(logs: Sequence[Sequence[Told]], tables: Tables) -> list[str]:
    """Everything in *tables* that is not as the log has it."""
    wanted, found = recount(logs, tables), stored(tables)
    wrong = [
        f"{key}: {found.get(key)} for {wanted.get(key)}"
        for key in sorted(wanted.keys() | found.keys())
        if wanted.get(key) != found.get(key)
    ]
    return wrong + holes(logs, tables)


def sent_at(now_s: float, age_s: float) -> datetime:
    """The event time of an event sent at *now_s* that is *age_s* old."""
    return datetime.fromtimestamp(now_s, UTC) - timedelta(seconds=age_s)
