"""Dead letters for an operator: which are meant, what is shown, what is sent again."""

from typing import Any

import pytest

from services.ingest.judging import Rules, judge
from shared.contracts.deadletters import read_dead_letter
from shared.contracts.rfc3339 import us_of_text
from shared.messaging.producer import Outgoing
from shared.messaging.records import TopicPartition
from shared.replay.letters import PREVIEW_CHARACTERS, Choice, StoredLetter
from tests.builders import CLOUDEVENT, ARecord

RULES = Rules({}, partitions=4, now_us=us_of_text("2026-11-01T10:20:00.000000Z"))


def a_letter(value: bytes | None = b"no json", *, partition: int = 0, offset: int = 5) -> StoredLetter:
    """A dead letter made of a record in partition 3 of `orders`."""
    (sent,) = judge(TopicPartition("orders", 3), [ARecord(value, 42, b"k")], RULES).dead
    letter = read_dead_letter(sent.headers)
    assert letter is not None
    return StoredLetter(partition, ARecord(sent.value, offset, sent.key, tuple(sent.headers)), letter)


@pytest.mark.parametrize(
    ("choice", "meant"),
    [
        (Choice(), True),
        (Choice(reasons=["malformed_json"]), True),
        (Choice(reasons=["not_utf8", "too_deep"]), False),
        (Choice(topics=["orders"]), True),
        (Choice(topics=["other"]), False),
        (Choice(partition=0, offsets=[4, 5]), True),
        (Choice(partition=1, offsets=[5]), False),
        (Choice(offsets=[6]), False),
        (Choice(reasons=["malformed_json"], topics=["other"]), False),
    ],
)
def test_choice(choice: Choice, *, meant: bool) -> None:
    """Every part of a choice narrows it; an empty part leaves it open."""
    assert choice.means(a_letter()) is meant


@pytest.mark.parametrize(
    ("topic", "partitions", "expected"),
    [
        (None, {"orders": 4}, ("orders", 3)),
        (None, {"orders": 2}, ("orders", None)),
        ("other", {"other": 4}, ("other", None)),
    ],
    ids=["same", "fewer partitions", "elsewhere"],
)
def test_original(topic: str | None, partitions: dict[str, int], expected: tuple[str, int | None]) -> None:
    """What is sent again is the record as it first arrived, where it first arrived if that is still there."""
    target, record = a_letter().original(partitions, topic)

    assert (target, record.partition) == expected
    assert record == Outgoing(
        b"no json", b"k", record.partition, [CLOUDEVENT], timestamp_ms=ARecord(None).timestamp
    )


@pytest.mark.parametrize(
    ("value", "preview"),
    [
        (b"abc", "abc"),
        (b"\x1b[2J\r\n\x00", "·[2J···"),
        ("é".encode() * 1000, "é" * PREVIEW_CHARACTERS),
        (b"\xff", "\ufffd"),
        (None, None),
    ],
)
def test_preview(value: bytes | None, preview: Any) -> None:
    """What a sender wrote is shown as text that cannot move a terminal's cursor."""
    assert a_letter(value).summary.preview == preview


def test_no_value() -> None:
    """A letter without a value says so rather than nothing."""
    summary = a_letter(None).summary

    assert (summary.letter.reason, summary.size, summary.preview) == ("empty_record", None, None)


def test_mended() -> None:
    """A mended value takes the place of the one that was refused; everything else stays as it arrived."""
    letter = a_letter()

    _, as_it_was = letter.original({"orders": 4}, None)
    _, mended = letter.original({"orders": 4}, None, mended=b"{}")

    assert (mended.value, mended.key, mended.partition) == (b"{}", as_it_was.key, as_it_was.partition)
    assert (mended.headers, mended.timestamp_ms) == (as_it_was.headers, as_it_was.timestamp_ms)
