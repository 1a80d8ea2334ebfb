"""Events and records with defaults, so that a test names only what it is about."""

import json
from dataclasses import dataclass
from typing import Any

from shared.contracts.events import CleanEvent

CLOUDEVENT = ("content-type", b"application/cloudevents+json")


def an_event(**changes: Any) -> CleanEvent:
    """A clean event: a departure at a quarter past ten."""
    fields: dict[str, Any] = {
        "id": "AA1",
        "source": "/flights",
        "type": "flight.departed",
        "time": "2026-11-01T10:15:00.000000Z",
        "data": {"carrier": "AA", "delay": 5},
    }
    return CleanEvent(**(fields | changes))


def an_envelope(**changes: Any) -> dict[str, Any]:
    """The same event as its sender writes it; a change to None leaves the attribute out."""
    fields: dict[str, Any] = {
        "specversion": "1.0",
        "id": "AA1",
        "source": "/flights",
        "type": "flight.departed",
        "time": "2026-11-01T10:15:00Z",
        "data": {"carrier": "AA", "delay": 5},
    }
    return {name: value for name, value in (fields | changes).items() if value is not None}


def structured(**changes: Any) -> bytes:
    """The same event as the bytes of a structured CloudEvent."""
    return json.dumps(an_envelope(**changes)).encode()


@dataclass(frozen=True, slots=True)
class ARecord:
    """A record as it lies in Kafka."""

    value: bytes | None
    offset: int = 0
    key: bytes | None = None
    headers: tuple[tuple[str, bytes | None], ...] = (CLOUDEVENT,)
    timestamp: int = 1_793_528_100_000
