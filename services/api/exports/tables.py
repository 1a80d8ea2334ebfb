"""Answers as tables with columns that depend on the question alone, not on what was found."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal
from enum import Enum, StrEnum
from typing import Any

from services.api.schemas.comparisons import ComparedBody
from services.api.schemas.definitions import KpiBody, KpisBody
from services.api.schemas.histories import HistoriesBody, HistoryBody
from services.api.schemas.values import PointBody, TargetBody, ValueBody


class Sort(StrEnum):
    """What the cells of a column are."""

    TEXT = "text"
    WHOLE = "whole"
    EXACT = "exact"
    """A decimal with every digit it has."""
    INSTANT = "instant"
    TRUTH = "truth"


Cell = str | int | Decimal | datetime | bool | None


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its name and what its cells are; any of them may be empty."""

    name: str
    sort: Sort


@dataclass(frozen=True, slots=True)
class Table:
    """Columns, and rows with a cell for each."""

    columns: tuple[Column, ...]
    rows: Sequence[tuple[Cell, ...]]


_SORTS: Mapping[str, Sort] = {
    **dict.fromkeys(("version", "n", "base_n", "scale", "fiscal_year_start"), Sort.WHOLE),
    **dict.fromkeys(
        ("value", "base_value", "target", "warning", "tolerance", "attainment", "change", "relative_change",
         "percentile"),
        Sort.EXACT,
    ),
    **dict.fromkeys(
        ("at", "window_start", "window_end", "as_of", "valid_until", "base_at", "base_window_start",
         "base_window_end", "retired_at"),
        Sort.INSTANT,
    ),
    **dict.fromkeys(("complete", "filled", "certified", "prometheus"), Sort.TRUTH),
}  # fmt: skip
"""Columns that are no texts."""

_TARGET = ("target", "warning", "tolerance", "status", "attainment")
_VALUE = (
    "kpi", "version", "window", "dimensions", "value", "unit", "n", "window_start", "window_end", "as_of",
    "complete", "valid_until", *_TARGET,
)  # fmt: skip
_POINT = (
    "kpi", "version", "window", "bucket", "dimensions", "at", "value", "unit", "n", "window_start",
    "window_end", "complete", "filled", *_TARGET,
)  # fmt: skip
_COMPARED = (
    "kpi", "version", "window", "dimensions", "at", "value", "unit", "n", "against", "base_at", "base_value",
    "base_n", "base_window_start", "base_window_end", "change", "relative_change", "judgement", "reason",
)  # fmt: skip
_DEFINITION = tuple(
    each.name for each in fields(KpiBody) if each.name not in ("value", "target", "percentile")
)


def value_table(values: Iterable[ValueBody], *, names: Sequence[str] | None) -> Table:
    """*values*, a row each; *names* are of the dimensions, None where they differ: then these are JSON."""
    return _table(_VALUE, (_told(each) for each in values), names)


def history_table(body: HistoryBody | HistoriesBody, *, names: Sequence[str]) -> Table:
    """The points of *body*, a row each, one series after the other."""
    series = (
        [(body.dimensions, body.items)]
        if isinstance(body, HistoryBody)
        else [(each.dimensions, each.items) for each in body.series]
    )
    head = {name: getattr(body, name) for name in ("kpi", "version", "window", "bucket", "unit")}
    rows = (
        {**head, **_told(point), "dimensions": dimensions}
        for dimensions, points in series
        for point in points
    )
    return _table(_POINT, rows, names)


def comparison_table(body: ComparedBody, *, names: Sequence[str]) -> Table:
    """What a value is compared with, a row each."""
    told = _told(body)
    rows = [
        {
            **told,
            "against": item.against,
            "base_at": item.at,
            "base_value": None if item.base is None else item.base.value,
            "base_n": None if item.base is None else item.base.n,
            "base_window_start": None if item.base is None else item.base.window_start,
            "base_window_end": None if item.base is None else item.base.window_end,
            "change": item.change,
            "relative_change": item.relative_change,
            "judgement": item.judgement,
            "reason": item.reason,
        }
        for item in body.items
    ]
    return _table(_COMPARED, rows, names)


def kpi_table(body: KpisBody) -> Table:
    """Definitions, a row each; what has parts is JSON."""
    return _table(_DEFINITION, (_told(each) for each in body.items), None)


def _told(body: ValueBody | PointBody | KpiBody) -> dict[str, Any]:
    found = {each.name: getattr(body, each.name) for each in fields(body)}
    if isinstance(body, ValueBody | PointBody):
        found |= _target(body.target)
    return found


def _target(target: TargetBody | None) -> dict[str, Decimal | None]:
    if target is None:
        return dict.fromkeys(("target", "warning", "tolerance"))
    return {"target": target.value, "warning": target.warning, "tolerance": target.tolerance}


def _table(
    names: Iterable[str], rows: Iterable[Mapping[str, Any]], dimensions: Sequence[str] | None
) -> Table:
    columns = list[Column]()
    for name in names:
        if name == "dimensions" and dimensions is not None:
            columns += [Column(f"dimensions.{each}", Sort.TEXT) for each in sorted(dimensions)]
        else:
            columns.append(Column(name, _SORTS.get(name, Sort.TEXT)))
    return Table(tuple(columns), [tuple(_cell(row, column) for column in columns) for row in rows])


def _cell(row: Mapping[str, Any], column: Column) -> Cell:
    if column.name.startswith("dimensions."):
        found: Cell = row["dimensions"][column.name.removeprefix("dimensions.")]
        return found
    value = row[column.name]
    if column.sort is not Sort.TEXT or value is None:
        number: Cell = value
        return number
    return value.value if isinstance(value, Enum) else value if isinstance(value, str) else _json(value)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True, default=_plain)


def _plain(value: Any) -> Any:
    """What JSON has no word for: decimals in full as text, and bodies by their fields."""
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, Mapping):
        return dict(value)
    return {each.name: getattr(value, each.name) for each in fields(value)}
