"""The clean record of `tidemark.events`, as ingest writes it and everybody else reads it."""

from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from shared.contracts.express import ProvenEvent
from shared.contracts.rfc3339 import times_us, us_of_text
from shared.domain.events import event_key

__all__ = [
    "CLEAN_HEADERS",
    "CleanEvent",
    "clean_decoder",
    "clean_key",
    "encode_clean",
    "times_us",
    "us_of_text",
]

CLEAN_HEADERS: list[tuple[str, bytes | None]] = [("content-type", b"application/cloudevents+json")]
"""Every clean record carries these, so that any CloudEvents reader takes it as structured mode."""


class CleanEvent(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    gc=False,
    omit_defaults=True,
    tag_field="specversion",
    tag="1.0",
):
    """An event that keeps every rule.

    Attributes:
        time: UTC with six digits, always 27 characters; `times_us` reads many at once.
        retracts: the id of the event of the same source that this one undoes.
        data: its members as sent; numbers that are not integers are decimals, or floats that say the same.
    """

    id: str
    source: str
    type: str
    time: str
    subject: str | None = None
    retracts: str | None = None
    data: dict[str, Any]


_encoder = msgspec.json.Encoder(decimal_format="number")

SURE_CHARACTERS = 16
"""A literal of at most 15 digits is what its nearest float prints; a point or sign may come with them."""


def _number(literal: str) -> float | Decimal:
    if len(literal) <= SURE_CHARACTERS:
        return float(literal)
    try:
        return Decimal(literal)
    except InvalidOperation as error:
        # No record of ingest holds one; the decoder makes a refusal of this error and of no other.
        raise ValueError(f"the exponent of {literal[:64]} is beyond every decimal") from error


clean_decoder = msgspec.json.Decoder(CleanEvent, float_hook=_number)
"""Reads one clean record; a number that a float might not hold as it was written becomes a decimal."""


def encode_clean(event: CleanEvent | ProvenEvent) -> bytes:
    """The value of the clean record of *event*: a compact structured CloudEvent, fields in a fixed order."""
    return _encoder.encode(event)


def clean_key(event: CleanEvent | ProvenEvent) -> bytes:
    """The key of the clean record: a retraction has that of the event it retracts."""
    return event_key(event.source, event.retracts or event.id)
