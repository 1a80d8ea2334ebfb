"""The audit log: written in the transaction of the change it tells of, chained, never changed.

Functions take the connection and never commit.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.domain.audits import START, Entry, Head, Recorded, detail_text, flaw, link
from shared.storage.tables import audit, audit_head

__all__ = ["Entry", "Filters", "Verdict", "entries", "head", "record", "verified"]

_PAGE = 1000
"""Entries read at a time while the chain is checked: some 300 KiB."""


async def record(conn: AsyncConnection, entry: Entry) -> None:
    """Add *entry* to the log, as part of the caller's transaction.

    Other writers wait from here to the end of the transaction: record last, after the change itself, so that
    locks are always taken in this order.
    """
    query = select(audit_head.c.seq, audit_head.c.hash, func.clock_timestamp().label("at")).with_for_update()
    before = (await conn.execute(query)).one()
    unlinked = Recorded(
        seq=before.seq + 1,
        at=before.at,
        actor=entry.actor,
        action=entry.action,
        subject=entry.subject,
        detail=detail_text(entry.detail),
        hash=START,
    )
    digest = link(before.hash, unlinked)
    await conn.execute(insert(audit).values(_row(unlinked) | {"hash": digest}))
    await conn.execute(update(audit_head).values(seq=unlinked.seq, hash=digest))


def _row(entry: Recorded) -> dict[str, Any]:
    return {
        "seq": entry.seq,
        "at": entry.at,
        "actor": entry.actor,
        "action": entry.action,
        "subject": entry.subject,
        "detail": entry.detail,
        "hash": entry.hash,
    }


async def head(conn: AsyncConnection) -> Head:
    """The newest entry, as its writer left it."""
    row = (await conn.execute(select(audit_head.c.seq, audit_head.c.hash))).one()
    return Head(row.seq, row.hash)


@dataclass(frozen=True, slots=True)
class Filters:
    """Which entries are wanted: those that fit all that is given."""

    actor: str | None = None
    action: str | None = None
    subject: str | None = None
    since: datetime | None = None
    until: datetime | None = None


async def entries(
    conn: AsyncConnection, wanted: Filters, *, before: int | None = None, limit: int = 100
) -> list[Recorded]:
    """At most *limit* of the *wanted* entries, the newest first, numbered below *before*."""
    query = _narrowed(_ALL, wanted).order_by(audit.c.seq.desc()).limit(limit)
    if before is not None:
        query = query.where(audit.c.seq < before)
    return [Recorded(*row) for row in await conn.execute(query)]


_ALL = select(
    audit.c.seq, audit.c.at, audit.c.actor, audit.c.action, audit.c.subject, audit.c.detail, audit.c.hash
)


def _narrowed(query: Select[Any], wanted: Filters) -> Select[Any]:
    for column, value in (
        (audit.c.actor, wanted.actor),
        (audit.c.action, wanted.action),
        (audit.c.subject, wanted.subject),
    ):
        if value is not None:
            query = query.where(column == value)
    if wanted.since is not None:
        query = query.where(audit.c.at >= wanted.since)
    if wanted.until is not None:
        query = query.where(audit.c.at < wanted.until)
    return query


@dataclass(frozen=True, slots=True)
class Verdict:
    """What checking the log came to.

    Attributes:
        head: the last entry up to which everything is in order.
        broken: the number of the first entry that is not, or that is missing; None: all are in order.
        reason: what is wrong with it; empty where nothing is.
    """

    head: Head
    broken: int | None = None
    reason: str = ""


async def verified(conn: AsyncConnection, *, known: Head | None = None) -> Verdict:
    """Whether the whole log says what was written, from the first entry to the newest.

    Args:
        conn: with one snapshot for all that is read.
        known: a head told earlier, which the log has to lead through. Without one, somebody who can write
            both tables can cut entries off the end, or write the whole chain anew, unnoticed.
    """
    reached = Head(0, START)
    async for entry in _in_order(conn):
        wrong = flaw(reached, entry)
        if wrong is not None:
            return Verdict(reached, reached.seq + 1, wrong)
        reached = Head(entry.seq, entry.hash)
        if known is not None and known.seq == reached.seq and known.hash != reached.hash:
            return Verdict(reached, entry.seq, "is not the one that was the newest once: the log is another")
    newest = await head(conn)
    if newest != reached:
        return Verdict(reached, reached.seq + 1, f"is missing: the log once went up to entry {newest.seq}")
    if known is not None and known.seq > reached.seq:
        return Verdict(reached, reached.seq + 1, f"is missing: the log was known up to entry {known.seq}")
    return Verdict(reached)


async def _in_order(conn: AsyncConnection) -> AsyncIterator[Recorded]:
    seen = 0
    while page := (
        await conn.execute(_ALL.where(audit.c.seq > seen).order_by(audit.c.seq).limit(_PAGE))
    ).all():
        for row in page:
            yield Recorded(*row)
        seen = page[-1].seq
