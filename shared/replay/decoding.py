"""Records of the clean topic into events once more; what counts of them has been decided before."""

from collections.abc import Sequence

import msgspec

from shared.contracts.events import CleanEvent, clean_decoder
from shared.contracts.rfc3339 import are_clean
from shared.messaging.records import Record
from shared.storage.replays import Stretch

_UNREADABLE = (msgspec.MsgspecError, RecursionError, UnicodeDecodeError)


def counted_records(records: Sequence[Record], stretch: Stretch) -> Sequence[Record]:
    """Those of *records*, a part of *stretch*, that count."""
    silent = stretch.silent
    return [record for record in records if record.offset not in silent] if silent else records


def decoded(records: Sequence[Record]) -> tuple[list[Record], list[CleanEvent]]:
    """The records that are events, and these events; others were never counted either."""
    found = [event_of(record.value or b"") for record in records]
    good = are_clean([event.time if event else "" for event in found])
    pairs = [
        (record, event)
        for record, event, fine in zip(records, found, good.tolist(), strict=True)
        if fine and event is not None and event.retracts is None
    ]
    return [record for record, _ in pairs], [event for _, event in pairs]


def event_of(value: bytes) -> CleanEvent | None:
    """The event that *value* is; None when it is none."""
    try:
        return clean_decoder.decode(value)
    except _UNREADABLE:
        return None
