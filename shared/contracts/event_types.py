"""What is declared of an event type, as bytes for Kafka, and back."""

from typing import Any, Literal

import msgspec

from shared.domain.definitions.event_types import EventType


class EventTypeRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What ingest needs to know of a type.

    Attributes:
        schema: what its data must keep to; None asks nothing.
        on_violation: what becomes of an event that does not.
        personal: fields that are masked.
    """

    type: str
    schema: dict[str, Any] | None
    on_violation: Literal["reject", "flag"]
    personal: list[str]


# Members in one order, so that equal declarations have equal bytes.
_encoder = msgspec.json.Encoder(order="deterministic")
_decoder = msgspec.json.Decoder(EventTypeRecord)


def encode_event_type(declared: EventType) -> bytes:
    """The value of the record that tells of *declared*; equal declarations have equal ones."""
    return _encoder.encode(
        EventTypeRecord(
            type=declared.type,
            schema=declared.json_schema,
            on_violation=declared.on_violation.value,
            personal=list(declared.personal),
        )
    )


def read_event_type(value: bytes) -> EventTypeRecord | None:
    """The record with that *value*; None if it is none, as when another release wrote it."""
    try:
        return _decoder.decode(value)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
