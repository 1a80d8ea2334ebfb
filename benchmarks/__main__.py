"""`python -m benchmarks`: the command line around a run; it decides what is written where."""

import asyncio
import signal
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from benchmarks.cases import Scenario
from benchmarks.documents import document, encoded
from benchmarks.runs import Options, Results, options, run
from benchmarks.tables import table
from services.local.failures import LocalStackError
from shared.domain.errors import TidemarkError
from shared.observability.logging import configure_logging
from shared.runtime.clock import monotonic_s, utc_now

OUT = Path(__file__).parent / "out"

INTERRUPTED = 130
"""The exit code of a program that a signal ended before it was done."""


def main(
    scenarios: Annotated[
        list[Scenario] | None, typer.Argument(help="What is measured; all of it when nothing is named.")
    ] = None,
    *,
    quick: Annotated[bool, typer.Option("--quick", help="A minute's look: few events, one round.")] = False,
    events: Annotated[int | None, typer.Option(min=10_000, help="Events of the backlog.")] = None,
    only: Annotated[
        list[Scenario] | None, typer.Option(help="The same as a name; may be given often.")
    ] = None,
    file: Annotated[
        Path | None, typer.Option("--json", help="Where the JSON goes instead of benchmarks/out/.")
    ] = None,
) -> None:
    """Measure throughput, latency and rows written on servers of its own; a table and a JSON document."""
    configure_logging(service="benchmarks", level="warning", as_json=False)
    screen = Console(stderr=True)
    wanted = options(set([*(scenarios or ()), *(only or ())] or Scenario), events=events, quick=quick)
    try:
        results = asyncio.run(_results(wanted, screen))
    except (LocalStackError, TidemarkError, OSError) as error:
        screen.print(str(error), style="red", markup=False, highlight=False)
        raise typer.Exit(1) from error
    except (KeyboardInterrupt, asyncio.CancelledError) as stop:
        raise typer.Exit(INTERRUPTED) from stop
    found = document(results)
    place = file or OUT / f"{utc_now():%Y%m%dT%H%M%SZ}.json"
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(encoded(found))
    Console(width=None if sys.stdout.isatty() else 160).print(table(found))
    screen.print(f"written to {place}", markup=False, highlight=False)


async def _results(wanted: Options, screen: Console) -> Results:
    task = asyncio.current_task()
    if task is not None:
        # As on Ctrl-C: services and servers are stopped before the process ends.
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    began_s = monotonic_s()

    def say(line: str) -> None:
        screen.print(
            f"{monotonic_s() - began_s:6.1f} s  {line}", markup=False, highlight=False, soft_wrap=True
        )

    return await run(wanted, say=say)


if __name__ == "__main__":
    typer.run(main)
