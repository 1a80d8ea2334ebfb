"""From decoded events to measured rows: which events a measure takes, with which value and series."""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import msgspec
import numpy as np

from shared.contracts.events import CleanEvent, clean_key
from shared.contracts.series import OVERFLOW, series_text
from shared.counting.programmes import Programme, Stream, Target
from shared.domain.aggregates import Kind
from shared.domain.expressions import Selected, scaled_values
from shared.domain.fold import NO_KEYS, Int64s, Rows
from shared.domain.seen import Ids, ids_from_bytes
from shared.domain.sketches.hashing import value_hashes

DIMENSION_CHARACTERS = 128
"""A longer dimension value is counted under the overflow series: it is no name that anyone looks up."""

_SPARSE = 4
"""Groups are numbered anew when there are more possible ones than this many times the rows."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What one measure takes from a batch.

    Attributes:
        series: the combination of dimension values, as in `series.dimensions`, of each group met.
        places: which of the events of its type in the batch each row is.
    """

    target: Target
    rows: Rows
    series: Mapping[int, str]
    places: Int64s


@dataclass(frozen=True, slots=True)
class Measurement:
    """What a batch comes to.

    Attributes:
        failures: how many evaluations of a filter or value failed on an event.
        unfit: the events, by index, with a value that no 64-bit integer holds at the measure's scale; the
            measures concerned are measured without them.
    """

    measured: Sequence[Measured]
    failures: int
    unfit: frozenset[int]


def measure(events: Sequence[CleanEvent], times_us: Int64s, programme: Programme) -> Measurement:
    """Evaluate *programme* on *events*, whose instants are *times_us*."""
    measured: list[Measured] = []
    failures, unfit = 0, set[int]()
    for event_type, places in _by_type(events).items():
        stream = programme.streams.get(event_type)
        if stream is None:
            continue
        of_type = [events[place] for place in places.tolist()] if len(places) < len(events) else events
        part = _measure_stream(of_type, times_us[places], stream)
        measured += part.measured
        failures += part.failures
        unfit |= {int(places[row]) for row in part.unfit}
    return Measurement(measured, failures, frozenset(unfit))


def _by_type(events: Sequence[CleanEvent]) -> dict[str, Int64s]:
    numbers, codes = _numbered([event.type for event in events])
    return {kind: np.flatnonzero(codes == number) for kind, number in numbers.items()}


class _Numbers(dict[Any, int]):
    """Numbers what is looked up, each value once, in the order of coming."""

    def __missing__(self, value: Any) -> int:
        self[value] = number = len(self)
        return number


def _numbered(values: Sequence[Any]) -> tuple[Mapping[Any, int], Int64s]:
    """The distinct *values*, each with a number, and the number of each value."""
    numbers = _Numbers()
    codes = np.fromiter(map(numbers.__getitem__, values), dtype=np.int64, count=len(values))
    return numbers, codes


def _measure_stream(events: Sequence[CleanEvent], times_us: Int64s, stream: Stream) -> Measurement:
    datas = [event.data for event in events]
    columns = {path: _Column.of(datas, path) for path in stream.dimensions}
    measured: list[Measured] = []
    failures, unfit = 0, set[int]()
    for selected, scale, is_hashed, targets in zip(
        stream.select(datas, events), stream.scales, stream.are_hashed, stream.targets, strict=True
    ):
        failures += selected.failed
        rows = np.array(selected.rows, dtype=np.int64)
        values, too_large = _integers(selected, scale, is_hashed=is_hashed)
        unfit.update(int(rows[place]) for place in too_large)
        if too_large:
            rows, values = np.delete(rows, too_large), np.delete(values, too_large)
        if len(rows):
            keys = _keys(events, rows) if any(target.kind is Kind.ENDS for target in targets) else NO_KEYS
            taken = Rows(rows, times_us[rows], values, keys)
            parts = ((target, _within_hours(target, taken)) for target in targets)
            measured += [_measured(target, part, columns) for target, part in parts if len(part.group)]
    return Measurement(measured, failures, frozenset(unfit))


def _integers(selected: Selected, scale: int | None, *, is_hashed: bool) -> tuple[Int64s, list[int]]:
    """What the values come to as integers, and the positions of those that do not fit."""
    if selected.values is None or scale is None:
        return np.zeros(len(selected.rows), dtype=np.int64), []
    return (value_hashes(selected.values), []) if is_hashed else scaled_values(selected.values, scale)


def _keys(events: Sequence[CleanEvent], rows: Int64s) -> Ids:
    return ids_from_bytes(b"".join([clean_key(events[row]) for row in rows.tolist()]))


def _within_hours(target: Target, taken: Rows) -> Rows:
    """Those of *taken* that lie in the business hours of *target*."""
    if target.hours is None:
        return taken
    return taken.chosen(target.hours.holds(taken.time_us, target.calendar))


def _measured(target: Target, taken: Rows, columns: Mapping[str, "_Column"]) -> Measured:
    """What *target* has of the rows *taken*, whose groups are their places in the batch."""
    group, series = _groups([columns[path] for path in target.breakdown], taken.group)
    return Measured(target, replace(taken, group=group), series, taken.group)


def _groups(columns: Sequence["_Column"], rows: Int64s) -> tuple[Int64s, dict[int, str]]:
    """A group number for each of *rows*, and the series text of every number used."""
    group = np.zeros(len(rows), dtype=np.int64)
    size = 1
    for column in columns:
        group = group * len(column.values) + column.codes[rows]
        size *= len(column.values)
    if size > _SPARSE * len(rows):
        used, dense = np.unique(group, return_inverse=True)
        return dense, {place: _series(columns, int(code)) for place, code in enumerate(used)}
    used = np.flatnonzero(np.bincount(group, minlength=size))
    return group, {int(code): _series(columns, int(code)) for code in used}


def _series(columns: Sequence["_Column"], code: int) -> str:
    values: list[str | None] = []
    for column in reversed(columns):
        code, own = divmod(code, len(column.values))
        values.append(column.values[own])
    # One value past the limits sends the event to the overflow series, of which a measure has one.
    if OVERFLOW in values:
        values = [OVERFLOW] * len(values)
    return series_text(reversed(values))


@dataclass(frozen=True, slots=True)
class _Column:
    """One dimension of a batch: the distinct values and, for each event, which of them it has."""

    values: Sequence[str | None]
    codes: Int64s

    @classmethod
    def of(cls, datas: Sequence[Mapping[str, Any]], path: str) -> "_Column":
        cells = _cells(datas, path.removeprefix("data.").split("."))
        if not set(map(type, cells)) <= {str, type(None)}:
            cells = [_text(cell) for cell in cells]
        raw, codes = _numbered(cells)
        # Different spellings may normalise to one value: number those that are left.
        normalised = [_normalised(cell) for cell in raw]
        values = list(dict.fromkeys(normalised))
        if len(values) < len(raw):
            place = {value: code for code, value in enumerate(values)}
            codes = np.array([place[value] for value in normalised], dtype=np.int64)[codes]
        return cls(values, codes)


def _cells(datas: Sequence[Mapping[str, Any]], names: Sequence[str]) -> list[Any]:
    cells: list[Any] = [data.get(names[0]) for data in datas]
    for name in names[1:]:
        cells = [cell.get(name) if type(cell) is dict else None for cell in cells]
    return cells


def _text(cell: Any) -> str | None:
    """A scalar as JSON writes it; objects and arrays are no dimension values and count as missing.

    A decimal is one only for its length: it is written as the number that most readers of JSON take it for.
    """
    if cell is None or isinstance(cell, str):
        return cell
    if isinstance(cell, Decimal):
        cell = float(cell)
    if isinstance(cell, bool | int | float):
        return msgspec.json.encode(cell).decode()
    return None


def _normalised(cell: str | None) -> str | None:
    if cell is None:
        return None
    text = unicodedata.normalize("NFC", cell)
    # Postgres has no text with a NUL in it.
    return text if len(text) <= DIMENSION_CHARACTERS and "\0" not in text else OVERFLOW
