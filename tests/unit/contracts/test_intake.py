"""What senders send: the three forms, what is taken from them, and every reason for a refusal."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contracts.events import CleanEvent, encode_clean
from shared.contracts.intake import decode
from shared.contracts.mappings import Const, JsonMapping, Path
from shared.domain.events import MAX_ATTRIBUTE_CHARACTERS, MAX_DEPTH, Reason, Rejected
from tests.builders import CLOUDEVENT, an_envelope, an_event, structured

AT_US = 1_793_528_100_000_000
AT = "2026-11-01T10:15:00.000000Z"
ORDERS = JsonMapping(
    id=Path(("order", "id")),
    source=Const("/shop"),
    type=Path(("kind",)),
    time=Path(("at",)),
    subject=Path(("customer",)),
    retracts=Path(("cancels",)),
)


def outcome(
    value: bytes | None, *headers: tuple[str, bytes | None], mapping: JsonMapping | None = None
) -> CleanEvent | Rejected:
    """What becomes of a record."""
    return decode(value, headers, timestamp_us=AT_US, mapping=mapping)


def reason(value: bytes | None, *headers: tuple[str, bytes | None], **options: Any) -> Reason | None:
    """Why a record is refused; None when it is not."""
    found = outcome(value, *headers, **options)
    return found.reason if isinstance(found, Rejected) else None


def binary(**changes: Any) -> tuple[bytes, list[tuple[str, bytes | None]]]:
    """The usual event in binary mode; a change to None leaves the header out."""
    envelope = an_envelope(**changes)
    data = envelope.pop("data", None)
    headers: list[tuple[str, bytes | None]] = [("content-type", b"application/json")]
    headers += [(f"ce_{name}", str(value).encode()) for name, value in envelope.items()]
    return json.dumps(data).encode() if data is not None else b"", headers


def test_structured() -> None:
    """A structured CloudEvent is the clean event it says."""
    assert outcome(structured(), CLOUDEVENT) == an_event()


@pytest.mark.parametrize(
    "content_type",
    [
        b"application/cloudevents+json",
        b"application/cloudevents+json; charset=UTF-8",
        b"Application/CloudEvents+JSON",
    ],
)
def test_structured_content_types(content_type: bytes) -> None:
    """The media type decides, whatever its case and parameters."""
    assert outcome(structured(), ("Content-Type", content_type)) == an_event()


def test_structured_without_headers() -> None:
    """A value that says specversion is a CloudEvent without any header."""
    assert outcome(structured()) == an_event()


def test_structured_wins() -> None:
    """In structured mode headers with the prefix are copies and are not looked at."""
    assert outcome(structured(), CLOUDEVENT, ("ce_id", b"other")) == an_event()


def test_binary() -> None:
    """A CloudEvent in binary mode is the same clean event."""
    value, headers = binary()

    assert outcome(value, *headers) == an_event()


def test_binary_keeps_percent_signs() -> None:
    """Kafka's binding writes header values as they are: a percent sign stays, as in structured mode."""
    value, headers = binary(source="/a%20b")

    assert outcome(value, *headers) == outcome(structured(source="/a%20b"))


@pytest.mark.parametrize("value", [None, b""])
def test_binary_without_data(value: bytes | None) -> None:
    """An event without data has an empty object."""
    _, headers = binary()

    assert outcome(value, *headers) == an_event(data={})


def test_mapping() -> None:
    """Plain JSON is an event by the mapping of its topic; its data is the whole document."""
    order = {"order": {"id": 7}, "kind": "order.placed", "at": "2026-11-01T11:15:00+01:00", "customer": "c1"}

    assert outcome(json.dumps(order).encode(), mapping=ORDERS) == an_event(
        id="7", source="/shop", type="order.placed", subject="c1", data=order
    )


def test_mapping_leaves_cloudevents_alone() -> None:
    """A CloudEvent in a topic with a mapping is a CloudEvent."""
    assert outcome(structured(), mapping=ORDERS) == an_event()


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"kind": "t"}, Reason.MISSING_ATTRIBUTE),
        ({"order": 7, "kind": "t"}, Reason.MISSING_ATTRIBUTE),
        ({"order": {"id": 1.5}, "kind": "t"}, Reason.INVALID_ATTRIBUTE),
        ({"order": {"id": True}, "kind": "t"}, Reason.INVALID_ATTRIBUTE),
        ({"order": {"id": ""}, "kind": "t"}, Reason.INVALID_ATTRIBUTE),
        ({"order": {"id": "1"}, "kind": "t", "at": 1_793_528_100}, Reason.INVALID_ATTRIBUTE),
        ([1], Reason.NOT_AN_OBJECT),
    ],
)
def test_mapping_refuses(document: Any, expected: Reason) -> None:
    """What a mapping does not find, or finds in another form, is named."""
    assert reason(json.dumps(document).encode(), mapping=ORDERS) is expected


def test_retraction() -> None:
    """The id of the event to undo is the one extension attribute that is kept."""
    value = structured(retracts="AA0", traceparent="00-1-2-03")

    assert outcome(value) == an_event(retracts="AA0")


def test_time_of_the_record() -> None:
    """An event that names no time has that of its record."""
    assert outcome(structured(time=None)) == an_event(time=AT)


@pytest.mark.parametrize("data", [None, {}])
def test_no_data(data: Any) -> None:
    """Absent data, null and an empty object are the same."""
    value = json.dumps({**an_envelope(), "data": data}).encode()

    assert outcome(value) == an_event(data={})


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"id": None}, Reason.MISSING_ATTRIBUTE),
        ({"source": None}, Reason.MISSING_ATTRIBUTE),
        ({"type": None}, Reason.MISSING_ATTRIBUTE),
        ({"id": 7}, Reason.INVALID_ATTRIBUTE),
        ({"id": ""}, Reason.INVALID_ATTRIBUTE),
        ({"source": "a\tb"}, Reason.INVALID_ATTRIBUTE),
        ({"type": "a\x85b"}, Reason.INVALID_ATTRIBUTE),
        ({"subject": ""}, Reason.INVALID_ATTRIBUTE),
        ({"subject": 1}, Reason.INVALID_ATTRIBUTE),
        ({"retracts": 7}, Reason.INVALID_ATTRIBUTE),
        ({"time": 1_793_528_100}, Reason.INVALID_TIME),
        ({"time": "2026-11-01 10:15"}, Reason.INVALID_TIME),
        ({"time": "2016-12-31T23:59:60Z"}, Reason.LEAP_SECOND),
        ({"specversion": None}, Reason.UNKNOWN_FORMAT),
        ({"specversion": "0.3"}, Reason.UNSUPPORTED_SPECVERSION),
        ({"specversion": 1.0}, Reason.UNSUPPORTED_SPECVERSION),
        ({"data": "text"}, Reason.DATA_NOT_AN_OBJECT),
        ({"data": [1]}, Reason.DATA_NOT_AN_OBJECT),
        ({"data": 0}, Reason.DATA_NOT_AN_OBJECT),
        ({"data": False}, Reason.DATA_NOT_AN_OBJECT),
        ({"data": None, "data_base64": "AA=="}, Reason.BINARY_DATA),
    ],
)
def test_structured_refuses(changes: dict[str, Any], expected: Reason) -> None:
    """Every fault of an envelope has its own reason."""
    assert reason(structured(**changes)) is expected


@pytest.mark.parametrize("attribute", ["id", "source", "type", "retracts"])
def test_attribute_limit(attribute: str) -> None:
    """An attribute has at most 256 characters, of whatever size."""
    found = [
        reason(structured(**{attribute: "é" * (MAX_ATTRIBUTE_CHARACTERS + step)})) for step in (-1, 0, 1)
    ]

    assert found == [None, None, Reason.INVALID_ATTRIBUTE]


def test_spaces_are_text() -> None:
    """A no-break space is no control character."""
    assert outcome(structured(subject="Zürich\u00a0HB")) == an_event(subject="Zürich\u00a0HB")


@pytest.mark.parametrize("mode", ["structured", "binary", "mapping"])
def test_depth_counts_from_data(mode: str) -> None:
    """Data may be sixteen levels deep in either mode; the envelope is not counted."""

    def found(levels: int) -> Reason | None:
        data: dict[str, Any] = {"x": 1}
        for _ in range(levels - 1):
            data = {"x": data}
        if mode == "mapping":
            return reason(
                json.dumps(data).encode(),
                mapping=JsonMapping(id=Path(("id",)), source=Const("s"), type=Const("t")),
            )
        value, headers = binary(data=data) if mode == "binary" else (structured(data=data), [])
        return reason(value, *headers)

    allowed = Reason.MISSING_ATTRIBUTE if mode == "mapping" else None

    assert [found(MAX_DEPTH - 1), found(MAX_DEPTH), found(MAX_DEPTH + 1)] == [
        allowed,
        allowed,
        Reason.TOO_DEEP,
    ]


def test_binary_refuses_other_types() -> None:
    """Data that is not JSON cannot be counted."""
    value, headers = binary()

    assert reason(value, ("content-type", b"text/plain"), *headers[1:]) is Reason.UNSUPPORTED_CONTENT_TYPE


def test_other_formats() -> None:
    """A structured event in another format than JSON is named as that."""
    other = ("content-type", b"application/cloudevents+avro")

    assert reason(b"\0", other) is Reason.UNSUPPORTED_CONTENT_TYPE


def test_header_not_utf8() -> None:
    """A header that is no text is named."""
    value, headers = binary()

    assert reason(value, *headers, ("ce_subject", b"\xff")) is Reason.NOT_UTF8


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, Reason.EMPTY_RECORD),
        (b'{"id":"1"}', Reason.UNKNOWN_FORMAT),
        (b"[1]", Reason.NOT_AN_OBJECT),
        (b"hello", Reason.MALFORMED_JSON),
    ],
)
def test_neither(value: bytes | None, expected: Reason) -> None:
    """A record that is no CloudEvent, in a topic without a mapping, cannot be used."""
    assert reason(value) is expected


def test_record_without_time() -> None:
    """An event has a time: that of a record beyond all calendars is none."""
    found = decode(structured(time=None), (), timestamp_us=2**62)

    assert isinstance(found, Rejected)
    assert found.reason is Reason.INVALID_TIME


@given(st.text(), st.text(), st.text(), st.text())
def test_details_are_sentences(event_id: str, source: str, time: str, name: str) -> None:
    """Whatever a sender writes, the detail of a refusal is short text that headers and logs can carry."""
    value = structured(id=event_id, source=source, time=time, data={name: {"NaN": float("nan")}})
    found = outcome(value)

    assert isinstance(found, Rejected)
    assert len(found.detail.encode()) < 1000


def test_numbers_reach_the_clean_record() -> None:
    """Every digit that was sent is in the clean record."""
    value = structured().replace(b'"delay": 5', b'"delay": 12345678901234567.12345678901234567890')
    event = outcome(value)

    assert isinstance(event, CleanEvent)
    assert b'"delay":12345678901234567.12345678901234567890' in encode_clean(event)
