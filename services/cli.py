"""The command `tidemark`: it names the commands and imports only the one that is called."""

import importlib
import importlib.metadata
import sys
from collections.abc import Mapping
from typing import Annotated, Any

import typer

COMMANDS: Mapping[str, tuple[str, str]] = {
    "annotate": ("services.annotate_commands:annotate", "Say something about KPIs at a time."),
    "demo": ("services.local.demo.command:demo", "Real departures through Kafka to values and an alert."),
    "serve": ("services.serve_commands:serve", "Run a service: ingest, compute or api."),
}
"""Name of each plain command, the function it runs, and its line of help."""

GROUPS: Mapping[str, tuple[str, str]] = {
    "local": ("services.local.commands:app", "A local Postgres and Kafka: up, down, status."),
    "kpi": ("services.catalogue:app", "KPI files: lint, plan, apply, show, export, lineage."),
    "events": ("services.event_commands:app", "Events as they arrive: the types that were seen."),
    "backfill": ("services.backfill_commands:app", "KPIs counted again from the event log."),
    "value": ("services.explain_commands:app", "Values of KPIs: once, as they change, and why."),
    "deadletter": ("services.ingest.deadletter_commands:app", "Events that were refused: list, retry."),
    "audit": ("services.audit_commands:app", "Who changed what: list, verify."),
    "key": ("services.key_commands:app", "API keys: create, list, rotate, revoke."),
    "db": ("services.db_commands:app", "The database's schema."),
}
"""Name of each group of commands, its typer app, and its line of help."""


def app() -> None:
    """Run the command line."""
    arguments = sys.argv[1:]
    build(called=next((name for name in arguments if name in COMMANDS or name in GROUPS), None))()


def build(*, called: str | None) -> typer.Typer:
    """The whole command with *called* loaded; the others stand in with a name and a line of help."""
    root = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
    root.callback()(tidemark)
    for name, (place, summary) in COMMANDS.items():
        root.command(name, help=None if name == called else summary)(_loaded(place, wanted=name == called))
    for name, (place, summary) in GROUPS.items():
        root.add_typer(_loaded(place, wanted=True) if name == called else _empty(), name=name, help=summary)
    return root


def _loaded(place: str, *, wanted: bool) -> Any:
    if not wanted:
        return _stand_in
    module, _, attribute = place.partition(":")
    return getattr(importlib.import_module(module), attribute)


def _stand_in() -> None:
    """Never called: it is only listed."""


def _empty() -> typer.Typer:
    group = typer.Typer()
    group.command("list")(_stand_in)
    return group


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(importlib.metadata.version("tidemark"))
        raise typer.Exit


def tidemark(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """KPIs from events: exact rolling windows, targets and alerts."""
