"""`tidemark value explain`: why the API says that a KPI is worth what it is; it asks the API only."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any

import httpx2
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from services.value_commands import (
    DECODER,
    ApiError,
    At,
    Dimensions,
    KnownAt,
    Question,
    Slug,
    WindowName,
    app,
    asked,
    credentials,
    dimensions_of,
    failed,
)

__all__ = ["app", "explain"]

_PATIENCE_S = 40.0
"""The log is read for half a minute at most."""


@app.command()
def explain(
    slug: Slug,
    *,
    window: WindowName = None,
    at: At = None,
    known_at: KnownAt = None,
    dim: Dimensions = None,
    part: Annotated[
        str | None, typer.Option(help="Of a formula: what it reads, such as 'prev(orders)'.")
    ] = None,
    sample: Annotated[
        int, typer.Option(min=0, max=500, help="How many events to list; 0 does not read the log.")
    ] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="The answer as JSON.")] = False,
    api: Annotated[
        str, typer.Option(envvar="TIDEMARK_API_URL", help="Where the API is.")
    ] = "http://127.0.0.1:8080",
) -> None:
    """Why a value is what it is: its rule, its panes, its events, and what does not count."""
    question = Question(slug, window, at, known_at, dimensions_of(dim or []))
    more = {"sample": str(sample)} | ({} if part is None else {"part": part})
    with httpx2.Client(base_url=api, headers=credentials(), timeout=_PATIENCE_S, trust_env=False) as client:
        try:
            body = asked(client, question, what="explain", more=more)
        except ApiError as error:
            failed(str(error))
    if as_json:
        typer.echo(body.decode())
        return
    console = Console()
    for each in told(DECODER.decode(body)):
        console.print(each)


def told(body: Mapping[str, Any]) -> Iterator[str | Table]:
    """What *body*, an explanation, says to people: lines and tables."""
    value = "no data" if body["value"] is None else f"{body['value']} {body['unit'] or ''}".strip()
    yield escape(f"{body['part']} over {body['window']}: {value}, of {body['n']} events")
    yield escape(f"from {body['window_start']} until {body['window_end']}, version {body['version']}")
    yield escape(f"rule: {body['definition']['rule']}")
    if body["definition"]["where"]:
        yield escape(f"of {body['definition']['event_type']} where {body['definition']['where']}")
    yield escape(f"worked out: {body['arithmetic']}")
    yield escape(f"status: {body['status'].replace('_', ' ')}; {body['status_rule']}")
    if body["panes"]:
        rows = [(r["length"], r["start"], r["end"], r["panes"], r["partial"]["n"]) for r in body["panes"]]
        yield _table(("panes of", "from", "until", "with events", "events"), rows)
    if body["parts"]:
        reads = [(p["part"], "no data" if p["value"] is None else p["value"], p["n"]) for p in body["parts"]]
        yield _table(("reads", "value", "events"), reads)
    if body["events"] is not None:
        yield from _told_events(body["events"], is_right=body["reconciles"])


def _told_events(events: Mapping[str, Any], *, is_right: bool) -> Iterator[str | Table]:
    rows = [
        (e["time"], e["id"], e["source"], "" if e["value"] is None else e["value"], _place(e))
        for e in events["items"]
    ]
    yield _table(("time", "event", "source", "value", "in the log"), rows)
    counts = {**events["not_counted"], **events["set_aside"]}
    beside = [f"{counts[name]} {name.replace('_', ' ')}" for name in counts if name != "retractions"]
    yield escape(f"{events['n']} events in the log, {events['late']} late; not counted: {', '.join(beside)}")
    yield "the events come to exactly this value" if is_right else "the events do NOT come to this value"


def _place(event: Mapping[str, Any]) -> str:
    return f"{event['partition']}/{event['offset']}{' late' if event['late'] else ''}"


def _table(names: tuple[str, ...], rows: Sequence[tuple[Any, ...]]) -> Table:
    table = Table(show_header=True, box=None, pad_edge=False)
    for name in names:
        table.add_column(name)
    for row in rows:
        table.add_row(*(escape(str(cell)) for cell in row))
    return table
