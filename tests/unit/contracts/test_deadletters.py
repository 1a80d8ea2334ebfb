"""Dead letters: what they say, and that what arrived comes back as it was."""

import pytest

from shared.contracts.deadletters import (
    MAX_VALUE_BYTES,
    DeadLetter,
    dead_letter_headers,
    dead_letter_value,
    is_truncated,
    original_headers,
    read_dead_letter,
)

LETTER = DeadLetter(
    reason="malformed_json",
    detail="the JSON is malformed",
    service="ingest",
    topic="business.events",
    partition=3,
    offset=42,
    time="2026-11-01T10:15:00.000000Z",
    timestamp_ms=1_793_528_100_000,
)
HEADERS: list[tuple[str, bytes | None]] = [("ce_id", b"1"), ("ce_id", b"\xff"), ("empty", None)]


def test_round_trip() -> None:
    """What a dead letter says can be read back."""
    assert read_dead_letter(dead_letter_headers(LETTER, HEADERS, value=b"{")) == LETTER


def test_original_headers() -> None:
    """The headers of the record come back as they were: order, doubles, bytes that are no text, nulls."""
    assert original_headers(dead_letter_headers(LETTER, HEADERS, value=b"{")) == HEADERS


def test_second_refusal() -> None:
    """A dead letter that is refused again tells of the last refusal only."""
    first = dead_letter_headers(LETTER, HEADERS, value=b"{")
    again = DeadLetter("not_utf8", "no text", "ingest", "business.events", 0, 7, LETTER.time)

    assert read_dead_letter(dead_letter_headers(again, first, value=b"{")) == again


@pytest.mark.parametrize("step", [-1, 0, 1])
def test_truncation(step: int) -> None:
    """A value that is too large even for dead letters is kept in its beginning and marked."""
    value = b"x" * (MAX_VALUE_BYTES + step)
    kept = dead_letter_value(value)

    assert kept == value[:MAX_VALUE_BYTES]
    assert is_truncated(dead_letter_headers(LETTER, [], value=value)) == (step > 0)


def test_no_value() -> None:
    """A record without a value stays without one."""
    assert dead_letter_value(None) is None


@pytest.mark.parametrize("headers", [[], [("tidemark-reason", b"x")], [("tidemark-partition", b"x")]])
def test_strangers(headers: list[tuple[str, bytes | None]]) -> None:
    """A record that is no dead letter of ours is told apart."""
    assert read_dead_letter(headers) is None
