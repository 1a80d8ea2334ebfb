"""What senders send, as clean events: structured and binary CloudEvents, and plain JSON by a mapping.

Judgements that depend on a clock are not made here; the caller says what time an event without one has.
"""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from shared.contracts.events import CleanEvent
from shared.contracts.json_rules import document
from shared.contracts.mappings import JsonMapping
from shared.contracts.rfc3339 import shortened, text_of_us, utc_text
from shared.domain.events import (
    MAX_ATTRIBUTE_CHARACTERS,
    MAX_DEPTH,
    MAX_STRING_BYTES,
    Reason,
    RefusedEventError,
    Rejected,
)

Headers = Sequence[tuple[str, bytes | None]]

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_STRUCTURED = "application/cloudevents"
_JSON_TYPE = re.compile(r"(?:application|text)/(?:[a-z0-9.+-]+\+)?json")
_NO_HEADERS: Mapping[str, str] = {}


def decode(
    value: bytes | None, headers: Headers, *, timestamp_us: int, mapping: JsonMapping | None = None
) -> CleanEvent | Rejected:
    """The event in one Kafka record, in whichever form it is sent.

    Args:
        value: the value of the record.
        headers: its headers.
        timestamp_us: the event's time if it names none, microseconds since 1970-01-01T00:00:00Z.
        mapping: how plain JSON of its topic is read; None refuses plain JSON.
    """
    try:
        return _decoded(value, headers, timestamp_us, mapping)
    except RefusedEventError as refusal:
        return Rejected(refusal.reason, refusal.detail)


def decode_structured(value: bytes, *, timestamp_us: int) -> CleanEvent | Rejected:
    """The event that *value*, a CloudEvent in JSON, holds."""
    try:
        return _from_envelope(_object(value, max_depth=MAX_DEPTH + 1), timestamp_us)
    except RefusedEventError as refusal:
        return Rejected(refusal.reason, refusal.detail)


def decode_binary(
    attributes: Mapping[str, str], content_type: str, value: bytes, *, timestamp_us: int
) -> CleanEvent | Rejected:
    """The event whose attributes came beside its data.

    Args:
        attributes: names without their prefix, `specversion` among them; texts as they are to be kept.
        content_type: what *value* is; empty stands for JSON.
        value: the data; empty stands for none.
        timestamp_us: the event's time if it names none.
    """
    try:
        return _from_binary(attributes, content_type, value, timestamp_us)
    except RefusedEventError as refusal:
        return Rejected(refusal.reason, refusal.detail)


def _decoded(
    value: bytes | None, headers: Headers, timestamp_us: int, mapping: JsonMapping | None
) -> CleanEvent:
    content_type, attributes = _read(headers) if headers else ("", _NO_HEADERS)
    if attributes and not content_type.startswith(_STRUCTURED):
        return _from_binary(attributes, content_type, value or b"", timestamp_us)
    if value is None:
        raise RefusedEventError(Reason.EMPTY_RECORD, "the record has neither a value nor ce_ headers")
    if content_type.startswith(_STRUCTURED):
        _check_format(content_type)
        return _from_envelope(_object(value, max_depth=MAX_DEPTH + 1), timestamp_us)
    return _from_plain(value, timestamp_us, mapping)


def _from_plain(value: bytes, timestamp_us: int, mapping: JsonMapping | None) -> CleanEvent:
    found = _object(value, max_depth=MAX_DEPTH + 1)
    if "specversion" in found:
        return _from_envelope(found, timestamp_us)
    if mapping is None:
        raise RefusedEventError(
            Reason.UNKNOWN_FORMAT,
            "the record is no CloudEvent (no specversion, no ce_ headers), and its topic has no mapping",
        )
    if value.count(b"{") + value.count(b"[") > MAX_DEPTH:
        # Here data has no envelope around it.
        document(value)
    return _event(mapping.attributes(found), found, timestamp_us)


def _from_envelope(envelope: Mapping[str, Any], timestamp_us: int) -> CleanEvent:
    _check_version(envelope.get("specversion"))
    if envelope.get("data_base64") is not None:
        raise RefusedEventError(Reason.BINARY_DATA, "data_base64 is not accepted: send data as a JSON object")
    return _event(envelope, envelope.get("data"), timestamp_us)


def _from_binary(
    attributes: Mapping[str, str], content_type: str, value: bytes, timestamp_us: int
) -> CleanEvent:
    _check_version(attributes.get("specversion"))
    if content_type and not _JSON_TYPE.fullmatch(content_type):
        detail = f"content-type {shortened(content_type)} is not JSON"
        raise RefusedEventError(Reason.UNSUPPORTED_CONTENT_TYPE, detail)
    return _event(attributes, document(value) if value else None, timestamp_us)


def _event(attributes: Mapping[str, Any], data: Any, timestamp_us: int) -> CleanEvent:
    """The event with *attributes* and *data*; whatever else the attributes hold is let go."""
    if type(data) is not dict and data is not None:
        raise RefusedEventError(Reason.DATA_NOT_AN_OBJECT, "data is not a JSON object")
    find = attributes.get
    return CleanEvent(
        id=_name("id", find("id")),
        source=_name("source", find("source")),
        type=_name("type", find("type")),
        time=_time(find("time"), timestamp_us),
        subject=_subject(find("subject")),
        retracts=_retracted(find("retracts")),
        data=data or {},
    )


def _object(value: bytes, *, max_depth: int) -> dict[str, Any]:
    found = document(value, max_depth=max_depth)
    if type(found) is not dict:
        raise RefusedEventError(Reason.NOT_AN_OBJECT, "the event is not a JSON object")
    return found


def _name(attribute: str, text: Any) -> str:
    if type(text) is str and 0 < len(text) <= MAX_ATTRIBUTE_CHARACTERS and text.isprintable():
        return text
    return _checked(attribute, text, MAX_ATTRIBUTE_CHARACTERS)


def _retracted(text: Any) -> str | None:
    return None if text is None else _name("retracts", text)


def _subject(text: Any) -> str | None:
    if text is None or (type(text) is str and 0 < len(text) <= MAX_STRING_BYTES and text.isprintable()):
        return text
    return _checked("subject", text, MAX_STRING_BYTES)


def _checked(attribute: str, text: Any, max_characters: int) -> str:
    if text is None:
        raise RefusedEventError(Reason.MISSING_ATTRIBUTE, f"{attribute} is missing")
    if type(text) is not str:
        raise RefusedEventError(Reason.INVALID_ATTRIBUTE, f"{attribute} is not a string")
    if not text:
        raise RefusedEventError(Reason.INVALID_ATTRIBUTE, f"{attribute} is empty")
    if len(text) > max_characters:
        detail = f"{attribute} has {len(text)} characters; at most {max_characters} are accepted"
        raise RefusedEventError(Reason.INVALID_ATTRIBUTE, detail)
    if _CONTROL.search(text):
        raise RefusedEventError(Reason.INVALID_ATTRIBUTE, f"{attribute} holds a control character")
    return text


def _time(text: Any, timestamp_us: int) -> str:
    if type(text) is str:
        return utc_text(text)
    if text is not None:
        raise RefusedEventError(Reason.INVALID_TIME, "time is not a string")
    try:
        return text_of_us(timestamp_us)
    except OverflowError as error:
        detail = "the event has no time, and that of its record is not within the years 1 to 9999"
        raise RefusedEventError(Reason.INVALID_TIME, detail) from error


def _check_version(version: Any) -> None:
    if version != "1.0":
        stated = "missing" if version is None else f"{shortened(str(version))}, not 1.0"
        raise RefusedEventError(Reason.UNSUPPORTED_SPECVERSION, f"specversion is {stated}")


def _check_format(content_type: str) -> None:
    if content_type != "application/cloudevents+json":
        detail = f"content-type {shortened(content_type)} is not application/cloudevents+json"
        raise RefusedEventError(Reason.UNSUPPORTED_CONTENT_TYPE, detail)


def _read(headers: Headers) -> tuple[str, Mapping[str, str]]:
    """The content type, and what the headers with the prefix of CloudEvents say."""
    content_type, attributes = "", {}
    for name, value in headers:
        if name == "content-type" or name.lower() == "content-type":
            content_type = media_type(value or b"")
        elif name[:3].lower() == "ce_" and value is not None:
            attributes[name[3:].lower()] = _header_text(name, value)
    return content_type, attributes


def _header_text(name: str, value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise RefusedEventError(Reason.NOT_UTF8, f"header {shortened(name)} is not UTF-8") from error


@lru_cache(maxsize=256)
def media_type(value: bytes) -> str:
    """The media type in a content-type header, in lower case and without its parameters."""
    return value.decode("latin-1").partition(";")[0].strip().lower()
