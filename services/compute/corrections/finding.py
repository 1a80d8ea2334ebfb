"""Where the events lie that were retracted: near where they are remembered, or anywhere before."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass

import asyncpg

from services.compute.backfill.reading import Log
from shared.contracts.events import CleanEvent
from shared.domain.errors import LogLostError
from shared.messaging.records import Record
from shared.replay.decoding import event_of
from shared.storage import flushes
from shared.storage.retractions import Sought

NEAR = 2000
"""Retractions whose events lie within so many records are looked up in one go: that costs less than two."""


@dataclass(frozen=True, slots=True)
class Found:
    """A retraction and the event that it undoes."""

    sought: Sought
    offset: int
    event: CleanEvent


Rest = Callable[[], Awaitable[None]]
"""Called after some records were looked at, before more are."""


async def near(connection: asyncpg.Connection, log: Log, sought: Sequence[Sought]) -> list[Found]:
    """The events of *sought*, of one partition, that lie in the flush they are remembered in.

    Raises:
        BrokerUnavailableError: Kafka did not answer.
    """
    found: list[Found] = []
    for group, until_offset in await _groups(connection, sought):
        first = group[0].lies_from or 0
        try:
            found += await _first_of_each(connection, log, group, (first, until_offset), rest=None)
        except LogLostError:
            # It will be looked for in what is left of the log.
            continue
    return found


async def anywhere(
    connection: asyncpg.Connection, log: Log, sought: Sequence[Sought], *, begin: int, rest: Rest
) -> list[Found]:
    """The events of *sought*, of one partition, that lie in its log before their retractions.

    One way through the log finds all of them; values are left alone until a key fits.

    Raises:
        BrokerUnavailableError: Kafka did not answer.
        LogLostError: the log began to end while it was read; ask where it begins, and try again.
    """
    until_offset = max(one.offset for one in sought)
    return await _first_of_each(connection, log, sought, (begin, until_offset), rest=rest)


async def _groups(connection: asyncpg.Connection, sought: Sequence[Sought]) -> list[tuple[list[Sought], int]]:
    """*sought* by where they are remembered, together where that is near, and where to stop looking."""
    groups: list[tuple[list[Sought], int]] = []
    for one in sorted(sought, key=lambda one: one.lies_from or 0):
        place = one.lies_from or 0
        flush = await flushes.around(connection, one.partition, place)
        until_offset = one.offset if flush is None else min(flush.next_offset, one.offset)
        if groups and place - (groups[-1][0][-1].lies_from or 0) <= NEAR:
            groups[-1] = ([*groups[-1][0], one], max(groups[-1][1], until_offset))
        else:
            groups.append(([one], until_offset))
    return groups


async def _first_of_each(
    connection: asyncpg.Connection, log: Log, sought: Sequence[Sought], within: tuple[int, int],
    *, rest: Rest | None,
) -> list[Found]:  # fmt: skip
    """The first record of each key within two offsets that counted when it was passed."""
    left = {one.key: one for one in sought}
    found: list[Found] = []
    async with aclosing(_of_keys(log, left, (sought[0].partition, *within), rest)) as records:
        async for record in records:
            one = left.get(record.key or b"")
            event = None if one is None else await _counted(connection, one, record)
            if one is not None and event is not None:
                found.append(Found(one, record.offset, event))
                del left[one.key]
            if not left:
                break
    return found


async def _counted(connection: asyncpg.Connection, one: Sought, record: Record) -> CleanEvent | None:
    """The event in *record* if it is the one that is sought, and if it counted when it was passed."""
    if record.offset >= one.offset:
        return None
    flush = await flushes.around(connection, one.partition, record.offset)
    event = event_of(record.value or b"")
    is_event = event is not None and event.retracts is None
    return event if is_event and flush is not None and not flush.is_silent else None


async def _of_keys(
    log: Log, keys: Mapping[bytes, object], span: tuple[int, int, int], rest: Rest | None
) -> AsyncGenerator[Record]:
    """The records of *span*, a partition and two offsets, whose key is among *keys* at the time."""
    async for records in log.read(*span):
        for record in await asyncio.to_thread(_matching, records, frozenset(keys)):
            yield record
        if rest is not None:
            await rest()


def _matching(records: Sequence[Record], keys: frozenset[bytes]) -> list[Record]:
    return [record for record in records if record.key in keys]
