"""The record of `tidemark.deadletter`: what arrived, unchanged, with the reason in headers beside its own."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

HEADER_PREFIX = "tidemark-"
"""Headers that begin so belong to the dead letter; all others came with the original record."""

MAX_VALUE_BYTES = 8 * 1024 * 1024
"""Of a larger value only the beginning is kept, and its length goes into the header tidemark-truncated."""

MAX_MESSAGE_BYTES = 10 * 1024 * 1024
"""The max.message.bytes of the topic: the largest value and generous headers."""

Headers = Sequence[tuple[str, bytes | None]]


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """Why and from where a record was set aside.

    Attributes:
        reason: a word of `shared.domain.events.Reason`, or of another service.
        detail: a sentence for people.
        service: who set it aside.
        topic: where the record came from, with *partition* and *offset*.
        time: when it was set aside, in UTC with six digits.
        timestamp_ms: the timestamp of the record, which is the time of an event that names none.
    """

    reason: str
    detail: str
    service: str
    topic: str
    partition: int
    offset: int
    time: str
    timestamp_ms: int | None = None


def dead_letter_headers(
    letter: DeadLetter, original: Iterable[tuple[str, bytes | None]], *, value: bytes | None
) -> list[tuple[str, bytes | None]]:
    """The headers of a dead letter: those of the record it was made of, then our own."""
    headers = [*original_headers(original)]
    for name, text in (
        ("reason", letter.reason),
        ("detail", letter.detail),
        ("service", letter.service),
        ("topic", letter.topic),
        ("partition", str(letter.partition)),
        ("offset", str(letter.offset)),
        ("time", letter.time),
    ):
        headers.append((HEADER_PREFIX + name, text.encode(errors="replace")))
    if letter.timestamp_ms is not None:
        headers.append((HEADER_PREFIX + "timestamp", str(letter.timestamp_ms).encode()))
    if value is not None and len(value) > MAX_VALUE_BYTES:
        headers.append((HEADER_PREFIX + "truncated", str(len(value)).encode()))
    return headers


def dead_letter_value(value: bytes | None) -> bytes | None:
    """The value of a dead letter: the original's, or the beginning of one that is too large."""
    return value if value is None else value[:MAX_VALUE_BYTES]


def original_headers(headers: Iterable[tuple[str, bytes | None]]) -> list[tuple[str, bytes | None]]:
    """The headers that came with the original record, in their order."""
    return [(name, value) for name, value in headers if not name.startswith(HEADER_PREFIX)]


def read_dead_letter(headers: Iterable[tuple[str, bytes | None]]) -> DeadLetter | None:
    """What the headers of a dead letter say; None when they are not ours."""
    found = {
        name.removeprefix(HEADER_PREFIX): (value or b"").decode(errors="replace")
        for name, value in headers
        if name.startswith(HEADER_PREFIX)
    }
    try:
        return DeadLetter(
            reason=found["reason"],
            detail=found["detail"],
            service=found["service"],
            topic=found["topic"],
            partition=int(found["partition"]),
            offset=int(found["offset"]),
            time=found["time"],
            timestamp_ms=int(found["timestamp"]) if "timestamp" in found else None,
        )
    except (KeyError, ValueError):
        return None


def is_truncated(headers: Iterable[tuple[str, bytes | None]]) -> bool:
    """Whether only the beginning of the original value was kept."""
    return any(name == HEADER_PREFIX + "truncated" for name, _ in headers)
