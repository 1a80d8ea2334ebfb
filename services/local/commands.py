"""`tidemark local up|down|status`: the local stack on the command line; it does no work of its own."""

import asyncio
import json
from collections.abc import Coroutine
from typing import Annotated, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from services.local import stack
from services.local.failures import LocalStackError
from services.local.state import exports
from services.local.status import ServerState, ServerStatus, StackStatus, status
from shared.runtime.local_addresses import default_home

app = typer.Typer(
    name="local", help="A real Kafka and a real PostgreSQL on this machine.", no_args_is_help=True
)

_Json = Annotated[bool, typer.Option("--json", help="One JSON document instead of a table.")]
_Erase = Annotated[bool, typer.Option("--erase", help="Remove the data as well, for good.")]
_T = TypeVar("_T")


@app.command("up")
def up() -> None:
    """Start Kafka and PostgreSQL on loopback, or whichever of them does not run yet."""
    home = default_home()
    addresses = _run(stack.up(home, progress=_say))
    typer.echo(f"# Kept in {home / 'env'}; commands started in this directory find the servers without it.")
    typer.echo(exports(addresses), nl=False)


@app.command("down")
def down(*, erase: _Erase = False) -> None:
    """Stop Kafka and PostgreSQL; their data stays unless it is to be erased."""
    home = default_home()
    _run(stack.erase(home, progress=_say) if erase else stack.down(home, progress=_say))
    _say("the local stack is down" + (" and its data is gone" if erase else ""))


@app.command("status")
def show(*, as_json: _Json = False) -> None:
    """Show how both servers are; the exit code is 1 when one of them does not run."""
    found = _run(status(default_home()))
    if as_json:
        typer.echo(json.dumps(_document(found)))
    else:
        Console().print(_table(found))
    if any(server.state in (ServerState.STOPPED, ServerState.NOT_ANSWERING) for server in _servers(found)):
        raise typer.Exit(1)


def _run(work: Coroutine[None, None, _T]) -> _T:
    try:
        return asyncio.run(work)
    except (LocalStackError, OSError) as error:
        typer.secho(str(error), err=True, fg="red")
        raise typer.Exit(1) from error


def _say(line: str) -> None:
    typer.echo(line, err=True)


def _servers(found: StackStatus) -> tuple[ServerStatus, ServerStatus]:
    return (found.kafka, found.postgres)


def _document(found: StackStatus) -> dict[str, object]:
    return {"home": str(found.home)} | {
        server.name: {
            "state": server.state.value,
            "address": server.address,
            "pid": server.pid,
            "log": None if server.log is None else str(server.log),
        }
        for server in _servers(found)
    }


def _table(found: StackStatus) -> Table:
    table = Table(title=f"Local stack in {found.home}")
    for column in ("server", "state", "address", "pid", "log"):
        table.add_column(column, overflow="fold")
    for server in _servers(found):
        table.add_row(
            server.name,
            server.state.value.replace("_", " "),
            server.address or "",
            str(server.pid or ""),
            str(server.log or ""),
        )
    return table
