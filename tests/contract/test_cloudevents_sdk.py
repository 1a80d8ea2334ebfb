"""The CloudEvents SDK as a second opinion: what it writes we read alike, and what we write it reads alike."""

from datetime import UTC, datetime
from typing import Any

from cloudevents.core.bindings import kafka
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from hypothesis import given
from hypothesis import strategies as st

from shared.contracts.events import CLEAN_HEADERS, CleanEvent, encode_clean
from shared.contracts.intake import decode
from shared.contracts.rfc3339 import time_text

FORMAT = JSONFormat()

NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40)
TIMES = st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1)).map(lambda at: at.replace(tzinfo=UTC))  # noqa: DTZ001
DATA = st.dictionaries(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=10),
    st.none() | st.booleans() | st.integers(-(10**18), 10**18) | NAMES,
    max_size=5,
)


@st.composite
def events(draw: st.DrawFn) -> CloudEvent:
    """An event of the SDK's, with every attribute that means something here."""
    attributes: dict[str, Any] = {
        "specversion": "1.0",
        "id": draw(NAMES),
        "source": draw(NAMES),
        "type": draw(NAMES),
        "time": draw(TIMES),
        "datacontenttype": "application/json",
    }
    for name in ("subject", "retracts"):
        text = draw(st.none() | NAMES)
        if text is not None:
            attributes[name] = text
    return CloudEvent(attributes, draw(DATA))


def clean(event: CloudEvent) -> CleanEvent:
    """The clean event that *event* should become."""
    attributes = event.get_attributes()
    return CleanEvent(
        id=attributes["id"],
        source=attributes["source"],
        type=attributes["type"],
        time=time_text(attributes["time"]),
        subject=attributes.get("subject"),
        retracts=attributes.get("retracts"),
        data=dict(event.get_data() or {}),  # type: ignore[arg-type]  # the SDK says: dict, str or bytes
    )


def received(message: kafka.KafkaMessage) -> Any:
    """What becomes of a message of the SDK's."""
    return decode(message.value, list(message.headers.items()), timestamp_us=0)


@given(events())
def test_structured(event: CloudEvent) -> None:
    """A structured message of the SDK is the same event here."""
    assert received(kafka.to_structured(event, FORMAT)) == clean(event)


@given(events())
def test_binary(event: CloudEvent) -> None:
    """A binary message of the SDK is the same event here."""
    assert received(kafka.to_binary(event, FORMAT)) == clean(event)


@given(events())
def test_clean_record(event: CloudEvent) -> None:
    """The SDK reads a clean record as the event it stands for, by its header and without being told."""
    expected = clean(event)
    headers = {name: value for name, value in CLEAN_HEADERS if value is not None}

    found = kafka.from_kafka(kafka.KafkaMessage(headers, None, encode_clean(expected)), FORMAT)

    kept = {"specversion", "id", "source", "type", "time", "subject", "retracts"}
    assert found.get_data() == expected.data
    assert found.get_attributes() == {k: v for k, v in event.get_attributes().items() if k in kept}
