"""Dead letters a page at a time, beside sorting all of them at once."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contracts.deadletters import DeadLetter, dead_letter_headers
from shared.messaging.admin import Offsets
from shared.messaging.ranges import RangeReader
from shared.messaging.records import Record
from shared.replay.letter_pages import UnknownDeadLetterError, letter_at, newest_letters
from shared.replay.letters import Choice
from tests.builders import ARecord

pytestmark = pytest.mark.asyncio


class Log:
    """A topic in memory.

    Attributes:
        read_records: how many offsets were asked for.
    """

    def __init__(self, records: Mapping[int, Sequence[Record]]) -> None:
        self._records = records
        self.read_records = 0

    async def read(self, partition: int, first_offset: int, until_offset: int) -> AsyncIterator[list[Record]]:
        """The records of that stretch, two at a time."""
        self.read_records += until_offset - first_offset
        found = [each for each in self._records[partition] if first_offset <= each.offset < until_offset]
        for place in range(0, len(found), 2):
            yield found[place : place + 2]


def a_letter(offset: int, minute: int, *, reason: str = "too_deep") -> Record:
    """A dead letter that was set aside in that minute."""
    letter = DeadLetter(
        reason, "because", "ingest", "orders", 0, offset, f"2026-11-01T10:{minute:02}:00.000000Z"
    )
    return ARecord(b"{}", offset, b"k", tuple(dead_letter_headers(letter, [], value=b"{}")))


@st.composite
def _topics(draw: st.DrawFn) -> dict[int, list[Record]]:
    """Partitions with gaps between offsets, strangers among the letters, and times that go on in each."""
    topics = {}
    for partition in range(draw(st.integers(1, 3))):
        offsets = sorted(draw(st.sets(st.integers(0, 30), max_size=12)))
        minutes = sorted(draw(st.lists(st.integers(0, 59), min_size=len(offsets), max_size=len(offsets))))
        reasons = draw(st.lists(st.sampled_from(["too_deep", "not_utf8", "stranger"]), min_size=len(offsets)))
        topics[partition] = [
            ARecord(b"?", offset) if reason == "stranger" else a_letter(offset, minute, reason=reason)
            for offset, minute, reason in zip(offsets, minutes, reasons, strict=False)
        ]
    return topics


def _offsets(topic: Mapping[int, Sequence[Record]]) -> dict[int, Offsets]:
    return {partition: Offsets(0, 31) for partition in topic}


@given(
    topic=_topics(),
    limit=st.integers(1, 5),
    most=st.integers(1, 60),
    reason=st.sampled_from(["", "too_deep"]),
)
async def test_pages_make_up_the_whole(
    topic: dict[int, list[Record]], limit: int, most: int, reason: str
) -> None:
    """However small the pages and little is read for each, together they are all letters, newest first."""
    choice = Choice(reasons=[reason] if reason else ())
    log = cast("RangeReader", Log(topic))
    pages: list[list[tuple[int, int]]] = []
    before: Mapping[int, int] = {}
    while True:
        page = await newest_letters(log, _offsets(topic), choice, before=before, limit=limit, most=most)
        assert len(page.letters) <= limit
        pages.append([(each.partition, each.offset) for each in page.letters])
        before = page.before
        if not before:
            break
    found: list[tuple[str, int, int]] = []
    for partition, records in topic.items():
        for record in records:
            told = {name: value or b"" for name, value in record.headers}
            if "tidemark-time" in told and (not reason or told["tidemark-reason"].decode() == reason):
                found.append((told["tidemark-time"].decode(), partition, record.offset))

    assert [place for page in pages for place in page] == [
        (partition, offset) for _, partition, offset in sorted(found, reverse=True)
    ]


async def test_only_what_a_page_needs() -> None:
    """The newest few of a long topic cost one stretch, not the topic."""
    log = Log({0: [a_letter(offset, 0) for offset in range(1000)]})

    page = await newest_letters(
        cast("RangeReader", log), {0: Offsets(0, 1000)}, Choice(), before={}, limit=3, most=10_000
    )

    assert [each.offset for each in page.letters] == [999, 998, 997]
    assert log.read_records <= 200


@pytest.mark.parametrize("place", [(0, 4), (0, 31), (1, 3)])
async def test_nothing_there(place: tuple[int, int]) -> None:
    """A place without a dead letter is named: a gap, the end of the topic, a partition that is not there."""
    log: Any = Log({0: [a_letter(3, 0)]})

    with pytest.raises(UnknownDeadLetterError, match=f"offset {place[1]} of partition {place[0]}"):
        await letter_at(log, {0: Offsets(0, 31)}, place)
    assert (await letter_at(log, {0: Offsets(0, 31)}, (0, 3))).record.offset == 3
