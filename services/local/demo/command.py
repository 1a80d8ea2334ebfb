"""`tidemark demo`: the command line around the demo; it decides what is printed where."""

import asyncio
import sys
from typing import Annotated

import typer
from rich.console import Console

from services.local.demo.boards import boards, reasons
from services.local.demo.reports import Outcome, differences, document, summary
from services.local.demo.run import Options, Stage, run
from services.local.demo.screens import Screen
from services.local.demo.shop import DAYS
from services.local.failures import LocalStackError
from shared.domain.errors import TidemarkError
from shared.observability.logging import configure_logging
from shared.runtime.lifecycle import stop_on_signals

INTERRUPTED = 130
"""The exit code of a program that Ctrl-C ended before it was done."""


def demo(
    *,
    once: Annotated[bool, typer.Option("--once", help="End when the values are judged.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON document as the last line of standard output.")
    ] = False,
    last: Annotated[
        int | None, typer.Option("--events", min=1000, help="Only so many flights, the last of the year.")
    ] = None,
    days: Annotated[
        int, typer.Option("--days", min=1, max=DAYS, help="Only so many days of the shop, the last ones.")
    ] = DAYS,
    keep: Annotated[
        bool, typer.Option("--keep", help="Leave Kafka and PostgreSQL running at the end.")
    ] = False,
) -> None:
    """Real departures through Kafka to values, an alert and the addresses to look at."""
    configure_logging(service="demo", level="warning", as_json=False)
    options = Options(last=last, days=days, keeps_servers=keep)
    try:
        outcome = asyncio.run(_until_told(options, once=once, as_json=as_json))
    except (LocalStackError, TidemarkError, OSError) as error:
        typer.secho(str(error), err=True, fg="red")
        raise typer.Exit(1) from error
    if outcome is None:
        raise typer.Exit(INTERRUPTED)
    if outcome.complaints():
        raise typer.Exit(1)


async def _until_told(options: Options, *, once: bool, as_json: bool) -> Outcome | None:
    """The outcome; None when SIGINT or SIGTERM came before there was one."""
    screen = Screen()
    shown: list[Outcome] = []

    def show(stage: Stage, outcome: Outcome) -> None:
        shown.append(outcome)
        _print(outcome, screen, as_json=as_json)
        if not once:
            screen.say(_hints(stage))

    async with stop_on_signals() as stopping:
        work = asyncio.create_task(run(options, screen=screen, show=show, stay=None if once else stopping))
        stop = asyncio.create_task(stopping.wait())
        await asyncio.wait([work, stop], return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            screen.say("stopping")
            if not shown:
                work.cancel()
        stop.cancel()
        outcomes = await asyncio.gather(work, stop, return_exceptions=True)
    ended = outcomes[0]
    if isinstance(ended, asyncio.CancelledError) and stopping.is_set():
        return None
    if isinstance(ended, BaseException):
        raise ended
    return ended


def _print(outcome: Outcome, screen: Screen, *, as_json: bool) -> None:
    out = screen.console if as_json else Console()
    if not all(one.equal for one in outcome.judged):
        out.print(differences(outcome))
    for board in boards(outcome.checked):
        out.print(board)
        out.print()
    for reason in reasons(outcome.checked):
        out.print(reason, highlight=False, markup=False)
    out.print()
    out.print(summary(outcome), highlight=False, markup=False, soft_wrap=True)
    for complaint in outcome.complaints():
        screen.console.print(complaint, style="bold red", markup=False)
    if as_json:
        sys.stdout.write(document(outcome) + "\n")
        sys.stdout.flush()


def _hints(stage: Stage) -> str:
    """Where to look while everything is up."""
    api = stage.url("api")
    return (
        f"\nThe services stay up until Ctrl-C:\n"
        f"  curl '{api}/v1/kpis/on_time_share/value?window=24h&carrier=UA'\n"
        f"  curl '{api}/v1/kpis/departures/history?window=24h'\n"
        f"  curl -N '{api}/v1/stream'\n"
        f"  curl {api}/v1/alerts\n"
        f"  curl {api}/metrics    also {stage.url('ingest')}/metrics and {stage.url('compute')}/metrics\n"
        f"Kafka is at {stage.addresses.kafka_bootstrap_servers}. To point psql or any tidemark command at"
        f" its servers:\n  source {stage.places.stack / 'env'}\n"
    )
