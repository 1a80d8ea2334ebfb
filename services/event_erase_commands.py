"""`tidemark events erase`: what was counted of a subject's events is taken back, and said what is left."""

import asyncio
import hashlib
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress

from services.catalogue_doors import answered, opened_database
from services.key_commands import operator
from shared.contracts.topics import DEAD_LETTERS, EVENTS
from shared.messaging.admin import partition_counts, topic_offsets, topic_retention
from shared.messaging.producer import open_producer
from shared.replay.erasing import Found, Search, retractions_of, searched, take_back
from shared.runtime.clock import epoch_us
from shared.runtime.settings import CommonSettings, settings_or_exit
from shared.storage import audit
from shared.storage.definitions import load_catalogue
from shared.storage.engine import reading, transaction
from shared.storage.erasures import Breakdown, already_retracted, named_series


@dataclass(frozen=True, slots=True)
class Erasure:
    """What was found, and what was done.

    Attributes:
        events: how many events of the subject the log holds, copies once.
        taken_back: how many were taken back by this call.
        bytes_until: when the last of their records leaves the log; None: never, or there is none.
        letters_until: the same of dead letters, which nobody can search for a subject.
        named: breakdowns whose series are told apart by the subject's name.
    """

    events: int
    taken_back: int
    bytes_until: datetime | None
    letters_until: datetime | None
    named: Sequence[Breakdown]

    def plain(self) -> dict[str, Any]:
        """The same for machines."""
        return {
            "events": self.events,
            "taken_back": self.taken_back,
            "bytes_until": _text(self.bytes_until),
            "dead_letters_until": _text(self.letters_until),
            "named_series": [{"kpi": one.slug, "breakdown": list(one.names)} for one in self.named],
        }


def erase(
    *,
    subject: Annotated[str, typer.Option(help="Whose events: the attribute subject.")],
    source: Annotated[str | None, typer.Option(help="Only events of this source.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only look.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document for machines")] = False,
) -> None:
    """Take back every event of a subject: all numbers are as if it had never been there."""
    if not (dry_run or yes) and (as_json or not Console().is_terminal):
        raise typer.BadParameter("nobody can be asked here: say --yes to take events back, or --dry-run")
    with answered(as_json=as_json):
        found = asyncio.run(_erased(Search(subject, source), is_wanted=_asked(yes=yes, dry_run=dry_run)))
    if as_json:
        typer.echo(json.dumps(found.plain()))
    else:
        typer.echo("\n".join(_sentences(found)))


def _asked(*, yes: bool, dry_run: bool) -> Any:
    def is_wanted(count: int) -> bool:
        if dry_run or not count:
            return False
        return yes or typer.confirm(f"Take {count:,} events back? They count nowhere any more.", abort=True)

    return is_wanted


async def _erased(search: Search, *, is_wanted: Any) -> Erasure:
    servers = settings_or_exit(CommonSettings).kafka_bootstrap_servers
    async with opened_database() as engine:
        with Progress(console=Console(stderr=True), transient=True) as bars:
            offsets = await topic_offsets(servers, EVENTS)
            bar = bars.add_task("looking", total=sum(at.end - at.begin for at in offsets.values()))
            await searched(servers, EVENTS, search, on_read=lambda count: bars.advance(bar, count))
        async with reading(engine) as connection:
            gone = await already_retracted(connection, search.events)
            named = await named_series(connection, await load_catalogue(connection), search.subject)
        waiting = [event for key, event in search.events.items() if key not in gone]
        is_done = is_wanted(len(waiting))
        if is_done:
            await _take_back(servers, waiting)
            async with transaction(engine) as connection:
                await audit.record(connection, _entry(search, len(waiting)))
    return Erasure(
        events=len(search.events),
        taken_back=len(waiting) if is_done else 0,
        bytes_until=await _kept_until(servers, search.events.values()),
        letters_until=await _from_now(servers, DEAD_LETTERS),
        named=named,
    )


async def _take_back(servers: str, events: Collection[Found]) -> None:
    partitions = (await partition_counts(servers, [EVENTS]))[EVENTS]
    records = retractions_of(events, partitions=partitions, now_us=epoch_us())
    with Progress(console=Console(stderr=True), transient=True) as bars:
        bar = bars.add_task("taking back", total=len(records))
        async with open_producer(servers, "tidemark-erase") as producer:
            await take_back(producer, EVENTS, records, on_sent=lambda count: bars.advance(bar, count))


def _entry(search: Search, count: int) -> audit.Entry:
    """What the audit log keeps: never the name itself, which is to be forgotten."""
    digest = hashlib.blake2b(search.subject.encode(), digest_size=8).hexdigest()
    return audit.Entry(
        actor=operator(),
        action="events.erase",
        subject=f"subject:{digest}",
        detail={"events": count, "source": search.source},
    )


async def _kept_until(servers: str, events: Collection[Found]) -> datetime | None:
    kept = await topic_retention(servers, EVENTS)
    if kept is None or not events:
        return None
    newest_ms = max(event.timestamp_ms for event in events)
    return datetime.fromtimestamp(newest_ms / 1000, UTC) + kept


async def _from_now(servers: str, topic: str) -> datetime | None:
    kept = await topic_retention(servers, topic)
    return None if kept is None else datetime.fromtimestamp(epoch_us() / 1e6, UTC) + kept


def _sentences(found: Erasure) -> list[str]:
    said = [f"{found.events:,} events found, {found.taken_back:,} taken back"]
    if found.events:
        when = _text(found.bytes_until) or "never, by the settings of the topic"
        said.append(f"their records leave {EVENTS} by its retention: {when}")
    if found.letters_until is not None:
        said.append(
            f"refused events cannot be searched; those of today leave on {found.letters_until:%Y-%m-%d}"
        )
    said += [
        f"{one.slug} is kept by {', '.join(one.names)}, and has a series of this name" for one in found.named
    ]
    return said


def _text(at: datetime | None) -> str | None:
    return None if at is None else at.replace(microsecond=0).isoformat().replace("+00:00", "Z")
