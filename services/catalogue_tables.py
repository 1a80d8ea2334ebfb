"""Tables for people at a terminal, and texts that are shown as they are; they know no definition."""

import sys

from rich.console import Console
from rich.table import Table


def plain(text: str) -> str:
    """*text* with nothing in it that the terminal would take for markup or control it by."""
    shown = "".join(character if character.isprintable() or character == "\n" else "�" for character in text)
    return shown.replace("[", r"\[")


def table_of(*columns: str) -> Table:
    """An empty table with these *columns*."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def print_table(table: Table) -> None:
    """Show *table*, in full where nobody looks."""
    Console(soft_wrap=not sys.stdout.isatty()).print(table)
