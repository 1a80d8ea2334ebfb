"""The document as a table for people; it works nothing out."""

from collections.abc import Iterator
from typing import Any

from rich.table import Table

from benchmarks.figures import Document

Row = tuple[str, str, str]


def table(found: Document) -> Table:
    """What was measured, a line each, by scenario."""
    shown = Table(title="What was measured", caption=_environment(found["environment"]))
    shown.add_column("")
    shown.add_column("value", justify="right", no_wrap=True)
    shown.add_column("and")
    sections = (_targets, _end_to_end, _stages, _windows, _rows, _scales, _series, _again, _latency, _reading)
    for section in sections:
        rows = list(section(found))
        for row in rows:
            shown.add_row(*row)
        if rows:
            shown.add_section()
    return shown


def _environment(one: Document) -> str:
    changed = " with changes" if one["git_is_dirty"] else ""
    return (
        f"{one['measured_at']}, {one['cores']} cores of {one['cpu_model']}, {one['memory_mib']:,} MiB,"
        f" Python {one['python']}, Kafka {one['kafka']}, PostgreSQL {one['postgres']},"
        f" load {one['load_1m']} at the start, revision {one['git_revision']}{changed}"
    )


def _targets(found: Document) -> Iterator[Row]:
    for name, one in found["targets"].items():
        words = "reached" if one["reached"] else "NOT reached"
        doubt = ", but others disturbed every drain" if one["is_disturbed"] else ""
        yield f"target {name}", number(one["measured"]), f"of {number(one['target'])}: {words}{doubt}"


def _end_to_end(found: Document) -> Iterator[Row]:
    for name, one in (found["end_to_end"] or {}).items():
        words = name.replace("_", " ")
        yield f"end to end, {words}", f"{number(one['events_per_second'])} /s", _costs(one)


def _stages(found: Document) -> Iterator[Row]:
    for name, one in (found["stages"] or {}).items():
        yield f"{name} alone", f"{number(one['events_per_second'])} /s", _costs(one)


def _costs(one: Document) -> str:
    costs = ", ".join(f"{name} {number(us)}" for name, us in one["cpu_us_per_event"].items() if us)
    return f"{number(one['events_per_cpu_second'])} per CPU-second; us per event: {costs}"


def _windows(found: Document) -> Iterator[Row]:
    for name, one in (found["windows"] or {}).items():
        rounds = ", ".join(map(number, one["ratios"]))
        words = f"by CPU {number(one['cpu_ratio'])}; rounds {rounds}"
        yield f"five windows to one, {name.replace('_', ' ')}", number(one["ratio"]), words


def _rows(found: Document) -> Iterator[Row]:
    for name, one in (found["rows"] or {}).items():
        p50, p99 = one["flush_p50_seconds"], one["flush_p99_seconds"]
        words = (
            f"{number(one['events_per_flush'])} events per flush of p50 {number(p50)} s, p99 {number(p99)} s"
        )
        yield f"pane rows per event, {name.replace('_', ' ')}", number(one["pane_rows_per_event"]), words


def _scales(found: Document) -> Iterator[Row]:
    one = found["three_breakdowns"]
    if one is not None:
        rate = one["events_per_cpu_second_of"]["compute"]
        yield "ten KPIs on three breakdowns", f"{number(rate)} /CPU-s", f"of compute; {_costs(one)}"
    for windows, ratios in (found["many_windows"] or {}).items():
        words = f"by compute's CPU {number(ratios['cpu_ratio'])}"
        yield f"{windows} windows to one", number(ratios["ratio"]), words
    if found["two_computes"] is not None:
        two = found["two_computes"]
        yield "two compute processes", f"{number(two['events_per_second'])} /s", _costs(two)


def _series(found: Document) -> Iterator[Row]:
    for one in found["series"] or ():
        words = (
            f"{number(one['rows_per_event'])} rows and {number(one['compute_us_per_event'])} us of compute"
            f" per event; flush p50 {number(one['flush_p50_s'])} s, p99 {number(one['flush_p99_s'])} s;"
            f" {number(one['bytes_per_series'])} bytes a series, {number(one['bytes_per_pane'])} a pane,"
            f" {number(one['bytes_per_id'])} an id ({number(one['memory_bytes_per_id'])} in memory)"
        )
        yield f"{number(one['series'])} series", f"{number(one['memory_mib'])} MiB", words
        if one["visible_p99_s"] is not None:
            yield (
                "event to visible, p99",
                f"{number(one['visible_p99_s'])} s",
                f"p50 {number(one['visible_p50_s'])} s",
            )


def _again(found: Document) -> Iterator[Row]:
    for name, one in (found["backfill"] or {}).items():
        words = (
            f"{number(one['ratio'])} times the live path by the clock, {number(one['cpu_ratio'])} by CPU;"
            f" {number(one['compute_us_per_event'])} us of compute per event"
        )
        yield f"backfill of {name}", f"{number(one['events_per_second'])} /s", words
    if found["take_over"] is not None:
        one = found["take_over"]
        words = f"after the broker removed the member; longest {number(one['longest_s'])} s"
        yield "current after a kill", f"{number(one['median_s'])} s", words


def _latency(found: Document) -> Iterator[Row]:
    one = found["latency"]
    for reader in ("api", "panes", "current") if one else ():
        load = f"at {number(one['events_per_second'])} events/s; p50 "
        yield (
            f"event to visible, {reader}, p99",
            f"{number(one[reader]['p99_ms'])} ms",
            load + _rest(one[reader]),
        )


def _reading(found: Document) -> Iterator[Row]:
    for name, one in (found["reading"] or {}).items():
        yield f"reading {name}, p99", f"{number(one['p99_ms'])} ms", "p50 " + _rest(one)


def _rest(one: Document) -> str:
    return f"{number(one['p50_ms'])} ms, longest {number(one['max_ms'])} ms of {one['count']}"


def number(value: Any) -> str:
    """A number with as many places as say something."""
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
