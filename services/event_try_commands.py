"""`tidemark events try`: what the API says one event would do; it asks the API only."""

import sys
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import httpx2
import typer

from services.catalogue_tables import plain, print_table, table_of
from services.value_commands import DECODER, ApiError, answer_body, credentials, unreachable

_KIND = {"content-type": "application/cloudevents+json"}

REFUSED = 3
"""Exit status: the event would be refused."""

_WORDS = {
    "counted": "it would be counted",
    "rejected": "it would be refused",
    "duplicate": "it would count nothing: it has come before",
    "cancelled": "it would count nothing: it was retracted before it came",
    "undoes": "it would take back an event that counts",
    "waits": "nobody remembers its event: the log would be searched for it",
}


def try_event(
    file: Annotated[
        Path,
        typer.Argument(help="A CloudEvent in JSON; - is standard input", metavar="FILE", allow_dash=True),
    ],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document for machines")] = False,
    api: Annotated[
        str, typer.Option(envvar="TIDEMARK_API_URL", help="Where the API is.")
    ] = "http://127.0.0.1:8080",
) -> None:
    """Say what one event would do if it were sent now: which values it would move, and by how much."""
    try:
        value = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        raise typer.BadParameter(f"{file} cannot be read: {error.strerror}") from error
    with httpx2.Client(base_url=api, headers=credentials(), timeout=30.0, trust_env=False) as client:
        try:
            found = tried(client, value)
        except ApiError as error:
            typer.echo(str(error), err=True)
            raise typer.Exit(1) from error
    body = DECODER.decode(found)
    if as_json:
        typer.echo(found.decode())
    else:
        _show(body)
    if body["outcome"] == "rejected":
        raise typer.Exit(REFUSED)


def tried(client: httpx2.Client, value: bytes) -> bytes:
    """The API's answer to the event in *value*.

    Raises:
        ApiError: it has none, or is not there.
    """
    try:
        answer = client.post("/v1/events/dry-run", content=value, headers=_KIND)
    except httpx2.TransportError as error:
        raise ApiError(unreachable(client, error)) from error
    return answer_body(answer)


def _show(body: Mapping[str, Any]) -> None:
    words = _WORDS[body["outcome"]] + (", late" if body["late"] else "")
    reason = f" ({body['reason']}): {body['detail']}" if body["reason"] else ""
    # Echoed as it is, without markup: a detail may quote the event.
    typer.echo(plain(words + reason).replace("\\[", "["))
    if body["moves"]:
        table = table_of("KPI", "Window", "Series", "Now", "Would be", "Events", "")
        for move in body["moves"]:
            series = ", ".join(f"{name}={text or ''}" for name, text in move["dimensions"].items())
            events = f"{move['n_before']} -> {move['n_after']}"
            table.add_row(
                plain(move["kpi"]), move["window"], plain(series), _text(move["before"]),
                "?" if move["recounted"] else _text(move["after"]), events, plain("; ".join(_notes(move))),
            )  # fmt: skip
        print_table(table)
    elif body["outcome"] == "counted":
        typer.echo("no value of now would move")
    if body["left_out"]:
        typer.echo(f"and up to {body['left_out']} more series of formulas with total()")


def _text(value: Decimal | int | None) -> str:
    return "no data" if value is None else f"{value}"


def _notes(move: Mapping[str, Any]) -> Iterator[str]:
    if move["revises"]:
        yield "revises a complete value"
    if move["recounted"]:
        yield "the log tells what is left"
    for each in move["alerts"]:
        yield f"{each['rule']} would {'hold' if each['after'] else 'no longer hold'}"
