"""Whether every number in a house is right: values, current values, ledger, positions and dead letters."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from sqlalchemy import text

from shared.contracts.deadletters import read_dead_letter
from shared.contracts.topics import DEAD_LETTERS, EVENTS
from shared.messaging.admin import topic_offsets
from shared.messaging.reader import read_topic
from shared.runtime.clock import utc_now
from shared.storage.definitions import load_catalogue
from shared.storage.engine import reading
from shared.storage.ledger import Ledger
from tests.acceptance.members import until
from tests.acceptance.rig import SOURCES, House
from tests.oracle import Oracle, Record
from tests.oracle.__main__ import read_topics
from tests.oracle.events import events
from tests.shop.judging import KPI_FILE, current_values, differing, everything
from tests.shop.logs import ShopLog

AGES = (
    timedelta(0),
    timedelta(seconds=95),
    timedelta(minutes=50),
    timedelta(hours=6),
    timedelta(days=2, hours=5),
    timedelta(days=20),
)
"""How long ago the instants are at which values are compared: one in the midst of each grain."""


async def judge(house: House, log: ShopLog, *, made_at: datetime) -> Ledger:
    """Wait until all of *log* is counted, see that every number is right, and tell the ledger.

    Args:
        house: where it was sent.
        log: everything that was sent there.
        made_at: when the log was made, against which ages are judged.
    """
    await house.is_drained()
    records = await read_topics(house.kafka, list(SOURCES))
    oracle = await asyncio.to_thread(_oracle, records, made_at)
    await _values_are_right(house, oracle)
    await _current_values_are_right(house, oracle)
    await _positions_have_no_gaps(house)
    found = await house.ledger()

    applied = log.events + log.retracted
    expected = Ledger(found.consumed, applied, found.consumed - applied, 0)
    letters = await dead_letters(house)

    counting = len(events(records, ingested_at=made_at))
    assert counting == log.events - log.retracted, "the oracle counts other events than sent"
    assert found == expected, f"the ledger is {found} and should be {expected}"
    assert letters == log.reasons, f"more {letters - log.reasons}, missing {log.reasons - letters}"
    return found


def _oracle(records: list[Record], made_at: datetime) -> Oracle:
    return Oracle(KPI_FILE.read_text(encoding="utf-8"), records, ingested_at=made_at)


async def _values_are_right(house: House, oracle: Oracle) -> None:
    async with reading(house.engine) as connection:
        catalogue, now = await load_catalogue(connection), utc_now()
        instants = [now - age for age in AGES]
        told = await everything(connection, catalogue, oracle, instants=instants, now=now)
    _none(await asyncio.to_thread(differing, oracle, told, now=now))


async def _current_values_are_right(house: House, oracle: Oracle) -> None:
    """They follow by themselves what was counted, within a few rounds of the refresher."""

    async def wrong() -> list[str]:
        async with reading(house.engine) as connection:
            missing, told = await current_values(connection, await load_catalogue(connection), oracle)
        return missing + await asyncio.to_thread(differing, oracle, told)

    async def all_right() -> bool:
        return not await wrong()

    try:
        await until(all_right, what="current values right", within_s=40, every_s=1)
    except AssertionError:
        _none(await wrong())


def _none(wrong: Sequence[str]) -> None:
    assert not wrong, "\n".join([f"{len(wrong)} values are wrong", *wrong[:20]])


async def _positions_have_no_gaps(house: House) -> None:
    """The spans of the flushes lie end to end from the first offset to the last, each id in one of them."""
    async with reading(house.engine) as connection:
        rows = (
            await connection.execute(
                text("SELECT partition, first_offset, next_offset, ids FROM flushes ORDER BY 1, 3")
            )
        ).all()
    for partition, offsets in (await topic_offsets(house.kafka, EVENTS)).items():
        spans = [(row.first_offset, row.next_offset) for row in rows if row.partition == partition]
        assert (offsets.begin, offsets.end) == (spans[0][0], spans[-1][1]), (
            f"partition {partition}: {offsets}"
        )
        gaps = [(a, b) for a, b in pairwise(spans) if a[1] != b[0]]
        assert not gaps, f"partition {partition}: {gaps}"
    ids = b"".join(row.ids for row in rows)
    digests = {ids[start : start + 16] for start in range(0, len(ids), 16)}
    assert len(digests) * 16 == len(ids), f"{len(ids) // 16 - len(digests)} ids were seen first twice"


async def dead_letters(house: House) -> Counter[str]:
    """The reasons of the dead letters, one for each record they are about."""
    reasons: dict[tuple[str, int, int], str] = {}
    async for batch in read_topic(house.kafka, DEAD_LETTERS):
        for record in (record for records in batch.values() for record in records):
            letter = read_dead_letter(record.headers)
            assert letter is not None
            reasons[letter.topic, letter.partition, letter.offset] = letter.reason
    return Counter(reasons.values())
