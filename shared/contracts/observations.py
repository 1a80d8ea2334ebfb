"""What ingest has seen of an event type, as bytes for Kafka and for a database, and back."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec
import numpy as np

from shared.contracts.sketches import counts_body, registers_body, sketch_of
from shared.domain.aggregates import Kind
from shared.domain.observations.fields import ObservedField
from shared.domain.observations.types import Observed, Violation
from shared.domain.sketches.counts import Counts
from shared.domain.sketches.distinct import Distinct, distinct

OTHERS = ""
"""Stands for all the types that there was no room to tell apart; no event has an empty type."""


class FieldRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """An `ObservedField`; *sketch* is the body of its distinct values, or empty where it is kept apart."""

    present: int
    types: dict[str, int]
    examples: list[Any] = []
    low: Decimal | None = None
    high: Decimal | None = None
    decimals: int = 0
    personal: bool = False
    sketch: bytes = b""


class ViolationRecord(msgspec.Struct, frozen=True):
    """How often one place of an event broke one rule."""

    field: str
    rule: str
    events: int


class ObservationRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one process saw of one type between two reports.

    Attributes:
        until_us: when it was told, microseconds since 1970-01-01T00:00:00Z by the clock of ingest.
    """

    type: str
    until_us: int
    events: int = 0
    sampled: int = 0
    flagged: int = 0
    rejected: int = 0
    fields: dict[str, FieldRecord] = {}
    has_more_fields: bool = False
    violations: list[ViolationRecord] = []

    def observed(self) -> Observed:
        """What it says, without its type and time."""
        return Observed(
            events=self.events,
            sampled=self.sampled,
            flagged=self.flagged,
            rejected=self.rejected,
            fields={path: field_of(record) for path, record in self.fields.items()},
            has_more_fields=self.has_more_fields,
            violations=violations_of(self.violations),
        )


_encoder = msgspec.json.Encoder(decimal_format="number")
_observations = msgspec.json.Decoder(ObservationRecord, float_hook=Decimal)
_fields = msgspec.json.Decoder(dict[str, FieldRecord], float_hook=Decimal)
_violations = msgspec.json.Decoder(list[ViolationRecord])


def encode_observation(event_type: str, observed: Observed, *, until_us: int) -> bytes:
    """The value of the record that tells what was *observed* of *event_type* up to *until_us*."""
    return _encoder.encode(
        ObservationRecord(
            type=event_type,
            until_us=until_us,
            events=observed.events,
            sampled=observed.sampled,
            flagged=observed.flagged,
            rejected=observed.rejected,
            fields={
                path: field_record(each, sketch=sketch_body(each.distinct))
                for path, each in observed.fields.items()
            },
            has_more_fields=observed.has_more_fields,
            violations=_violation_records(observed.violations),
        )
    )


def read_observation(value: bytes | None) -> ObservationRecord | None:
    """The record with that *value*; None if it is none, as when another release wrote it."""
    try:
        return _observations.decode(value or b"")
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


def fields_text(fields: Mapping[str, ObservedField]) -> str:
    """*fields* as JSON, their sketches left out."""
    return _encoder.encode({path: field_record(each) for path, each in fields.items()}).decode()


def fields_of(text: str, sketches: Mapping[str, bytes]) -> dict[str, ObservedField]:
    """The fields that *text* tells of, by path, with the *sketches* kept apart from it."""
    records = _fields.decode(text)
    return {path: field_of(record, sketches.get(path, b"")) for path, record in records.items()}


def violations_text(violations: Mapping[Violation, int]) -> str:
    """*violations* as JSON."""
    return _encoder.encode(_violation_records(violations)).decode()


def violations_in(text: str) -> dict[Violation, int]:
    """The violations that *text* tells of."""
    return violations_of(_violations.decode(text))


def violations_of(records: list[ViolationRecord]) -> dict[Violation, int]:
    """How often each violation was met."""
    return {Violation(record.field, record.rule): record.events for record in records}


def field_record(field: ObservedField, *, sketch: bytes = b"") -> FieldRecord:
    """*field* as a record."""
    return FieldRecord(
        present=field.present,
        types=dict(field.types),
        examples=list(field.examples),
        low=field.low,
        high=field.high,
        decimals=field.decimals,
        personal=field.is_personal,
        sketch=sketch,
    )


def field_of(record: FieldRecord, sketch: bytes = b"") -> ObservedField:
    """The field that *record* tells of; its sketch may come apart from it."""
    return ObservedField(
        present=record.present,
        types=record.types,
        examples=tuple(record.examples),
        low=record.low,
        high=record.high,
        decimals=record.decimals,
        distinct=_distinct_of(record.sketch or sketch),
        is_personal=record.personal,
    )


def sketch_body(found: Distinct) -> bytes:
    """The body of *found*; empty of nothing. How often each value was met is not kept."""
    if found.registers is not None:
        return registers_body(found.registers)
    if not len(found.hashes):
        return b""
    once = Counts(found.hashes.items, np.ones(len(found.hashes), dtype=np.int64))
    return counts_body(once, Kind.DISTINCT)


def _distinct_of(body: bytes) -> Distinct:
    if not body:
        return Distinct()
    found = sketch_of(body)
    if isinstance(found, Counts):
        return distinct(found.total, found, None)
    return Distinct(registers=found)


def _violation_records(violations: Mapping[Violation, int]) -> list[ViolationRecord]:
    return [ViolationRecord(found.field, found.rule, count) for found, count in violations.items()]
