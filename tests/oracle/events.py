"""Raw Kafka records to events, by the rules for events alone; the services' decoder is unknown here."""

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

RETENTION = timedelta(days=400)
SKEW = timedelta(minutes=5)

_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d)(?:\.(\d+))?(?:[Zz]|([+-])([01]\d|2[0-3]):([0-5]\d))", re.ASCII
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Record:
    """What lies in a source topic: bytes, headers, and the broker's timestamp in milliseconds."""

    value: bytes | None
    headers: Sequence[tuple[str, bytes]] = ()
    timestamp_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """A CloudEvent as the rules want it."""

    id: str
    source: str
    type: str
    time: datetime
    subject: str | None
    retracts: str | None
    data: Mapping[str, Any] = field(hash=False)


def events(records: Iterable[Record], *, ingested_at: datetime | None) -> list[Event]:
    """The events that count, in log order: invalid ones left out, the first of each identity kept.

    A retraction does not count, and neither does the event of its source that it names, whichever came first.
    It is told by what it names alone: its own id is nobody's, so it takes none away and cannot be retracted.
    """
    kept: dict[tuple[str, str], Event] = {}
    undone: set[tuple[str, str]] = set()
    for record in records:
        event = _decoded(record)
        if event is not None and _is_in_time(event, ingested_at):
            if event.retracts is None:
                kept.setdefault((event.source, event.id), event)
            else:
                undone.add((event.source, event.retracts))
    return [event for key, event in kept.items() if key not in undone]


def _is_in_time(event: Event, ingested_at: datetime | None) -> bool:
    """Whether ingest let the event in by its age; None stands for events that each came in their time."""
    return ingested_at is None or ingested_at - RETENTION <= event.time <= ingested_at + SKEW


def _decoded(record: Record) -> Event | None:
    try:
        return _event(_envelope(record), record.timestamp_ms)
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return None


def _envelope(record: Record) -> dict[str, Any]:
    """The attributes and data of a record in structured or binary mode."""
    if record.value is None or len(record.value) > 64 * 1024:
        raise ValueError("no value, or too much of it")
    headers = {name.lower(): value.decode() for name, value in record.headers}
    body = _json(record.value)
    if "ce_specversion" not in headers:
        return dict(body)
    attributes = {name.removeprefix("ce_"): text for name, text in headers.items() if name.startswith("ce_")}
    return {**attributes, "data": body}


def _event(envelope: dict[str, Any], timestamp_ms: int | None) -> Event:
    if envelope["specversion"] != "1.0" or not isinstance(envelope["data"], dict):
        raise ValueError("not a CloudEvent 1.0 with an object as its data")
    subject, retracts = envelope.get("subject"), envelope.get("retracts")
    return Event(
        id=_name(envelope["id"]),
        source=_name(envelope["source"]),
        type=_name(envelope["type"]),
        time=_time(envelope.get("time"), timestamp_ms),
        subject=None if subject is None else _name(subject),
        retracts=None if retracts is None else _name(retracts),
        data=envelope["data"],
    )


def _name(text: object) -> str:
    if not isinstance(text, str) or not 1 <= len(text) <= 256:
        raise ValueError("not a string of 1 to 256 characters")
    if not text.isprintable() and any(unicodedata.category(letter) == "Cc" for letter in text):
        raise ValueError("a control character")
    return text


def _time(text: object, timestamp_ms: int | None) -> datetime:
    if text is None and timestamp_ms is not None:
        return _EPOCH + timedelta(milliseconds=timestamp_ms)
    match = _TIME.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise ValueError("not an RFC 3339 time with an offset")
    micros = int((match[2] or "0")[:6].ljust(6, "0"))
    local = datetime.fromisoformat(match[1]).replace(microsecond=micros, tzinfo=UTC)
    ahead = timedelta(hours=int(match[4] or 0), minutes=int(match[5] or 0))
    return local + ahead if match[3] == "-" else local - ahead


def _json(raw: bytes) -> Any:
    tree = json.loads(
        raw.decode("utf-8"),
        parse_float=_decimal,
        parse_int=_integer,
        parse_constant=_refused,
        object_pairs_hook=_object,
    )
    if b"\\u" in raw or len(raw) > 4096 or raw.count(b"{") + raw.count(b"[") > 16:
        _check(tree, depth=1)
    return tree


def _decimal(text: str) -> Decimal:
    number = Decimal(text)
    if len(number.as_tuple().digits) > 38 or abs(number.adjusted()) > 30 + 38:
        raise ValueError("a number out of bounds")
    if "e" in text.lower() and abs(int(text.lower().partition("e")[2])) > 30:
        raise ValueError("an exponent out of bounds")
    return number


def _integer(text: str) -> int:
    if len(text.lstrip("-")) > 38:
        raise ValueError("a number out of bounds")
    return int(text)


def _refused(text: str) -> None:
    raise ValueError(f"{text} is no number")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs) or len(found) > 200:
        raise ValueError("a key twice, or too many of them")
    return found


def _check(node: Any, *, depth: int) -> None:
    """Strings and depth, for the few records whose bytes leave a doubt."""
    if isinstance(node, str):
        if "\0" in node or len(node.encode()) > 4096:  # a lone surrogate does not encode
            raise ValueError("a string out of bounds")
        return
    if not isinstance(node, dict | list):
        return
    if depth > 16:
        raise ValueError("too deep")
    for part in [*node, *node.values()] if isinstance(node, dict) else node:
        _check(part, depth=depth + 1)
