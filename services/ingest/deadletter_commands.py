"""`tidemark deadletter list|retry`: what was refused, and another try for it."""

import asyncio
import json
from collections import deque
from collections.abc import Coroutine
from dataclasses import asdict, dataclass
from typing import Annotated, TypeVar

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress
from rich.table import Table

from shared.contracts.topics import DEAD_LETTERS
from shared.domain.errors import TidemarkError
from shared.messaging.admin import topic_offsets
from shared.messaging.producer import open_producer
from shared.replay.letters import Choice, Summary, addressed, chosen_letters, send_again
from shared.runtime.settings import CommonSettings, settings_or_exit

app = typer.Typer(name="deadletter", help="Events that were refused: list, retry.", no_args_is_help=True)

_Reasons = Annotated[
    list[str] | None, typer.Option("--reason", help="Only those with this reason; repeatable.")
]
_Topics = Annotated[list[str] | None, typer.Option("--from", help="Only those from this topic; repeatable.")]
_Json = Annotated[bool, typer.Option("--json", help="JSON on standard output.")]
_T = TypeVar("_T")


@dataclass(slots=True)
class Tally:
    """What became of the dead letters that were chosen."""

    chosen: int = 0
    sent: int = 0
    truncated: int = 0


@app.command("list")
def show(
    *,
    reason: _Reasons = None,
    origin: _Topics = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="The newest so many.")] = 50,
    as_json: _Json = False,
) -> None:
    """Show dead letters with their reason and where they came from."""
    found = _run(_newest(Choice(reasons=reason or (), topics=origin or ()), limit))
    rows = [_row(summary) for summary in found]
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
    else:
        Console().print(_table(rows))


@app.command("retry")
def retry(
    *,
    reason: _Reasons = None,
    origin: _Topics = None,
    partition: Annotated[int | None, typer.Option(help="Only those of this partition.")] = None,
    offset: Annotated[list[int] | None, typer.Option(help="Only these offsets; repeatable.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="All of them.")] = False,
    topic: Annotated[str | None, typer.Option(help="Send to this topic, not where they came from.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count.")] = False,
    as_json: _Json = False,
) -> None:
    """Send dead letters again as they first arrived; the dead letters themselves stay."""
    choice = Choice(reasons=reason or (), topics=origin or (), partition=partition, offsets=offset or ())
    if choice.is_open and not everything:
        raise typer.BadParameter("name a --reason, --from, --partition or --offset, or say --all")
    tally = _run(_retried(choice, topic, dry_run=dry_run))
    if as_json:
        typer.echo(json.dumps(asdict(tally)))
    else:
        kept = f", {tally.truncated} too large to be sent again" if tally.truncated else ""
        typer.echo(f"{tally.chosen} chosen, {tally.sent} sent{kept}")


def _run(work: Coroutine[None, None, _T]) -> _T:
    try:
        return asyncio.run(work)
    except TidemarkError as error:
        typer.secho(str(error), err=True, fg="red")
        raise typer.Exit(1) from error


async def _newest(choice: Choice, limit: int) -> list[Summary]:
    newest: deque[Summary] = deque(maxlen=limit)
    async for _, letters in chosen_letters(settings_or_exit(CommonSettings).kafka_bootstrap_servers, choice):
        newest.extend(stored.summary for stored in letters)
    return list(newest)


async def _retried(choice: Choice, topic: str | None, *, dry_run: bool) -> Tally:
    servers = settings_or_exit(CommonSettings).kafka_bootstrap_servers
    tally = Tally()
    with Progress(console=Console(stderr=True), transient=True) as bars:
        offsets = await topic_offsets(servers, DEAD_LETTERS)
        bar = bars.add_task("dead letters", total=sum(at.end - at.begin for at in offsets.values()))
        async with open_producer(servers, "tidemark-retry") as producer:
            async for read, letters in chosen_letters(servers, choice):
                whole = [stored for stored in letters if not stored.is_truncated]
                tally.chosen += len(letters)
                tally.truncated += len(letters) - len(whole)
                if not dry_run:
                    as_they_were = [(stored, None) for stored in whole]
                    await send_again(producer, await addressed(servers, as_they_were, topic=topic))
                    tally.sent += len(whole)
                bars.advance(bar, read)
    return tally


def _row(summary: Summary) -> dict[str, object]:
    letter = summary.letter
    return {
        "partition": summary.partition,
        "offset": summary.offset,
        "time": letter.time,
        "reason": letter.reason,
        "detail": letter.detail,
        "service": letter.service,
        "from": f"{letter.topic}/{letter.partition}/{letter.offset}",
        "bytes": summary.size,
        "preview": summary.preview,
    }


def _table(rows: list[dict[str, object]]) -> Table:
    table = Table(title=DEAD_LETTERS)
    for column in ("offset", "time", "reason", "from", "detail", "preview"):
        table.add_column(column, overflow="fold")
    for row in rows:
        place = f"{row['partition']}/{row['offset']}"
        cells = (str(row[column]) for column in ("time", "reason", "from", "detail", "preview"))
        # Texts of senders are data: markup in them is not for this table.
        table.add_row(place, *map(escape, cells))
    return table
