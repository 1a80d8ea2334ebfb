"""What the demo shows while it works: lines and two progress bars on standard error; it knows no result."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn


@dataclass(frozen=True, slots=True)
class Bars:
    """Where to tell how far sending and counting are."""

    on_sent: Callable[[int], None]
    on_counted: Callable[[int], None]


class Screen:
    """Standard error, for people; standard output stays free for the result."""

    def __init__(self) -> None:
        self.console = Console(stderr=True)

    def say(self, line: str) -> None:
        """Show one line."""
        self.console.print(line, highlight=False, markup=False, soft_wrap=True)

    @contextlib.contextmanager
    def bars(self, total: int) -> Iterator[Bars]:
        """Two bars up to *total*, on a terminal moving and elsewhere drawn once at the end."""
        columns = (
            TextColumn("{task.description:>9}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        with Progress(*columns, console=self.console) as progress:
            sent = progress.add_task("produced", total=total)
            counted = progress.add_task("counted", total=total)
            yield Bars(
                on_sent=lambda count: progress.update(sent, completed=count),
                on_counted=lambda count: progress.update(counted, completed=count),
            )
