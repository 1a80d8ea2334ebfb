"""The audit log on a real Postgres: in the change's transaction, in one chain, and what tampering leaves."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.domain.audits import Head, link
from shared.storage import audit
from shared.storage.audit import Entry, Filters, Verdict
from shared.storage.engine import open_engine, reading, transaction

pytestmark = pytest.mark.asyncio

WRITTEN = [
    Entry("cli:ops", "kpi.create", "revenue", {"version": 1}),
    Entry("key:1:board", "kpi.update", "revenue", {"version": 2, "old": "é", "new": None}),
    Entry("key:1:board", "key.revoke", "2", {}),
]


@pytest_asyncio.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    """A pool on a database whose log has three entries."""
    opened = open_engine(database_url, application_name="tests")
    for entry in WRITTEN:
        async with transaction(opened) as connection:
            await audit.record(connection, entry)
    yield opened
    await opened.dispose()


async def _verdict(engine: AsyncEngine, known: Head | None = None) -> Verdict:
    async with reading(engine) as connection:
        return await audit.verified(connection, known=known)


async def _head(engine: AsyncEngine) -> Head:
    async with reading(engine) as connection:
        return await audit.head(connection)


async def _tamper(engine: AsyncEngine, *statements: str) -> None:
    """What an owner of the table can do."""
    async with transaction(engine) as connection:
        await connection.execute(text("ALTER TABLE audit DISABLE TRIGGER ALL"))
        for statement in statements:
            await connection.execute(text(statement))
        await connection.execute(text("ALTER TABLE audit ENABLE TRIGGER ALL"))


async def test_in_order(engine: AsyncEngine) -> None:
    """What was written is read newest first, and the chain holds up to the head."""
    async with reading(engine) as connection:
        found = await audit.entries(connection, Filters())
        head = await audit.head(connection)

    assert [(e.seq, e.actor, e.action, e.subject) for e in found] == [
        (3 - place, e.actor, e.action, e.subject) for place, e in enumerate(reversed(WRITTEN))
    ]
    assert found[1].detail == '{"new":null,"old":"é","version":2}'
    assert head == Head(3, found[0].hash)
    assert await _verdict(engine, head) == Verdict(head)


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        (Filters(actor="key:1:board"), [3, 2]),
        (Filters(action="kpi.update"), [2]),
        (Filters(subject="revenue", actor="cli:ops"), [1]),
        (Filters(subject="nothing"), []),
    ],
    ids=["actor", "action", "both", "none"],
)
async def test_filters(engine: AsyncEngine, wanted: Filters, numbers: list[int]) -> None:
    """Only entries that fit everything asked for are told."""
    async with reading(engine) as connection:
        found = await audit.entries(connection, wanted)

    assert [entry.seq for entry in found] == numbers


async def test_one_with_the_change(engine: AsyncEngine) -> None:
    """A change that is rolled back leaves no entry and no gap."""

    async def fails() -> None:
        async with transaction(engine) as connection:
            await audit.record(connection, Entry("cli:ops", "kpi.retire", "revenue", {}))
            raise LookupError

    with pytest.raises(LookupError):
        await fails()

    assert (await _head(engine)).seq == 3
    assert (await _verdict(engine)).broken is None


async def test_many_at_once(engine: AsyncEngine) -> None:
    """Writers at the same time queue for one chain."""

    async def write(number: int) -> None:
        async with transaction(engine) as connection:
            await audit.record(connection, Entry("cli:ops", "kpi.update", f"kpi_{number}", {}))

    await asyncio.gather(*map(write, range(20)))
    verdict = await _verdict(engine)

    assert (verdict.head.seq, verdict.broken) == (23, None)


@pytest.mark.parametrize(
    "change", ["UPDATE audit SET actor = 'me'", "DELETE FROM audit", "TRUNCATE audit"], ids=str.split
)
async def test_only_added_to(engine: AsyncEngine, change: str) -> None:
    """The table refuses to be changed, shortened or emptied."""
    with pytest.raises(DBAPIError, match="only added to"):
        async with engine.begin() as connection:
            await connection.execute(text(change))


@pytest.mark.parametrize(
    ("statement", "broken"),
    [
        ("UPDATE audit SET actor = 'cli:somebody' WHERE seq = 2", 2),
        ("UPDATE audit SET at = at - interval '1 microsecond' WHERE seq = 1", 1),
        ("UPDATE audit SET action = action || subject, subject = '' WHERE seq = 3", 3),
        ("UPDATE audit SET detail = '{}' WHERE seq = 2", 2),
        ("UPDATE audit SET hash = sha256('x') WHERE seq = 2", 2),
        ("DELETE FROM audit WHERE seq = 1", 1),
        ("DELETE FROM audit WHERE seq = 2", 2),
        ("DELETE FROM audit WHERE seq = 3", 3),
        ("DELETE FROM audit", 1),
    ],
    ids=["actor", "time", "moved text", "detail", "hash", "first gone", "middle gone", "last gone", "all"],
)
async def test_tampering_is_found(engine: AsyncEngine, statement: str, broken: int) -> None:
    """Whoever gets past the trigger is found out, and the first entry concerned is named."""
    await _tamper(engine, statement)

    assert (await _verdict(engine)).broken == broken


async def test_an_entry_with_a_hash_of_its_own(engine: AsyncEngine) -> None:
    """Who rewrites an entry and its hash has not rewritten what follows: the next one is found not to fit."""
    async with reading(engine) as connection:
        _, second, first = await audit.entries(connection, Filters())
    forged = replace(second, actor="cli:somebody")
    digest = link(first.hash, forged).hex()
    await _tamper(
        engine, f"UPDATE audit SET actor = 'cli:somebody', hash = decode('{digest}', 'hex') WHERE seq = 2"
    )

    assert (await _verdict(engine)).broken == 3


async def test_a_log_cut_short(engine: AsyncEngine) -> None:
    """Who cuts entries off and sets the head back passes the chain, and not the head told earlier."""
    told = await _head(engine)
    await _tamper(
        engine,
        "DELETE FROM audit WHERE seq = 3",
        "UPDATE audit_head SET seq = 2, hash = (SELECT hash FROM audit WHERE seq = 2)",
    )

    assert (await _verdict(engine)).broken is None
    assert (await _verdict(engine, told)).broken == 3


async def test_a_log_written_anew(engine: AsyncEngine) -> None:
    """Who writes another whole chain passes the chain, and not the head told earlier."""
    told = await _head(engine)
    await _tamper(
        engine, "DELETE FROM audit", "UPDATE audit_head SET seq = 0, hash = decode(repeat('00', 32), 'hex')"
    )
    others: list[Any] = [*WRITTEN[:2], Entry("key:1:board", "key.revoke", "3", {}), WRITTEN[0]]
    for entry in others:
        async with transaction(engine) as connection:
            await audit.record(connection, entry)

    assert (await _verdict(engine)).broken is None
    assert (await _verdict(engine, told)).broken == 3
