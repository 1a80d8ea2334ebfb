"""`tidemark events`: the types of events that were seen, as a person or a program reads them."""

import asyncio
import json
from decimal import Decimal
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from services.catalogue_doors import answered, read_connection
from services.event_erase_commands import erase
from services.event_try_commands import try_event
from shared.domain.errors import UnknownEventTypeError
from shared.domain.observations.fields import ObservedField
from shared.domain.observations.rates import Rates
from shared.runtime.clock import utc_now
from shared.storage.observations import SeenType, no_rates, rates, seen

app = typer.Typer(no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="One JSON document for machines")]


@app.callback()
def events() -> None:
    """Events: the types that were seen, what one would do, and how those of a person are taken back."""


app.command(name="try")(try_event)
app.command(name="erase")(erase)


@app.command()
def types(
    event_type: Annotated[
        str | None, typer.Argument(help="One type with its fields; without it, all types", metavar="TYPE")
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Show the types of events that were seen, how often they come, and what they are made of."""
    with answered(as_json=as_json):
        found = asyncio.run(_seen(event_type))
        if event_type is not None and not found:
            raise UnknownEventTypeError(event_type)
        if as_json:
            typer.echo(
                json.dumps([_plain(each, lately, whole=event_type is not None) for each, lately in found])
            )
        elif event_type is None:
            Console().print(_types_table(found))
        else:
            Console().print(_fields_table(found[0][0]))


async def _seen(event_type: str | None) -> list[tuple[SeenType, Rates]]:
    now = utc_now()
    async with read_connection() as connection:
        found = await seen(connection, None if event_type is None else [event_type])
        lately = await rates(connection, now=now)
    return [(each, lately.get(each.event_type, no_rates(now))) for each in found]


def _types_table(found: list[tuple[SeenType, Rates]]) -> Table:
    table = _table(
        "type", "events", "last minute", "last hour", "last day", "flagged", "rejected", "last seen"
    )
    for each, lately in found:
        numbers = [each.observed.events, *(lately[name].events for name in ("minute", "hour", "day"))]
        cells = [f"{number:,}" for number in (*numbers, each.observed.flagged, each.observed.rejected)]
        table.add_row(_safe(each.event_type), *cells, f"{each.last_seen_at:%Y-%m-%d %H:%M:%S}Z")
    return table


def _fields_table(found: SeenType) -> Table:
    table = _table("field", "in", "types", "different", "from", "to", "examples")
    for path, each in sorted(found.observed.fields.items()):
        share = f"{100 * each.present / max(found.observed.sampled, 1):.0f} %"
        distinct = "personal" if each.is_personal else f"{each.distinct.count:,}"
        ends = ["" if end is None else str(end) for end in (each.low, each.high)]
        examples = ", ".join(str(example) for example in each.examples)
        table.add_row(path, share, ", ".join(each.types), distinct, *ends, _safe(examples))
    if found.observed.has_more_fields:
        table.add_row("...")
    return table


def _table(*names: str) -> Table:
    table = Table(show_header=True, box=None, pad_edge=False)
    for name in names:
        table.add_column(name)
    return table


def _safe(text: str) -> str:
    """*text* without what could move the cursor, or be taken for markup."""
    shown = "".join(character if character.isprintable() else "·" for character in text)
    return shown.replace("[", "\\[")


def _plain(found: SeenType, lately: Rates, *, whole: bool) -> dict[str, Any]:
    observed = found.observed
    head = {
        "type": found.event_type,
        "events": observed.events,
        "flagged": observed.flagged,
        "rejected": observed.rejected,
        "rates": {
            name: {"events": each.events, "since": each.since.isoformat()} for name, each in lately.items()
        },
        "first_seen_at": found.first_seen_at.isoformat(),
        "last_seen_at": found.last_seen_at.isoformat(),
    }
    if not whole:
        return head
    violations = [{**key._asdict(), "events": count} for key, count in observed.violations.items()]
    return {
        **head,
        "sampled": observed.sampled,
        "fields": [_plain_field(path, each) for path, each in sorted(observed.fields.items())],
        "has_more_fields": observed.has_more_fields,
        "violations": violations,
    }


def _plain_field(path: str, field: ObservedField) -> dict[str, Any]:
    """A field; decimals are texts, so that no program makes binary fractions of them."""
    return {
        "path": path,
        "present": field.present,
        "types": dict(field.types),
        "examples": [str(each) if isinstance(each, Decimal) else each for each in field.examples],
        "min": None if field.low is None else str(field.low),
        "max": None if field.high is None else str(field.high),
        "decimals": field.decimals,
        "distinct": None if field.is_personal else field.distinct.count,
        "personal": field.is_personal,
    }
