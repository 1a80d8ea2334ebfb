"""How `tidemark kpi plan` shows cost and shadow values: tables for people, JSON for machines."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

import typer
from rich.table import Table

from services.catalogue_tables import plain, print_table, table_of
from shared.domain.previews import MeasureCost, Notice
from shared.replay.preview_diffs import Pair, SideBySide
from shared.replay.previews import Part

_LISTED = 20
"""Instants with other values that people are shown of one KPI and window."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What the log says of some files.

    Attributes:
        cost: by KPI, of the breakdowns that start counting.
        pairs: old and new values; None where nobody asked for them.
    """

    part: Part
    cost: Mapping[str, Sequence[MeasureCost]]
    pairs: Sequence[SideBySide] | None
    notices: Sequence[Notice]


@dataclass(frozen=True, slots=True)
class Unknown:
    """Nothing is known of cost, because the log could not be read; the plan holds all the same."""

    reason: str


def show_preview(found: Shown | Unknown) -> None:
    """Say what the log says of the changes, or why it says nothing."""
    if isinstance(found, Unknown):
        typer.echo(f"cost unknown: {found.reason}", err=True)
        return
    _show_cost(found)
    for notice in found.notices:
        typer.echo(f"{notice.slug}: {notice.message}")
    if found.pairs is not None:
        _show_pairs(found.pairs)


def _show_cost(shown: Shown) -> None:
    """Say what starts counting and what that costs."""
    rows = [(slug, each) for slug, found in shown.cost.items() for each in found]
    if rows:
        table = table_of("KPI", "Counts anew", "Series", "Rows a day", "Rows kept", "Bytes kept")
        for slug, each in rows:
            table.add_row(plain(slug), plain(_name(each)), *map(_number, _figures(each)))
        print_table(table)
    begin, end = (f"{at:%Y-%m-%d %H:%M}" for at in (shown.part.start, shown.part.end))
    typer.echo(f"by {shown.part.records:,} records of the log, of events from {begin} to {end} UTC")


def _show_pairs(pairs: Sequence[SideBySide]) -> None:
    """Say where old and new values differ, and by how much."""
    table = table_of("KPI", "Window", "Instants", "Differ", "Now", "Would be", "Difference")
    for each in pairs:
        last = each.pairs[-1]
        count = "new" if each.pairs[-1].before is None else str(len(each.others))
        table.add_row(plain(each.slug), each.window, str(len(each.pairs)), count, *_values(last))
    print_table(table)
    for each in pairs:
        if each.others:
            typer.echo(f"\n{each.slug} over {each.window}")
            print_table(_differing(each))


def _differing(each: SideBySide) -> Table:
    table = table_of("At", "Now", "Would be", "Difference")
    for pair in each.others[-_LISTED:]:
        table.add_row(f"{pair.at:%Y-%m-%d %H:%M:%S}", *_values(pair))
    return table


def _values(pair: Pair) -> tuple[str, str, str]:
    before = None if pair.before is None else pair.before.value
    return _text(before), _text(pair.after.value), _text(pair.difference, signed=True)


def _text(value: Decimal | None, *, signed: bool = False) -> str:
    if value is None:
        return "-"
    # People are shown what fits a column; the JSON has every digit.
    rounded = value if value == value.to_integral_value() else round(value, 6)
    return f"{rounded.normalize():+f}" if signed else f"{rounded.normalize():f}"


def _name(cost: MeasureCost) -> str:
    return f"[{', '.join(cost.breakdown)}]" if cost.breakdown else "total"


def _figures(cost: MeasureCost) -> tuple[int, int, int, int]:
    return cost.series, cost.rows_per_day, cost.rows_kept, cost.bytes_kept


def _number(figure: int) -> str:
    return f"{figure:,}"


def preview_body(shown: Shown | Unknown) -> dict[str, Any]:
    """The same for machines; numbers of values are texts with every digit."""
    if isinstance(shown, Unknown):
        return {"cost": None, "cost_unknown": shown.reason}
    part = shown.part
    body: dict[str, Any] = {
        "read": {
            "start": part.start.isoformat(), "end": part.end.isoformat(), "records": part.records,
            "complete": part.is_whole, "cut_off": part.is_cut,
        },
        "cost": [_cost_body(slug, each) for slug, found in shown.cost.items() for each in found],
        "warnings": [asdict(each) for each in shown.notices],
    }  # fmt: skip
    if shown.pairs is not None:
        body["shadow"] = [_pairs_body(each) for each in shown.pairs]
    return body


def _cost_body(slug: str, cost: MeasureCost) -> dict[str, Any]:
    series, per_day, kept, size = _figures(cost)
    return {
        "kpi": slug, "breakdown": list(cost.breakdown), "series": series,
        "rows_per_day": per_day, "rows_kept": kept, "bytes_kept": size,
    }  # fmt: skip


def _pairs_body(each: SideBySide) -> dict[str, Any]:
    items = list(_pair_bodies(each.pairs))
    return {"kpi": each.slug, "window": each.window, "differs": len(each.others), "items": items}


def _pair_bodies(pairs: Sequence[Pair]) -> Iterator[dict[str, Any]]:
    for pair in pairs:
        before = None if pair.before is None else pair.before.value
        values = {"before": before, "after": pair.after.value, "difference": pair.difference}
        told = {name: None if value is None else str(value) for name, value in values.items()}
        yield {"at": pair.at.isoformat(), **told, "complete": pair.after.complete}
