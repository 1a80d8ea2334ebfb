"""`tidemark kpi suggest`: drafts of KPIs from what was seen of a type of events; it puts none in force."""

import asyncio
import json
from typing import Annotated

import typer

from services.catalogue_doors import answered, read_connection
from shared.domain.definitions.plans import spec_of
from shared.domain.errors import UnknownEventTypeError
from shared.domain.observations.suggestions import Suggestion, suggested, suggestions_text
from shared.storage.definitions import load_catalogue
from shared.storage.observations import seen


def suggest(
    event_type: Annotated[str, typer.Argument(help="The type of the events", metavar="TYPE")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document for machines")] = False,
) -> None:
    """Draft KPIs from what was seen of a type of events, as a KPI file with the reasons in comments."""
    with answered(as_json=as_json):
        drafts, sampled = asyncio.run(_drafts(event_type))
        if as_json:
            items = [{"why": each.why, "definition": spec_of(each.kpi)} for each in drafts]
            typer.echo(json.dumps({"type": event_type, "sampled": sampled, "items": items}))
        else:
            typer.echo(suggestions_text(drafts, sampled=sampled), nl=False)


async def _drafts(event_type: str) -> tuple[tuple[Suggestion, ...], int]:
    async with read_connection() as connection:
        found = await seen(connection, [event_type])
        declared = (await load_catalogue(connection)).event_types.get(event_type)
    if not found:
        raise UnknownEventTypeError(event_type)
    observed = found[0].observed.scrubbed(declared.personal if declared else ())
    return suggested(event_type, observed, owner=declared.owner if declared else None), observed.sampled
