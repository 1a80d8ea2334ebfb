"""What is said about backfills: tables for people, one JSON document for machines; it decides nothing."""

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from services.api.http.answers import ENCODER
from services.api.schemas.backfills import backfill_body
from shared.storage.backfill_reports import BackfillReport
from shared.storage.backfills import BackfillState

_COLOURS = {
    BackfillState.RUNNING: "yellow",
    BackfillState.DONE: "green",
    BackfillState.CANCELLED: "dim",
    BackfillState.FAILED: "red",
}


def show_backfills(reports: Sequence[BackfillReport], *, as_json: bool) -> None:
    """Say how backfills stand."""
    if as_json:
        _print_json({"backfills": [body_of(report) for report in reports]})
        return
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("Backfill", "KPIs", "State", "Events counted", "Of the log", "Ordered"):
        table.add_column(column, overflow="fold")
    for report in reports:
        state = f"[{_COLOURS[report.state]}]{report.state}[/]"
        ordered = f"{report.created_at:%Y-%m-%d %H:%M:%S}Z"
        slugs = escape(" ".join(report.slugs))
        table.add_row(str(report.backfill_id), slugs, state, f"{report.counted:,}", share_of(report), ordered)
    Console(width=None if sys.stdout.isatty() else 160).print(table)


def show_backfill(report: BackfillReport, *, as_json: bool) -> None:
    """Say everything about one backfill."""
    if as_json:
        _print_json(body_of(report))
        return
    table = Table(box=None, show_header=False, pad_edge=False)
    for name, value in _lines(report).items():
        table.add_row(f"[bold]{name}[/]", escape(value))
    Console(width=None if sys.stdout.isatty() else 160).print(table)


def show_started(report: BackfillReport, *, as_json: bool) -> None:
    """Say that a backfill has begun, and how to hear of it."""
    if as_json:
        _print_json(body_of(report))
        return
    typer.echo(
        f"backfill {report.backfill_id} has begun: tidemark backfill show {report.backfill_id} says more"
    )


def _lines(report: BackfillReport) -> Mapping[str, str]:
    lines = {
        "backfill": str(report.backfill_id),
        "KPIs": " ".join(report.slugs),
        "at the end": "the definitions come into force" if report.applies else "what is in force is replaced",
        "state": str(report.state),
        "measures": str(report.measures),
        "handed over": f"{report.handed_over} of {report.partitions} partitions",
        "of the log": share_of(report),
        "events counted": f"{report.counted:,}",
        "rate": "as fast as it goes"
        if report.rate_limit is None
        else f"{report.rate_limit:,} events a second",
    }
    if report.unfit:
        lines["left out"] = f"{report.unfit:,} events whose value does not fit a measure"
    if report.error:
        lines["reason"] = report.error
    return lines


def share_of(report: BackfillReport) -> str:
    """How much of the log is behind it, in words."""
    return "waiting for compute" if report.share is None else f"{100 * report.share:.1f} %"


def body_of(report: BackfillReport) -> dict[str, Any]:
    """A report for machines, as the API tells it."""
    body: dict[str, Any] = json.loads(ENCODER.encode(backfill_body(report)))
    return body


def _print_json(body: Any) -> None:
    typer.echo(json.dumps(body, indent=2, ensure_ascii=False))
