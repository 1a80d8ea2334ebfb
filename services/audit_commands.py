"""`tidemark audit`: the log of changes, and whether it still says what was written."""

import asyncio
from typing import Annotated

import typer

from services.api.http.answers import ENCODER
from services.api.schemas.audits import audit_entry_body
from services.catalogue_doors import FAILED, answered, read_connection
from shared.domain.audits import Head, Recorded, head_of
from shared.storage import audit as stored_audit
from shared.storage.audit import Filters, Verdict

app = typer.Typer(no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="One JSON document for machines")]


@app.callback()
def audit() -> None:
    """Who changed definitions, keys and counts."""


@app.command(name="list")
def list_command(
    *,
    actor: Annotated[str | None, typer.Option(help="Only what was done under this name.")] = None,
    action: Annotated[str | None, typer.Option(help="Only this, such as kpi.update.")] = None,
    subject: Annotated[str | None, typer.Option(help="Only what was done to this.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="At most so many.")] = 50,
    as_json: AsJson = False,
) -> None:
    """Show the newest entries."""
    with answered(as_json=as_json):
        found = asyncio.run(_entries(Filters(actor, action, subject), limit))
        if as_json:
            typer.echo(ENCODER.encode([audit_entry_body(entry) for entry in found]).decode())
            return
        for entry in found:
            typer.echo(
                f"{entry.seq}  {entry.at:%Y-%m-%d %H:%M:%S}  {entry.actor}  {entry.action}  {entry.subject}"
                f"  {entry.detail}"
            )


@app.command()
def verify(
    *,
    head: Annotated[
        str | None,
        typer.Option(
            help="A head told earlier: find also a log that was cut short or written anew.",
            metavar="SEQ:HASH",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Recompute the chain from the first entry, and name the first that is not as it was written."""
    known = None if head is None else _head(head)
    with answered(as_json=as_json):
        verdict = asyncio.run(_verdict(known))
    if as_json:
        body = {"head": str(verdict.head), "broken": verdict.broken, "reason": verdict.reason}
        typer.echo(ENCODER.encode(body).decode())
    elif verdict.broken is None:
        typer.echo(
            f"{verdict.head.seq} entries are in order; keep this elsewhere, for --head: {verdict.head}"
        )
    else:
        typer.echo(f"entry {verdict.broken} {verdict.reason}", err=True)
    if verdict.broken is not None:
        raise typer.Exit(FAILED)


def _head(text: str) -> Head:
    try:
        return head_of(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


async def _entries(wanted: Filters, limit: int) -> list[Recorded]:
    async with read_connection() as connection:
        return await stored_audit.entries(connection, wanted, limit=limit)


async def _verdict(known: Head | None) -> Verdict:
    async with read_connection() as connection:
        return await stored_audit.verified(connection, known=known)
