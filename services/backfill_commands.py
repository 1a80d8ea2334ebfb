"""`tidemark backfill`: KPIs counted again from the event log; compute does it, these order and watch."""

import asyncio
from collections.abc import Mapping
from typing import Annotated, Any

import typer
from sqlalchemy.ext.asyncio import AsyncConnection
from typer.core import TyperGroup

from services import backfill_answers as answers
from services.backfill_following import followed
from services.catalogue_doors import FAILED, answered, read_connection, write_connection
from services.key_commands import operator
from shared.runtime.clock import utc_now
from shared.storage import audit
from shared.storage.audit import Entry
from shared.storage.backfill_orders import order_rebuild
from shared.storage.backfill_reports import BackfillReport, backfill_report, backfill_reports
from shared.storage.backfills import BackfillState, resume
from shared.storage.definition_audits import call_off

INTERRUPTED = 130
"""Exit status of a command that Ctrl-C ended before it was done."""


class StartsByDefault(TyperGroup):
    """Commands of which `start` need not be named: `tidemark backfill revenue` begins one."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put `start` before what is no command."""
        if args and args[0] not in self.commands and args[0] != "--help":
            args = ["start", *args]
        return list(super().parse_args(ctx, args))


app = typer.Typer(cls=StartsByDefault, no_args_is_help=True)

Number = Annotated[int, typer.Argument(help="The number of the backfill.", metavar="BACKFILL")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document for machines")]
Rate = Annotated[
    int | None,
    typer.Option(min=1, help="Events a second at most, of all processes together.", metavar="EVENTS/S"),
]
Wait = Annotated[
    bool,
    typer.Option(
        "--wait",
        "--follow",
        help="Stay until it is over, with a bar on a terminal; Ctrl-C only stops looking.",
    ),
]


@app.callback()
def backfill() -> None:
    """KPIs counted again from the event log, while what is in force is served on."""


@app.command()
def start(
    slugs: Annotated[list[str], typer.Argument(help="KPIs in force.", metavar="SLUG")],
    *,
    rate: Rate = None,
    wait: Wait = False,
    as_json: AsJson = False,
) -> None:
    """Count KPIs in force once more from the beginning of the log; the new counts then replace the old."""
    with answered(as_json=as_json):
        number = asyncio.run(_ordered(slugs, rate))
        tell(number, wait=wait, as_json=as_json)


@app.command(name="list")
def list_command(*, as_json: AsJson = False) -> None:
    """The newest backfills."""
    with answered(as_json=as_json):
        answers.show_backfills(asyncio.run(_all()), as_json=as_json)


@app.command()
def show(number: Number, *, wait: Wait = False, as_json: AsJson = False) -> None:
    """How one backfill stands."""
    with answered(as_json=as_json):
        if wait:
            tell(number, wait=True, as_json=as_json)
        else:
            answers.show_backfill(asyncio.run(_one(number)), as_json=as_json)


@app.command(name="cancel")
def cancel_command(number: Number, *, as_json: AsJson = False) -> None:
    """Call a backfill off; what is in force stays, and what it has counted is deleted."""
    with answered(as_json=as_json):
        asyncio.run(_cancelled(number))
        answers.show_backfill(asyncio.run(_one(number)), as_json=as_json)


@app.command(name="resume")
def resume_command(number: Number, *, rate: Rate = None, wait: Wait = False, as_json: AsJson = False) -> None:
    """Let a failed backfill go on, over whatever has been put in force meanwhile."""
    with answered(as_json=as_json):
        asyncio.run(_resumed(number, rate))
        tell(number, wait=wait, as_json=as_json)


def tell(number: int, *, wait: bool, as_json: bool) -> None:
    """Say that a backfill has begun, or with *wait* how it has ended.

    Raises:
        typer.Exit: it has not ended well, or was not waited for to the end.
    """
    if not wait:
        answers.show_started(asyncio.run(_one(number)), as_json=as_json)
        return
    try:
        report = asyncio.run(followed(number))
    except KeyboardInterrupt:
        typer.echo(f"backfill {number} goes on: tidemark backfill show {number}", err=True)
        raise typer.Exit(INTERRUPTED) from None
    answers.show_backfill(report, as_json=as_json)
    if report.state is not BackfillState.DONE:
        raise typer.Exit(FAILED)


async def _ordered(slugs: list[str], rate: int | None) -> int:
    async with write_connection() as connection:
        number = await order_rebuild(connection, slugs, utc_now(), rate_limit=rate)
        await _told(connection, "order", number, {"kpis": slugs, "rate": rate})
        return number


async def _all() -> list[BackfillReport]:
    async with read_connection() as connection:
        return await backfill_reports(connection)


async def _one(number: int) -> BackfillReport:
    async with read_connection() as connection:
        return await backfill_report(connection, number)


async def _cancelled(number: int) -> None:
    async with write_connection() as connection:
        await call_off(connection, operator(), number, utc_now())


async def _resumed(number: int, rate: int | None) -> None:
    async with write_connection() as connection:
        await resume(connection, number, rate_limit=rate)
        await _told(connection, "resume", number, {"rate": rate})


async def _told(connection: AsyncConnection, verb: str, number: int, detail: Mapping[str, Any]) -> None:
    """Let the audit log know, in the transaction of the change."""
    await audit.record(connection, Entry(operator(), f"backfill.{verb}", str(number), detail))
