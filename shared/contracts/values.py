"""Current values as records of the topic of values; no transport.

One key is one series of a KPI over one window. Its last record is its value now; a record without a value
says that the series is no more. Fields are added over time and never change their meaning.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal

import msgspec

from shared.domain.definitions import Kpi
from shared.domain.readings import Dimensions, Reading
from shared.domain.targets import Judgement, Status

REVISION_HEADER = "tidemark-revision"
"""By this a reader tells an old record from a new one of the same key; it is a decimal number."""

_encoder = msgspec.json.Encoder(decimal_format="number")
_decoder = msgspec.json.Decoder(dict[str, str | None])


class TargetRecord(msgspec.Struct, frozen=True):
    """What a value was measured against."""

    value: Decimal
    warning: Decimal | None
    tolerance: Decimal | None


class ValueRecord(msgspec.Struct, frozen=True):
    """A KPI over a window, as it was when its value last changed.

    Attributes:
        revision: moves with every change of this value, and never back.
        n: how many events went into it.
        valid_until: when it may change although no event comes; null: never.
        attainment: the part of the target that was reached; null without a value or a target.
    """

    kpi: str
    version: int
    window: str
    dimensions: Mapping[str, str | None]
    value: Decimal | None
    unit: str | None
    n: int
    window_start: datetime
    window_end: datetime
    as_of: datetime
    complete: bool
    valid_until: datetime | None
    target: TargetRecord | None
    status: Status
    attainment: Decimal | None
    revision: int


def value_key(slug: str, window: str, dimensions: Dimensions) -> bytes:
    """The key of a series: `departures|24h|{"carrier":"AA"}`, dimensions by name and without blanks."""
    named = msgspec.json.encode(dict(sorted(dimensions.items())))
    return f"{slug}|{window}|".encode() + named


def parsed_key(key: bytes) -> tuple[str, str, dict[str, str | None]]:
    """The slug, window and dimensions that *key* names.

    Raises:
        ValueError: it is no such key.
    """
    slug, window, named = key.split(b"|", 2)
    return slug.decode(), window.decode(), _decoder.decode(named)


def encode_value(kpi: Kpi, reading: Reading, judgement: Judgement, *, revision: int) -> bytes:
    """The JSON that tells of *reading*, numbers as exact decimals."""
    target = judgement.target
    return _encoder.encode(
        ValueRecord(
            kpi=reading.slug,
            version=reading.version,
            window=reading.window,
            dimensions=reading.dimensions,
            value=reading.value,
            unit=kpi.unit,
            n=reading.n,
            window_start=reading.window_start.astimezone(UTC),
            window_end=reading.window_end.astimezone(UTC),
            as_of=reading.as_of.astimezone(UTC),
            complete=reading.complete,
            valid_until=None if reading.valid_until is None else reading.valid_until.astimezone(UTC),
            target=None if target is None else TargetRecord(target, judgement.warning, judgement.tolerance),
            status=judgement.status,
            attainment=judgement.attainment,
            revision=revision,
        )
    )


def decode_value(text: bytes) -> ValueRecord:
    """The value in *text*.

    Raises:
        msgspec.ValidationError: it is none.
    """
    return msgspec.json.decode(text, type=ValueRecord)
