"""`tidemark key`: API keys, straight on the database; whoever may write there makes the first one."""

import asyncio
import getpass
import re
from datetime import datetime, timedelta
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from services.api.http.answers import ENCODER
from services.api.schemas.keys import key_body, made_body
from services.catalogue_doors import answered, read_connection, write_connection
from shared.domain.access import Limits, Scope
from shared.domain.access.keys import Key, Wish
from shared.runtime.clock import utc_now
from shared.storage import keys as stored_keys
from shared.storage.keys import Made

app = typer.Typer(no_args_is_help=True)

_UNITS = {"m": "minutes", "h": "hours", "d": "days"}

KeyId = Annotated[str, typer.Argument(help="The id of the key.", metavar="ID")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document for machines")]


def operator() -> str:
    """Under which name the log has what is done at this command line."""
    return f"cli:{getpass.getuser()}"


def length_of(text: str) -> timedelta:
    """The length that *text* stands for, such as 90d.

    Raises:
        typer.BadParameter: it is none.
    """
    match = re.fullmatch(r"([0-9]{1,6})([mhd])", text)
    if match is None:
        raise typer.BadParameter("write a length such as 30m, 12h or 90d")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


@app.callback()
def key() -> None:
    """API keys: make, list, rotate and revoke them."""


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="What or whom it is for.")],
    *,
    scope: Annotated[list[Scope], typer.Option(help="What it may do; may be given often.")],
    department: Annotated[
        list[str] | None, typer.Option(help="See only KPIs of this department; may be given often.")
    ] = None,
    kpi: Annotated[list[str] | None, typer.Option(help="See only this KPI; may be given often.")] = None,
    valid_for: Annotated[
        str, typer.Option(help="How long it is accepted: 30m, 12h, 90d.", metavar="LENGTH")
    ] = "90d",
    as_json: AsJson = False,
) -> None:
    """Make a key and print it, this once: on standard output nothing else, for a file or a secret store."""
    lives = length_of(valid_for)
    with answered(as_json=as_json):
        limits = Limits(frozenset(department) if department else None, frozenset(kpi) if kpi else None)
        wish = Wish(name, frozenset(scope), limits, lives)
        _tell_made(asyncio.run(_made(wish)), as_json=as_json)


@app.command(name="list")
def list_command(*, as_json: AsJson = False) -> None:
    """Show every key, revoked and expired ones too; no secret is kept that could be shown."""
    with answered(as_json=as_json):
        found, now = asyncio.run(_all()), utc_now()
        if as_json:
            typer.echo(ENCODER.encode([key_body(each, now=now) for each in found]).decode())
        else:
            _show(found, now)


@app.command()
def rotate(
    key_id: KeyId,
    *,
    overlap: Annotated[
        str, typer.Option(help="How long the old secret is accepted: 0m, 12h, 7d at most.", metavar="LENGTH")
    ] = "24h",
    as_json: AsJson = False,
) -> None:
    """Give a key a new secret and print it, this once."""
    length = length_of(overlap)
    with answered(as_json=as_json):
        _tell_made(asyncio.run(_rotated(key_id, length)), as_json=as_json)


@app.command()
def revoke(key_id: KeyId, *, as_json: AsJson = False) -> None:
    """End a key for good: within 5 s nobody accepts it."""
    with answered(as_json=as_json):
        ended = asyncio.run(_revoked(key_id))
        if as_json:
            typer.echo(ENCODER.encode(key_body(ended, now=utc_now())).decode())
        else:
            typer.echo(f"key {ended.key_id} ({ended.name}) is revoked")


def _tell_made(made: Made, *, as_json: bool) -> None:
    if as_json:
        typer.echo(ENCODER.encode(made_body(made, now=utc_now())).decode())
        return
    ends = f"{made.key.expires_at:%Y-%m-%d %H:%M} UTC"
    typer.echo(f"key {made.key.key_id} ({made.key.name}) until {ends}; it is told this once:", err=True)
    typer.echo(made.token)


def _show(found: list[Key], now: datetime) -> None:
    table = Table(box=None)
    table.add_column("ID", no_wrap=True)
    for heading in ("Name", "Scopes", "Sees", "State", "Expires", "Last used"):
        table.add_column(heading)
    for each in found:
        body = key_body(each, now=now)
        seen = [*(body.departments or []), *(body.kpis or [])]
        used = "never" if each.last_used_at is None else f"{each.last_used_at:%Y-%m-%d %H:%M}"
        table.add_row(
            each.key_id, each.name, " ".join(body.scopes), " ".join(seen) or "everything", body.state,
            f"{each.expires_at:%Y-%m-%d}", used,
        )  # fmt: skip
    Console().print(table)


async def _made(wish: Wish) -> Made:
    async with write_connection() as connection:
        return await stored_keys.make(connection, wish, by=operator(), now=utc_now())


async def _all() -> list[Key]:
    async with read_connection() as connection:
        return await stored_keys.keys(connection, limit=10_000)


async def _rotated(key_id: str, overlap: timedelta) -> Made:
    async with write_connection() as connection:
        return await stored_keys.rotate(connection, key_id, overlap=overlap, by=operator(), now=utc_now())


async def _revoked(key_id: str) -> Key:
    async with write_connection() as connection:
        return await stored_keys.revoke(connection, key_id, by=operator(), now=utc_now())
